"""From annotated text to a gold Doc of spaCy, and back."""

from bisect import bisect
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup

from ..reports import Report
from ..span_groups import SPANS_KEY, checked_spans, per_mention
from .annotation import AnnotatedText, Mention, RelationTriple


def to_doc(annotated: AnnotatedText, make_doc: Callable[[str], Doc], report: Report, spans_key: str = SPANS_KEY) -> Doc:
    """A gold Doc: the tokens of ``make_doc`` (``nlp.make_doc``), split further at gold boundaries.

    The further split means that a gold Doc holds every mention whatever the tokenizer; a pipeline predicts on its
    own tokens and scores compare characters, so what the tokenizer cannot reach counts as missed. Mentions that
    are empty, outside the text, or nothing but whitespace are dropped and counted, with the relations that hang
    on them; whitespace around a mention is cut off.

    Raises ValueError if ``make_doc`` changes the text.
    """
    text = annotated.text
    mentions: list[Mention] = []
    index: dict[int, int] = {}
    for i, mention in enumerate(annotated.mentions):
        where = f"{annotated.id or text[:40]!r}: {mention.label} at {mention.start}-{mention.end}"
        if not 0 <= mention.start < mention.end <= len(text):
            report.drop("mention outside the text or empty", where)
            continue
        surface = text[mention.start : mention.end]
        if not surface.strip():
            report.drop("mention of whitespace only", where)
            continue
        start = mention.start + len(surface) - len(surface.lstrip())
        end = mention.end - (len(surface) - len(surface.rstrip()))
        index[i] = len(mentions)
        mentions.append(mention._replace(start=start, end=end))
    doc = make_doc(text)
    if doc.text != text:
        raise ValueError(
            f"The tokenizer makes {doc.text[:40]!r} of the text {text[:40]!r}: offsets would not fit. "
            "Use a tokenizer that preserves the text."
        )
    doc = _split_tokens(doc, {m.start for m in mentions} | {m.end for m in mentions})
    starts = {token.idx: token.i for token in doc}
    ends = {token.idx + len(token): token.i + 1 for token in doc}
    group = SpanGroup(
        doc,
        name=spans_key,
        spans=[Span(doc, starts[m.start], ends[m.end], label=m.label, kb_id=m.kb_id) for m in mentions],
    )
    rows = []
    for relation in annotated.relations:
        if relation.head in index and relation.tail in index:
            rows.append([index[relation.head], index[relation.tail], relation.label, relation.score])
        else:
            report.drop("relation of a dropped mention", f"{annotated.id or text[:40]!r}: {relation.label}")
    group.attrs["relations"] = rows
    if any(m.score != 1.0 for m in mentions):
        group.attrs["scores"] = [m.score for m in mentions]
    if annotated.clusters is not None:
        group.attrs["clusters"] = [[index[i] for i in c if i in index] for c in annotated.clusters]
        group.attrs["interactions"] = [list(triple) for triple in annotated.interactions or []]
    doc.spans[spans_key] = group
    for key, value in (("id", annotated.id), ("group", annotated.group), ("meta", annotated.meta)):
        if value:
            doc.user_data[key] = value
    return doc


def from_doc(doc: Doc, spans_key: str = SPANS_KEY) -> AnnotatedText:
    """The span graph of a Doc, gold or predicted, as plain data. A Doc without the spans key has no mentions.

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
        id=str(doc.user_data.get("id", "")),
        group=str(doc.user_data.get("group", "")),
        meta=dict(doc.user_data.get("meta", {})),
        clusters=[list(c) for c in attrs["clusters"]] if "clusters" in attrs else None,
        interactions=[RelationTriple(*row) for row in attrs["interactions"]] if "interactions" in attrs else None,
    )
    clusters, interactions = annotated.clusters or [], annotated.interactions or []
    for rows, members in (
        ([row[:2] for row in annotated.relations], annotated.mentions),
        ([row[:2] for row in interactions], clusters),
        (clusters, annotated.mentions),
    ):
        if not all(0 <= i < len(members) for row in rows for i in row):
            raise ValueError("a relation or cluster of what is not there")
    return annotated


def to_docs(
    annotated: Iterable[AnnotatedText],
    make_doc: Callable[[str], Doc],
    report: Report,
    spans_key: str = SPANS_KEY,
) -> Iterable[Doc]:
    """:func:`to_doc` for many texts, lazily."""
    for each in annotated:
        yield to_doc(each, make_doc, report, spans_key)


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
