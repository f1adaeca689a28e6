"""Mentions that another component set: only their relations and concepts are predicted."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc, Span
from thinc.types import Ragged

from ..ml.spans.targets import candidate_array, find_spans
from ..span_groups import per_mention

ENTS = "ents"


def has_mentions(doc: Doc, source: str) -> bool:
    """Whether mentions are set: ``doc.ents``, or ``doc.spans[source]``."""
    return doc.has_annotation("ENT_IOB") if source == ENTS else source in doc.spans


def describe_source(source: str) -> str:
    """Where the mentions are expected, in words."""
    return "doc.ents" if source == ENTS else f"doc.spans[{source!r}]"


def without_mentions(source: str, name: str, what: str, setting: str = "entities_from") -> str:
    """The warning that no mentions are set for the component ``name``. what: it does with them."""
    return (
        f"{describe_source(source)} is not set, so '{name}' has no mentions to {what}. Add a component that sets it "
        f"before '{name}', or change its setting '{setting}'."
    )


def read_mentions(doc: Doc, source: str) -> list[Span]:
    """``doc.ents``, or the spans of ``doc.spans[source]``; empty if missing."""
    return list(doc.ents) if source == ENTS else list(doc.spans.get(source, ()))


def read_scores(doc: Doc, source: str) -> list[float]:
    """The scores of these mentions, 1 for those without. Raises ValueError if the group was edited so that it is not
    known whose scores it has."""
    if source == ENTS or source not in doc.spans:
        return [1.0] * len(read_mentions(doc, source))
    return per_mention(doc.spans[source], "scores", 1.0)


def as_candidates(mentions: Sequence[Sequence[Span]], suggested: Ragged | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Merge the mentions of each document and the suggested spans, if any, to candidate spans without duplicates.

    Returns (spans, 3) document, start and end, sorted, and (spans,) whether each is a mention. Mentions without tokens
    are left out.
    """
    rows = [(d, span.start, span.end) for d, spans in enumerate(mentions) for span in spans if len(span)]
    given = np.array(rows, dtype="int64").reshape(-1, 3)
    others = given[:0] if suggested is None else candidate_array(suggested)
    candidates = np.unique(np.concatenate([given, others]), axis=0)
    return candidates, find_spans(candidates, given) >= 0


def find_mentions(mentions: Sequence[Span], spans: Sequence[tuple[int, int, str]]) -> list[int]:
    """The mention of each span (start, end, type) of a graph: of several with the same offsets, the one with this type,
    else the first."""
    first: dict[tuple[int, int], int] = {}
    typed: dict[tuple[int, int, str], int] = {}
    for i, mention in enumerate(mentions):
        first.setdefault((mention.start, mention.end), i)
        typed.setdefault((mention.start, mention.end, mention.label_), i)
    return [typed.get((start, end, label), first[start, end]) for start, end, label in spans]
