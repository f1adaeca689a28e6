"""Mentions that somebody else found: only their relations and concepts are to be told."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc, Span
from thinc.types import Ragged

ENTS = "ents"


def has_mentions(doc: Doc, source: str) -> bool:
    """Whether anybody has looked for mentions: in ``doc.ents``, or in ``doc.spans[source]``."""
    return doc.has_annotation("ENT_IOB") if source == ENTS else source in doc.spans


def read_mentions(doc: Doc, source: str) -> list[Span]:
    """``doc.ents``, or the spans of ``doc.spans[source]``, which need not be there."""
    return list(doc.ents) if source == ENTS else list(doc.spans.get(source, ()))


def as_candidates(mentions: Sequence[Sequence[Span]], labels: Sequence[str]) -> tuple[Ragged, np.ndarray]:
    """Each stretch of tokens once, as (spans, 2) token offsets, ordered by start and end, with lengths by document;
    and (spans, 1 + labels) what it may be: of the given types those that the model knows, or else any type.

    mentions: of each document. Mentions without tokens are left out.
    """
    column = {label: i for i, label in enumerate(labels, start=1)}
    offsets: list[tuple[int, int]] = []
    lengths: list[int] = []
    rows: list[np.ndarray] = []
    for spans in mentions:
        types: dict[tuple[int, int], set[str]] = {}
        for span in spans:
            if len(span):
                types.setdefault((span.start, span.end), set()).add(span.label_)
        for place in sorted(types):
            known = [column[label] for label in types[place] if label in column]
            row = np.zeros(1 + len(labels), dtype=bool)
            row[known or slice(1, None)] = True
            rows.append(row)
            offsets.append(place)
        lengths.append(len(types))
    array = np.array(offsets, dtype="int32").reshape(-1, 2)
    possible = np.array(rows, dtype=bool).reshape(-1, 1 + len(labels))
    return Ragged(array, np.array(lengths, dtype="int32")), possible  # type: ignore[arg-type]


def find_mentions(mentions: Sequence[Span], spans: Sequence[tuple[int, int, str]]) -> list[int]:
    """For each span (start, end, type) of a graph the mention that it stands for: of several with the same offsets,
    the one of this type, else the first."""
    first: dict[tuple[int, int], int] = {}
    typed: dict[tuple[int, int, str], int] = {}
    for i, mention in enumerate(mentions):
        first.setdefault((mention.start, mention.end), i)
        typed.setdefault((mention.start, mention.end, mention.label_), i)
    return [typed.get((start, end, label), first[start, end]) for start, end, label in spans]
