"""Collect unlabelled passages: the texts of other corpora, and ten sentences in a row of corpora in columns (CoNLL).

    python scripts/passages.py corpus/passages.jsonl --texts corpus/biored/cdr-train.spacy --columns assets/iob \
        --of NCBI-disease AnatEM --without corpus/biored/test.spacy

Pipelines can annotate them, and another one can be trained on the annotations (docs/concept_relations.md). Columns do
not show where a document ends, so a passage may belong to two. A passage with a sentence of a file of ``--without`` is
left out.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import spacy
import srsly
from spacy.util import minibatch
from unlabelled_text import letters, spaced
from wasabi import msg

from spacy_keci.corpora.conll import read_conll
from spacy_keci.corpora.docbin import load_docs
from spacy_keci.reports import Report

SENTENCES = 10
# letters and digits of a sentence that is long enough to be recognized in another text
LONG = 30


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("output", type=Path, help="file to write, .jsonl")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="corpora (.spacy) of whole texts")
    parser.add_argument("--columns", type=Path, default=Path(), help="folder of corpora in columns")
    parser.add_argument("--of", nargs="*", default=[], help="its corpora, each a folder of .tsv files")
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="corpora (.spacy) whose sentences to avoid")
    args = parser.parse_args()
    vocab = spacy.blank("en").vocab
    avoided = "\n".join(letters(doc.text) for path in args.without for doc in load_docs(path, vocab))
    report = Report()
    kept: list[dict[str, str]] = []
    seen: set[str] = set()
    n_left_out = 0
    for corpus in [*args.texts, *(args.columns / name for name in args.of)]:
        for sentences in _passages(corpus, report):
            keys = [key for sentence in sentences if len(key := letters(sentence)) >= LONG]
            if any(key in avoided for key in keys) or not seen.isdisjoint(keys):
                n_left_out += 1
                continue
            seen.update(keys)
            kept.append({"id": f"{corpus.stem}-{len(kept)}", "text": " ".join(sentences)})
    if not kept:
        raise SystemExit("There is no passage: name corpora with --texts, or with --columns and --of.")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_jsonl(args.output, kept)
    msg.good(f"{len(kept):,} passages; {n_left_out:,} with a sentence of another passage or of --without left out")
    for line in report.summary():
        msg.warn(line)


def _passages(corpus: Path, report: Report) -> Iterator[list[str]]:
    """The sentences of each passage."""
    if corpus.is_dir():
        for path in sorted(corpus.glob("*.tsv")):
            yield from minibatch((spaced(text.text) for text in read_conll(path, report)), SENTENCES)
        return
    nlp = spacy.blank("en")
    nlp.add_pipe("biomedical_sentencizer")
    for doc in nlp.pipe(doc.text for doc in load_docs(corpus, nlp.vocab)):
        yield [sentence.text.strip() for sentence in doc.sents]


if __name__ == "__main__":
    main()
