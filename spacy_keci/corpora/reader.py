"""Examples for training and evaluation, with their relations, and a warning of gold that is out of reach."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import logger

from ..alignment import Aligned, align
from ..files import files_in, without_gz
from ..reports import Report
from ..tokens import SPANS_KEY
from .docbin import load_docs
from .documents import copy_sentences, from_doc, mark_sentences, to_docs
from .formats import reader_of


class SpanGraphCorpus:
    """Registered as ``spacy_keci.SpanGraphCorpus.v1``: reads examples, the text in the tokens of a pipeline and the
    gold Doc.

    The first time that it reads a file, it logs what the file holds, and warns of mentions that do not begin and end
    on tokens of the pipeline, and of their relations: no component can predict them.

    path: a ``.spacy`` or ``.jsonl`` file, or a folder of such.
    limit: read no more than so many examples; 0: all.
    shuffle: another order each time, drawn from ``seed``, or from the seed of the training where that is None.
    mentions_to: a key of ``doc.spans`` at which the texts are given their gold mentions, for a component that reads
        them there (``entities_from`` of keci); None: the texts get no mentions. Not "ents", which components read as
        ``doc.ents``.
    sentences: "given": texts whose files say where sentences begin, as those of corpora of sentences do after
        ``spacy keci convert``, are read with these sentences; in others the pipeline sets them. "one": each text is one
        sentence, even if it contains full stops: for a corpus of sentences that you wrote yourself.
    Raises ValueError if there is no path, mentions_to is "ents", or a setting has a value that it cannot have.
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        spans_key: str = SPANS_KEY,
        limit: int = 0,
        shuffle: bool = False,
        seed: int | None = None,
        mentions_to: str | None = None,
        sentences: Literal["given", "one"] = "given",
    ) -> None:
        if not path:
            raise ValueError("The corpus has no path: give it in the config, or as --paths.train and --paths.dev.")
        if mentions_to == "ents":
            raise ValueError(
                'A corpus cannot set mentions_to = "ents": it writes mentions to doc.spans, but entities_from = '
                '"ents" reads doc.ents, which has no place for nested ones. Give both settings another name, such as '
                '"gold".'
            )
        self.path = Path(path)
        self.spans_key = spans_key
        if limit < 0:
            raise ValueError(f"limit must be 0 (no limit) or positive, got {limit}.")
        if sentences not in ("given", "one"):
            raise ValueError(f'The setting \'sentences\' of a corpus is "given" or "one", got {sentences!r}.')
        self.limit = limit
        self.shuffle = shuffle
        self.mentions_to = mentions_to
        self.sentences = sentences
        self._shuffle = random.shuffle if seed is None else random.Random(seed).shuffle
        self._logged: set[Path] = set()

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Raises FileNotFoundError if there is no file, ValueError if a file is of another format or one of its
        documents has no mentions annotated: no ``doc.spans[spans_key]``, not even empty."""
        examples = self._read(nlp)
        if self.shuffle:
            shuffled = list(examples)
            self._shuffle(shuffled)
            yield from shuffled
        else:
            yield from examples

    def _read(self, nlp: Language) -> Iterator[Example]:
        rest = self.limit or None
        for file in corpus_files(self.path):
            report = Report()
            docs = read_docs(file, nlp, self.spans_key, report, self.sentences)[:rest]
            examples = [Example(copy_sentences(doc, nlp.make_doc(doc.text)), doc) for doc in docs]
            golds = [align(example, self.spans_key) for example in examples]
            if self.mentions_to is not None:
                for example, gold in zip(examples, golds, strict=True):
                    example.predicted.spans[self.mentions_to] = gold.found
            if file not in self._logged:
                self._logged.add(file)
                _log(file, golds, report)
            yield from examples
            if rest is not None:
                rest -= len(examples)
                if rest == 0:
                    break


def is_corpus_file(path: Path) -> bool:
    return without_gz(path).suffix.lower() in (".spacy", ".jsonl")


def corpus_files(path: Path) -> list[Path]:
    """The file itself, or the ``.spacy`` and ``.jsonl`` files of a folder, gzipped or not, in the order of their names.

    Raises FileNotFoundError if there is none, ValueError for a file of another format.
    """
    if path.is_file():
        if not is_corpus_file(path):
            raise ValueError(f"{path} is neither .spacy nor .jsonl: convert it with 'spacy keci convert'.")
        return [path]
    files = [file for file in files_in(path) if is_corpus_file(file)]
    if not files:
        raise FileNotFoundError(f"{path} is not a file, nor a folder that holds a .spacy or .jsonl file.")
    return files


def read_docs(
    path: Path,
    nlp: Language,
    spans_key: str = SPANS_KEY,
    report: Report | None = None,
    sentences: Literal["given", "one"] = "given",
) -> list[Doc]:
    """Gold documents of a ``.spacy`` or ``.jsonl`` file or of a folder of such, without those that have no text.

    sentences: as of :class:`SpanGraphCorpus`; "one" marks each document as one sentence.
    Raises as :class:`SpanGraphCorpus` does.
    """
    report = report or Report()
    docs: list[Doc] = []
    for file in corpus_files(path):
        if without_gz(file).suffix.lower() == ".jsonl":
            # any tool may have written it
            found = list(to_docs(reader_of(file)(file, report), nlp.make_doc, report, spans_key))
        else:
            found = list(load_docs(file, nlp.vocab))
        for number, doc in enumerate(found, start=1):
            if spans_key not in doc.spans:
                raise ValueError(
                    f"Document {number} of {file} ({doc.text[:40]!r}) has no doc.spans[{spans_key!r}], only "
                    f"{list(doc.spans) or 'no spans at all'}. Without it, a document without mentions cannot be told "
                    f"from one that was not annotated: set the key, to an empty list if it has no mentions, or name "
                    f"another spans_key."
                )
            try:
                from_doc(doc, spans_key)
            except (KeyError, TypeError, ValueError) as error:  # KeyError: a string that the file lacks
                raise ValueError(f"Document {number} of {file} ({doc.text[:40]!r}) is malformed: {error}.") from None
            if doc.text.strip():
                if sentences == "one":
                    mark_sentences(doc, [0])
                docs.append(doc)
            else:
                report.drop("empty text", f"document {number}")
    return docs


def _log(file: Path, golds: Sequence[Aligned], report: Report) -> None:
    mentions, relations = sum(len(gold.spans) for gold in golds), sum(len(gold.relations) for gold in golds)
    summary = f"{file}: {len(golds)} texts, {mentions} mentions, {relations} relations"
    problems = report.summary()
    if not golds:
        problems.append("there is nothing to learn from or to score")
    if lost := sum(gold.lost_mentions for gold in golds):
        problems.append(
            f"{lost} mentions do not begin and end on tokens of this pipeline and cannot be predicted, nor can "
            f"{sum(gold.lost_relations for gold in golds)} relations of theirs"
        )
    if problems:
        logger.warning("%s; %s", summary, "; ".join(problems))
    else:
        logger.info("%s", summary)
