"""What a drawing of a span graph shows, as plain data: taken from a Doc, free of any geometry."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from spacy.tokens import Doc, Span, SpanGroup

from ..sentences import sentences
from ..span_groups import checked_spans, group_of, per_mention, warn_if_replaced
from ..tokens import get_concepts
from .options import Options
from .text import shorten

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase

# What only the first, or only the second of two graphs has.
LOST, GAINED = "lost", "gained"
SHOWN_CANDIDATES = 5


@dataclass(frozen=True)
class LinkedConcept:
    """The concept of a mention: identifier, name ("" if unknown), attention weight (None if there is none)."""

    id: str
    name: str = ""
    attention: float | None = None


@dataclass(frozen=True)
class DrawnMention:
    """Tokens ``start`` to ``end`` (exclusive), type, hover text and, in a comparison, ``mark``."""

    start: int
    end: int
    label: str
    title: str = ""
    mark: str = ""
    concept: LinkedConcept | None = None


@dataclass(frozen=True)
class DrawnRelation:
    """``head`` and ``tail`` are indices into the mentions of the picture."""

    head: int
    tail: int
    label: str
    directed: bool = True
    title: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Picture:
    """A text in tokens with its span graph. ``spaces``: whether whitespace follows a token; ``breaks``: tokens with
    which a sentence begins."""

    tokens: list[str]
    spaces: list[bool]
    breaks: frozenset[int] = frozenset()
    mentions: list[DrawnMention] = field(default_factory=list)
    relations: list[DrawnRelation] = field(default_factory=list)

    def count(self, mark: str) -> int:
        return sum(m.mark == mark for m in self.mentions) + sum(r.mark == mark for r in self.relations)


def make_picture(source: Doc | Span, spans_key: str, options: Options) -> Picture:
    """The span graph in ``doc.spans[spans_key]`` of a Doc, or of a part of it: mentions inside, relations among them.

    Raises ValueError if the Doc has no such group.
    """
    doc = source.doc
    begin, end = (source.start, source.end) if isinstance(source, Span) else (0, len(doc))
    group = group_of(doc, spans_key)
    warn_if_replaced(doc, spans_key)
    scores = per_mention(group, "scores", None)
    mentions: list[DrawnMention] = []
    number: dict[int, int] = {}
    for i, (span, score) in enumerate(zip(checked_spans(group), scores, strict=True)):
        if begin <= span.start < span.end <= end and (options.labels is None or span.label_ in options.labels):
            number[i] = len(mentions)
            mentions.append(_mention(span, score, options, begin))
    undirected = set(group.attrs.get("symmetric", ()) if options.symmetric is None else options.symmetric)
    shown = options.relation_labels
    relations = [
        DrawnRelation(
            number[head],
            number[tail],
            label,
            label not in undirected,
            _relation_title(group, head, tail, label, score, label not in undirected),
        )
        for head, tail, label, score in group.attrs.get("relations", [])
        if head in number and tail in number and (shown is None or label in shown)
    ]
    return Picture(
        [token.text for token in doc[begin:end]],
        [bool(token.whitespace_) for token in doc[begin:end]],
        frozenset(i - begin for i in _sentence_starts(doc, mentions, begin) if begin < i < end),
        mentions,
        relations,
    )


def compare(first: Picture, second: Picture) -> tuple[Picture, Picture]:
    """Two graphs of the same text, with what the second lacks marked in the first, and what is new in the second."""
    return _marked(first, second, LOST), _marked(second, first, GAINED)


def overlay(first: Picture, second: Picture) -> Picture:
    """Two graphs of the same text in one: all of the second, and what only the first has; differences are marked."""
    first, second = compare(first, second)
    mentions = list(second.mentions)
    place = {_identity(mention): i for i, mention in reversed(list(enumerate(mentions)))}
    for mention in first.mentions:
        if _identity(mention) not in place:
            place[_identity(mention)] = len(mentions)
            mentions.append(mention)
    ends = [place[_identity(mention)] for mention in first.mentions]
    lost = [replace(r, head=ends[r.head], tail=ends[r.tail]) for r in first.relations if r.mark]
    return replace(second, mentions=mentions, relations=[*second.relations, *lost])


def _marked(picture: Picture, other: Picture, mark: str) -> Picture:
    mentions = {_identity(mention) for mention in other.mentions}
    relations = {_edge(other, relation) for relation in other.relations}
    return replace(
        picture,
        mentions=[m if _identity(m) in mentions else replace(m, mark=mark) for m in picture.mentions],
        relations=[r if _edge(picture, r) in relations else replace(r, mark=mark) for r in picture.relations],
    )


def _identity(mention: DrawnMention) -> tuple[int, int, str]:
    return mention.start, mention.end, mention.label


def _edge(picture: Picture, relation: DrawnRelation) -> tuple[tuple[tuple[int, int], ...], str]:
    # Not by type: where only the type of a mention differs, its relations are the same.
    ends = [(m.start, m.end) for m in (picture.mentions[relation.head], picture.mentions[relation.tail])]
    return tuple(ends if relation.directed else sorted(ends)), relation.label


def _mention(span: Span, score: float | None, options: Options, begin: int) -> DrawnMention:
    lines = [shorten(span.text, 80), span.label_ + ("" if score is None else f", score {score:.2f}")]
    candidates, concept = get_concepts(span, options.concepts_key), None
    if span.kb_id_:
        weights = {candidate.id: candidate.attention for candidate in candidates}
        concept = LinkedConcept(span.kb_id_, _name(span.kb_id_, options.kb), weights.get(span.kb_id_))
        lines.append("concept " + _describe(concept))
    others = [candidate for candidate in candidates if candidate.id != span.kb_id_]
    others.sort(key=lambda candidate: -(candidate.attention or 0.0))
    for each in others[:SHOWN_CANDIDATES]:
        shown = LinkedConcept(each.id, _name(each.id, options.kb), each.attention)
        lines.append("candidate " + _describe(shown, each.type))
    if len(others) > SHOWN_CANDIDATES:
        lines.append(f"and {len(others) - SHOWN_CANDIDATES} more candidates")
    return DrawnMention(span.start - begin, span.end - begin, span.label_, "\n".join(lines), concept=concept)


def _describe(concept: LinkedConcept, type_: str = "") -> str:
    attention = "" if concept.attention is None else f"attention {concept.attention:.2f}"
    return ", ".join(part for part in (f"{concept.id} {concept.name}".strip(), type_, attention) if part)


def _name(concept: str, kb: "KnowledgeBase | None") -> str:
    return kb.name(kb.index(concept)) if kb is not None and concept in kb else ""


def _relation_title(group: SpanGroup, head: int, tail: int, label: str, score: float, directed: bool) -> str:
    arrow = "→" if directed else "–"
    return f"{shorten(group[head].text, 60)} {arrow} {shorten(group[tail].text, 60)}\n{label}, score {score:.2f}"


def _sentence_starts(doc: Doc, mentions: Iterable[DrawnMention], begin: int) -> set[int]:
    """Tokens that begin a sentence; one that is guessed does not begin inside a mention."""
    starts = {sentence.start for sentence in sentences(doc)}
    if doc.has_annotation("SENT_START"):
        return starts
    return starts - {begin + i for mention in mentions for i in range(mention.start + 1, mention.end)}
