"""From annotated text to a gold Doc of spaCy, and back."""

from bisect import bisect
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup

from ..doc_operations import id_text
from ..reports import Report
from ..span_groups import PER_RELATION, SPANS_KEY, checked_spans, per_mention, set_span_graph
from .annotation import (
    AnnotatedText,
    Interaction,
    MakeDoc,
    Mention,
    RelationTriple,
    check_positions,
    without_empty_mentions,
)


def to_doc(annotated: AnnotatedText, make_doc: MakeDoc, report: Report, spans_key: str = SPANS_KEY) -> Doc:
    """A gold Doc: the tokens of ``make_doc`` (``nlp.make_doc``), split further at gold boundaries.

    The further split means that a gold Doc holds every mention whatever the tokenizer; a pipeline predicts on its
    own tokens and scores compare characters, so what the tokenizer cannot reach counts as missed. Mentions are those
    of :func:`~spacy_keci.corpora.annotation.without_empty_mentions`. Sentences are marked where the text has some.

    Raises ValueError if ``make_doc`` changes the text.
    """
    annotated = without_empty_mentions(annotated, report)
    text, mentions = annotated.text, annotated.mentions
    doc = make_doc(text)
    if doc.text != text:
        raise ValueError(
            f"The tokenizer makes {doc.text[:40]!r} of the text {text[:40]!r}: offsets would not fit. "
            "Use a tokenizer that preserves the text."
        )
    doc = _split_tokens(doc, {m.start for m in mentions} | {m.end for m in mentions})
    starts = {token.idx: token.i for token in doc}
    ends = {token.idx + len(token): token.i + 1 for token in doc}
    attrs: dict[str, Any] = {}
    if any(m.score != 1.0 for m in mentions):
        attrs["scores"] = [m.score for m in mentions]
    if annotated.clusters is not None:
        attrs["clusters"] = [list(cluster) for cluster in annotated.clusters]
        # the fifth column, novelty, is there where it says something
        attrs["interactions"] = [list(row if any(row[4:]) else row[:4]) for row in annotated.interactions or []]
    spans = [Span(doc, starts[m.start], ends[m.end], label=m.label, kb_id=m.kb_id) for m in mentions]
    set_span_graph(doc, spans_key, spans, annotated.relations, **attrs)
    for key, value in (("id", annotated.id), ("group", annotated.group), ("meta", annotated.meta)):
        if value:
            doc.user_data[key] = value
    if annotated.sentences is not None:
        mark_sentences(doc, annotated.sentences)
    return doc


def mark_sentences(doc: Doc, starts: Iterable[int]) -> None:
    """Set the sentences of a document: they begin with the tokens that hold the characters at these offsets, or that
    come next, and with the first. A sentencizer that does not overwrite leaves them as they are."""
    places = sorted(starts)
    before = 0
    for token in doc:
        begun = bisect(places, token.idx + len(token) - 1)
        token.is_sent_start = token.i == 0 or begun > before
        before = begun


def copy_sentences(gold: Doc, doc: Doc) -> Doc:
    """The document with the sentences that are marked in the gold one of the same text, if there are any."""
    starts = _sentence_starts(gold)
    if starts is not None:
        mark_sentences(doc, starts)
    return doc


def from_doc(
    doc: Doc, spans_key: str = SPANS_KEY, sentences: bool = False, report: Report | None = None
) -> AnnotatedText:
    """The span graph of a Doc, gold or predicted, as plain data. A Doc without the spans key has no mentions.

    sentences: whether to take over the sentences that are marked in the Doc, as in gold.
    report: counts what plain data has no place for: evidence of interactions, vectors and uncertainties of relations.
    Raises ValueError for a relation or cluster of mentions that are not there.
    """
    group = doc.spans[spans_key] if spans_key in doc.spans else SpanGroup(doc, name=spans_key)
    attrs: dict[str, Any] = group.attrs
    annotated = AnnotatedText(
        text=doc.text,
        mentions=[
            Mention(s.start_char, s.end_char, s.label_, s.kb_id_, float(score))
            for s, score in zip(checked_spans(group), per_mention(group, "scores", 1.0), strict=True)
        ],
        relations=[RelationTriple(*row) for row in attrs.get("relations", [])],
        id=id_text(doc.user_data.get("id")),
        group=id_text(doc.user_data.get("group")),
        meta=dict(doc.user_data.get("meta") or {}),
        clusters=[list(c) for c in attrs["clusters"]] if "clusters" in attrs else None,
        interactions=[Interaction(*row[:5]) for row in attrs["interactions"]] if "interactions" in attrs else None,
        sentences=_sentence_starts(doc) if sentences else None,
    )
    check_positions(annotated)
    if report is not None:
        supported = [row[2] for row in attrs.get("interactions", []) if any(row[5:])]
        report.drop_each("evidence of an interaction, which only documents hold", annotated.name, supported)
        for name in PER_RELATION:
            what = f"{name.replace('_', ' ')} of a text, which only documents hold"
            report.drop_each(what, annotated.name, [f"{len(attrs[name])}"] if attrs.get(name) else [])
    return annotated


def to_docs(
    annotated: Iterable[AnnotatedText], make_doc: MakeDoc, report: Report, spans_key: str = SPANS_KEY
) -> Iterable[Doc]:
    """:func:`to_doc` for many texts, lazily."""
    for each in annotated:
        yield to_doc(each, make_doc, report, spans_key)


def token_starts(tokens: Iterable[str]) -> list[int]:
    """Where each token begins in the text of all with a single character between them, and where another would."""
    return list(accumulate((len(token) + 1 for token in tokens), initial=0))


def words_of(doc: Doc) -> tuple[list[str], list[int]]:
    """The tokens that are not white space, and for each token, and the end, how many of them stand before it."""
    words = [token.text for token in doc]
    before = list(accumulate((not word.isspace() for word in words), initial=0))
    return [word for word in words if not word.isspace()], before


def _sentence_starts(doc: Doc) -> list[int] | None:
    # of a document of one token or none, spaCy does not know whether they are marked
    return [s.start_char for s in doc.sents] if len(doc) > 1 and doc.has_annotation("SENT_START") else None


def _split_tokens(doc: Doc, boundaries: set[int]) -> Doc:
    """The same text with additional token boundaries at these character offsets."""
    cuts = sorted(boundaries - {token.idx for token in doc} - {token.idx + len(token) for token in doc})
    if not cuts:
        return doc
    text = doc.text
    words, spaces = [], []
    for token in doc:
        start, end = token.idx, token.idx + len(token)
        inside = cuts[bisect(cuts, start) : bisect(cuts, end)]
        words += [text[a:b] for a, b in pairwise([start, *inside, end])]
        spaces += [False] * len(inside) + [bool(token.whitespace_)]
    return Doc(doc.vocab, words=words, spaces=spaces)
