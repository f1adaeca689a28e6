"""Annotated text as plain data: what every corpus format is read into and written from."""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span, SpanGroup

from ..tokens import SPANS_KEY


class Mention(NamedTuple):
    """A typed mention: character offsets into the text, end exclusive. ``score`` is its probability, 1 in gold."""

    start: int
    end: int
    label: str
    kb_id: str = ""
    score: float = 1.0


class RelationTriple(NamedTuple):
    """A relation between mentions, given by their indices in the list of mentions."""

    head: int
    tail: int
    label: str
    score: float = 1.0


@dataclass
class AnnotatedText:
    """A text with its span graph, independent of any tokenisation.

    ``clusters`` groups the indices of mentions that name the same entity and ``interactions`` relates clusters
    (BioRelEx); both are None where the corpus knows only mentions. ``group`` names what the text was taken from, such
    as a paper: texts of one group should not be split over training and test. ``meta`` is whatever else goes with it.
    """

    text: str
    mentions: list[Mention] = field(default_factory=list)
    relations: list[RelationTriple] = field(default_factory=list)
    id: str = ""
    group: str = ""
    clusters: list[list[int]] | None = None
    interactions: list[RelationTriple] | None = None
    meta: dict[str, Any] = field(default_factory=dict)


class Report:
    """Counts what was kept and what was dropped and why; keeps the first few cases of each reason."""

    def __init__(self, examples: int = 5) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self._max_examples = examples

    def count(self, what: str, n: int = 1) -> None:
        if n:
            self.counts[what] += n

    def drop(self, reason: str, case: str) -> None:
        """Count something that is not kept. ``case`` says which, for people, in one line."""
        self.counts[f"dropped: {reason}"] += 1
        cases = self.examples.setdefault(reason, [])
        if len(cases) < self._max_examples:
            cases.append(" ".join(case.split())[:300])

    def drop_text(self, reason: str, case: str) -> None:
        """:meth:`drop` a whole text, and not a part of one."""
        self.drop(reason, case)

    @property
    def dropped(self) -> int:
        return sum(n for what, n in self.counts.items() if what.startswith("dropped: "))

    def summary(self) -> list[str]:
        """The counts, with the first case of each reason."""
        first = {f"dropped: {reason}": f" ({cases[0]})" for reason, cases in self.examples.items()}
        return [f"{n} {what}{first.get(what, '')}" for what, n in self.counts.items()]

    def lines(self) -> list[str]:
        """The report as lines of text."""
        lines = []
        for what, n in self.counts.items():
            lines.append(f"{n:>7}  {what}")
            lines += [f"{'':>11}{case}" for case in self.examples.get(what.removeprefix("dropped: "), [])]
        return lines


def with_ids(texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
    """The texts, for formats that want an id of each: one without gets its number, counted from 0, or the next that is
    no id of another text. All texts are read at once, since the last may have the id that the first would get."""
    texts = list(texts)
    taken = {text.id for text in texts}
    for number, text in enumerate(texts):
        id = text.id or next(id for id in map(str, count(number)) if id not in taken)
        taken.add(id)
        yield replace(text, id=id)


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
    scores = attrs.get("scores") or [1.0] * len(group)
    annotated = AnnotatedText(
        text=doc.text,
        mentions=[
            Mention(s.start_char, s.end_char, s.label_, s.kb_id_, float(score))
            for s, score in zip(group, scores, strict=True)
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
