"""The concepts that the mentions of documents name, and numbers for pairs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
from spacy.tokens import Doc, Span

from ..identifiers import linked
from ..interactions import concept_members
from ..ml.concept_pairs.pairs import Bags, Concepts
from ..sentences import sentences
from ..tokens import get_concepts

# what relations hold between: the concepts of a document, or its mentions, each of which is a concept of its own
Level = Literal["concept", "mention"]


@dataclass(frozen=True)
class ConceptReader:
    """Finds the concepts that mentions name.

    level: what the concepts are; mentions with the same offsets and type are one. concepts_key: the span group in which
        mentions without an identifier take the first candidate with their offsets; None for no group. type_numbers:
        number of each type, from 1.
    """

    level: Level
    concepts_key: str | None
    type_numbers: dict[str, int]

    def __call__(self, docs: Sequence[Doc], mentions: Sequence[Sequence[Span]]) -> Concepts:
        """The concepts of a batch. The rows of mentions are the given ones, document by document."""
        rows: list[tuple[int, int, int]] = []
        types: list[int] = []
        of_sentence: list[int] = []
        of_concept: list[tuple[int, int]] = []
        members: list[tuple[int, int]] = []
        ids: list[str] = []
        for d, (doc, given) in enumerate(zip(docs, mentions, strict=True)):
            first = len(rows)
            rows += [(d, span.start, span.end) for span in given]
            types += [self.type_numbers.get(span.label_, 0) for span in given]
            of_sentence += _sentence_numbers(doc, given)
            for id, positions in self._clusters(given):
                held = [first + i for i in positions if given[i].start < given[i].end]
                if held:
                    members += [(len(ids), i) for i in held]
                    of_concept.append((d, types[held[0]]))
                    ids.append(id)
        return Concepts(
            mentions=_array(rows, 3),
            sentences=np.array(of_sentence, dtype="int64"),
            doc=_array(of_concept, 2)[:, 0],
            types=_array(of_concept, 2)[:, 1],
            member_concept=_array(members, 2)[:, 0],
            member_mention=_array(members, 2)[:, 1],
            ids=ids,
        )

    def kb_id(self, mention: Span) -> str:
        """The identifier of a mention, or the linker's first candidate; empty if there is neither."""
        own = linked(mention.kb_id_)
        if own or self.concepts_key is None:
            return own
        return next((concept.id for concept in get_concepts(mention, self.concepts_key)), "")

    def _clusters(self, given: Sequence[Span]) -> list[tuple[str, list[int]]]:
        if self.level == "mention":
            same: dict[str, list[int]] = {}
            for i, m in enumerate(given):
                same.setdefault(f"{m.start}:{m.end}:{m.label_}", []).append(i)
            return [*same.items()]
        return [*concept_members(self.kb_id(m) for m in given).items()]


def pair_keys(docs: Sequence[Doc], concepts: Concepts, bags: Bags, level: Level) -> tuple[np.ndarray, np.ndarray]:
    """For each pair, a number that is unique in the corpus, and a number shared by all pairs of the same two concepts:
    those with the same identifiers or, if each mention is a concept, the same two texts."""
    texts = [doc.text for doc in docs]
    names = concepts.ids
    if level == "mention":
        spans = concepts.mentions[concepts.member_mention]
        names = [docs[d][start:end].text.lower() for d, start, end in spans.tolist()]
    keys, groups = [], []
    for first, second in zip(bags.first.tolist(), bags.second.tolist(), strict=True):
        text = texts[int(concepts.doc[first])]
        keys.append(_number(text, concepts.ids[first], concepts.ids[second]))
        groups.append(_number(*sorted((names[first], names[second]))))
    return np.array(keys, dtype="int64"), np.array(groups, dtype="int64")


def _sentence_numbers(doc: Doc, given: Sequence[Span]) -> list[int]:
    """The sentence in which each mention begins."""
    if not given:
        return []
    starts = np.array([sentence.start for sentence in sentences(doc)], dtype="int64")
    return (np.searchsorted(starts, [m.start for m in given], side="right") - 1).tolist()


def _number(*parts: str) -> int:
    """A number of 63 bits, the same in every process."""
    return int.from_bytes(blake2b("\n".join(parts).encode(), digest_size=8).digest(), "big") >> 1


def _array(rows: Sequence[Sequence[int]], width: int) -> np.ndarray:
    return np.array(rows, dtype="int64").reshape(-1, width)
