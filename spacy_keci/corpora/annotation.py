"""Annotated text as plain data: what every corpus format is read into and written from."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, NamedTuple

from spacy.tokens import Doc

from ..reports import Report

# what makes the tokens of a text, such as ``nlp.make_doc``
MakeDoc = Callable[[str], Doc]


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


class Interaction(NamedTuple):
    """A relation between clusters of mentions, given by their indices. ``novelty`` is what BioRED says of it besides
    the label: "Novel" if the text reports it as a finding of its own, "No" if as known before."""

    head: int
    tail: int
    label: str
    score: float = 1.0
    novelty: str = ""


@dataclass
class AnnotatedText:
    """A text with its span graph, independent of any tokenisation.

    ``clusters`` groups the indices of mentions that name the same entity and ``interactions`` relates clusters
    (BioRelEx); both are None where the corpus knows only mentions. ``group`` names what the text was taken from, such
    as a paper: texts of one group should not be split over training and test. ``meta`` is whatever else goes with it.
    ``sentences`` are the offsets that its sentences begin with; None where the corpus does not say. A text of a corpus
    of sentences has [0], whatever full stops it holds.
    """

    text: str
    mentions: list[Mention] = field(default_factory=list)
    relations: list[RelationTriple] = field(default_factory=list)
    id: str = ""
    group: str = ""
    clusters: list[list[int]] | None = None
    interactions: list[Interaction] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    sentences: list[int] | None = None

    @property
    def name(self) -> str:
        """What a report calls it: its id, or its first words in quotes."""
        return self.id or repr(self.text[:40])

    def words(self, mention: Mention) -> str:
        return self.text[mention.start : mention.end]


def with_ids(texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
    """The texts, each with an id, for formats that require one. A text without an id gets its number, counted from 0,
    or the next number that is not the id of another text. All texts are read first, since the last one may have that
    id."""
    texts = list(texts)
    taken = {text.id for text in texts}
    for number, text in enumerate(texts):
        id = text.id or next(id for id in map(str, count(number)) if id not in taken)
        taken.add(id)
        yield replace(text, id=id)


def check_positions(text: AnnotatedText, mentions: str = "mentions") -> None:
    """Raises ValueError if a relation, cluster or interaction refers to something missing. ``mentions``: what the
    message calls mentions."""
    n = len(text.mentions)
    for number, cluster in enumerate(text.clusters or ()):
        for i in cluster:
            if not 0 <= i < n:
                raise ValueError(f"clusters.{number}: {i}, but {_numbers(mentions, n)}")
    _check_ends("relations", text.relations, mentions, n)
    _check_ends("interactions", text.interactions or (), "clusters", len(text.clusters or ()))


def _check_ends(name: str, rows: Iterable[RelationTriple | Interaction], ends: str, n: int) -> None:
    for number, row in enumerate(rows):
        for role, i in (("head", row.head), ("tail", row.tail)):
            if not 0 <= i < n:
                raise ValueError(f"{name}.{number}: {role!r} is {i}, but {_numbers(ends, n)}")


def _numbers(what: str, n: int) -> str:
    return f"{what} are counted from 0 to {n - 1}" if n else f"there are no {what}"


def without_empty_mentions(annotated: AnnotatedText, report: Report, *, labelled: bool = False) -> AnnotatedText:
    """The text without white space at the edges of its mentions. Mentions that are empty, outside the text, or only
    white space are dropped and counted, and so are their relations.

    labelled: whether to drop mentions and relations without a label as well.
    """
    text = annotated.text
    mentions: list[Mention] = []
    index: dict[int, int] = {}
    for i, mention in enumerate(annotated.mentions):
        surface = text[mention.start : mention.end]
        case = f"{annotated.name}: {mention.label} at {mention.start}-{mention.end}"
        if not 0 <= mention.start < mention.end <= len(text):
            report.drop("mention outside the text or empty", case)
        elif not surface.strip():
            report.drop("mention of whitespace only", case)
        elif labelled and not mention.label:
            report.drop("mention without a type", case)
        else:
            start = mention.start + len(surface) - len(surface.lstrip())
            end = mention.end - (len(surface) - len(surface.rstrip()))
            report.count("mentions whose white space at the edges was cut off", int((start, end) != mention[:2]))
            index[i] = len(mentions)
            mentions.append(mention._replace(start=start, end=end))
    if mentions == annotated.mentions and not (labelled and any(not each.label for each in annotated.relations)):
        return annotated
    relations = []
    for relation in annotated.relations:
        if labelled and not relation.label:
            report.drop("relation without a label", annotated.name)
        elif relation.head in index and relation.tail in index:
            relations.append(relation._replace(head=index[relation.head], tail=index[relation.tail]))
        else:
            report.drop("relation of a dropped mention", f"{annotated.name}: {relation.label}")
    clusters = annotated.clusters and [[index[i] for i in cluster if i in index] for cluster in annotated.clusters]
    return replace(annotated, mentions=mentions, relations=relations, clusters=clusters)
