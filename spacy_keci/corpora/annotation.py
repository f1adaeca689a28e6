"""Annotated text as plain data: what every corpus format is read into and written from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, NamedTuple


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


def with_ids(texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
    """The texts, for formats that want an id of each: one without gets its number, counted from 0, or the next that is
    no id of another text. All texts are read at once, since the last may have the id that the first would get."""
    texts = list(texts)
    taken = {text.id for text in texts}
    for number, text in enumerate(texts):
        id = text.id or next(id for id in map(str, count(number)) if id not in taken)
        taken.add(id)
        yield replace(text, id=id)
