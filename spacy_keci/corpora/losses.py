"""What a text may lose in a format that has no place for it."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..reports import Report
from .annotation import AnnotatedText


class Loss(NamedTuple):
    """``cases(text)`` gives a short description of each thing that the text would lose."""

    name: str
    cases: Callable[[AnnotatedText], Iterable[str]]


CONCEPTS = Loss("concept of a mention", lambda text: (m.kb_id for m in text.mentions if m.kb_id))
SCORES = Loss("score of a relation", lambda text: (f"{r.label} {r.score}" for r in text.relations if r.score != 1.0))
MENTION_SCORES = Loss(
    "score of a mention", lambda text: (f"{m.label} {m.score}" for m in text.mentions if m.score != 1.0)
)
GROUPS = Loss("group of a text", lambda text: [text.group] if text.group else [])
META = Loss("meta of a text", lambda text: text.meta)
SENTENCES = Loss("sentences of a text", lambda text: [] if text.sentences is None else [f"{len(text.sentences)}"])
SEVERAL_SENTENCES = Loss(
    "sentences of a text that has several",
    lambda text: [f"{len(text.sentences)}"] if text.sentences is not None and len(text.sentences) > 1 else [],
)
IDS = Loss("id of a text", lambda text: [text.id] if text.id else [])
RELATIONS = Loss("relation between mentions", lambda text: (r.label for r in text.relations))
INTERACTIONS = Loss(
    "interaction between entities (its relations between mentions are kept)",
    lambda text: (r.label for r in text.interactions or []),
)
INTERACTION_SCORES = Loss(
    "score of an interaction",
    lambda text: (f"{r.label} {r.score}" for r in text.interactions or [] if r.score != 1.0),
)
NOVELTY = Loss(
    "novelty of an interaction", lambda text: (f"{r.label} {r[4]}" for r in text.interactions or [] if any(r[4:]))
)
CLUSTERS = Loss(
    "cluster of several mentions",
    lambda text: (", ".join(text.words(text.mentions[i]) for i in c) for c in text.clusters or [] if len(c) > 1),
)
LONELY = Loss(
    "mention without a relation",
    lambda text: (
        text.words(text.mentions[i])
        for i in sorted(set(range(len(text.mentions))).difference(*(r[:2] for r in text.relations)))
    ),
)


def count_losses(texts: Iterable[AnnotatedText], lacks: Iterable[Loss], report: Report) -> Iterator[AnnotatedText]:
    """The texts, with all that they lose counted."""
    for text in texts:
        for loss in lacks:
            for case in loss.cases(text):
                report.drop(f"{loss.name}: no place in this format", f"{text.name}: {case}")
        yield text
