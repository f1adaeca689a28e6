"""DyGIE++'s JSON (Wadden et al. 2019, https://github.com/dwadden/dygiepp/blob/master/doc/data.md): a document a line.

``sentences`` are lists of tokens; ``ner`` and ``relations`` have a list for each sentence, of [start, end, label] and
[start, end, start, end, label]. Offsets are tokens of the document, end inclusive.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from pydantic import Field
from spacy.tokens import Doc

from ..reports import Report
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, MakeDoc, with_ids
from .documents import to_doc, token_starts, words_of
from .reading import Record, count_unknown_keys, read_lines
from .standoff import StandoffText
from .writing import write_lines

_KNOWN = ("dataset", "weight", "sentence_start", "_sentence_start")


class _Document(Record):
    doc_key: str | int = ""
    sentences: list[list[str]]
    ner: list[list[list[Any]]] = Field(default_factory=list)
    relations: list[list[list[Any]]] = Field(default_factory=list)
    clusters: list[Any] = Field(default_factory=list)
    events: list[list[Any]] = Field(default_factory=list)


def read_dygie(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """Documents whose text is the tokens joined by one space and the sentences by a line break. Coreference clusters
    and events have no place here."""
    for document in read_lines(path, _Document.model_validate, report):
        count_unknown_keys(document, "documents", report, known=_KNOWN)
        tokens = [token for sentence in document.sentences for token in sentence]
        starts = token_starts(tokens)
        id = str(document.doc_key)
        sentences = [" ".join(sentence) for sentence in document.sentences if sentence]
        text = StandoffText("\n".join(sentences), id, report)
        for start, end, label in _checked(document.ner, 1, len(tokens), id, report):
            text.add_mention(f"{start}-{end}", [(starts[start], starts[end + 1] - 1)], label)
        for *ends, label in _checked(document.relations, 2, len(tokens), id, report):
            text.add_relation(f"{ends[0]}-{ends[1]}", f"{ends[2]}-{ends[3]}", label)
        report.drop_each("coreference cluster", id, document.clusters)
        report.drop_each("event", id, chain.from_iterable(document.events))
        yield text.build(sentences=token_starts(sentences)[:-1])


def write_dygie(texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: MakeDoc) -> None:
    """Documents with the tokens of ``make_doc``, split further at the boundaries of mentions. Sentences are those
    that the text is given with, else its lines; what a mention or relation joins is one sentence. Texts that are not
    their tokens with single spaces in between are counted.

    Of mentions with the same words, DyGIE++ cannot tell which one a relation means: such relations are dropped and
    counted. A text without an id gets a number.
    """
    write_lines((_to_record(text.id, to_doc(text, make_doc, report), report) for text in with_ids(texts)), path)


def _checked(parts: list[list[list[Any]]], n: int, n_tokens: int, id: str, report: Report) -> Iterator[list[Any]]:
    """Annotations of ``n`` spans inside the document, with a label; what follows on the label are scores."""
    for annotation in (annotation for sentence in parts for annotation in sentence):
        offsets, labels = annotation[: 2 * n], annotation[2 * n : 2 * n + 1]
        are_offsets = len(offsets) == 2 * n and all(type(offset) is int for offset in offsets)
        if not are_offsets or not labels or not isinstance(labels[0], str):
            report.drop("malformed mention or relation", f"{id}: {str(annotation)[:80]}")
        elif not all(0 <= start <= end < n_tokens for start, end in zip(offsets[::2], offsets[1::2], strict=True)):
            report.drop("mention or relation outside the text", f"{id}: {str(annotation)[:80]}")
        else:
            report.count("scores of mentions and relations", len(annotation[2 * n + 1 :]))
            yield [*offsets, *labels]


def _to_record(id: str, doc: Doc, report: Report) -> dict[str, Any]:
    words, index = words_of(doc)
    spans = [(index[span.start], index[span.end] - 1, span.label_) for span in doc.spans[SPANS_KEY]]
    same = {words for words, n in Counter(span[:2] for span in spans).items() if n > 1}
    relations = []
    for head, tail, label, _ in doc.spans[SPANS_KEY].attrs["relations"]:
        if same & {spans[head][:2], spans[tail][:2]}:
            report.drop("relation of one of several mentions with the same words", f"{id}: {label}")
        else:
            relations.append((*spans[head][:2], *spans[tail][:2], label))
    given = doc.has_annotation("SENT_START")
    breaks = {index[token.i] for token in doc if (token.is_sent_start if given else "\n" in token.text)}
    crossed = [(min(annotation[:-1]), max(annotation[:-1])) for annotation in [*spans, *relations]]
    kept = {b for b in breaks if not any(first < b <= last for first, last in crossed)}
    if given:
        report.count("ends of sentences that a mention or relation crosses, left out", len(breaks - kept))
    bounds = list(pairwise(sorted({0, len(words), *kept})))
    sentences = [words[first:end] for first, end in bounds]
    report.count("texts whose spacing is not kept", int("\n".join(map(" ".join, sentences)) != doc.text))
    return {
        "doc_key": id,
        "sentences": sentences,
        "ner": [[list(s) for s in spans if first <= s[0] < end] for first, end in bounds],
        "relations": [[list(r) for r in relations if first <= r[0] < end] for first, end in bounds],
    }
