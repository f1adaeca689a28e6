"""Where the linker's candidates come from: the interface, and the knowledge base as its main implementation."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from spacy.attrs import SPACY
from spacy.tokens import Doc

from .knowledge_base import KnowledgeBase


class Candidate(NamedTuple):
    """A concept that a span may name: identifier, semantic type (TUI, "" if there is none), similarity of the name."""

    concept: str
    type: str
    score: float


class Match(NamedTuple):
    """Candidates of the tokens ``start`` to ``end`` (exclusive), best first."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]


class CandidateSource(Protocol):
    """What the linker asks for candidates."""

    def find(self, doc: Doc, max_words: int) -> Iterable[Match]:
        """Matches among all spans of a text of up to ``max_words`` words; they may overlap."""
        ...

    def nearest(self, text: str, k: int, threshold: float) -> tuple[Candidate, ...]:
        """Up to ``k`` candidates whose names are similar to the text by at least ``threshold``, best first."""
        ...


_REMEMBERED = 128  # characters; longer texts hardly ever come back


class KnowledgeBaseCandidates:
    """Candidates from a compiled knowledge base.

    prefer: vocabularies whose identifiers are written where a concept has one of them, the first of them first; see
        :meth:`KnowledgeBase.preferred_id`. Raises ValueError for one that the knowledge base does not have.
    """

    def __init__(self, kb: KnowledgeBase, prefer: Sequence[str] = ()) -> None:
        self.kb = kb
        self.prefer = kb.vocabularies(prefer)
        self._remembered = lru_cache(maxsize=1 << 16)(self._candidates)
        self._id = lru_cache(maxsize=1 << 16)(lambda concept: kb.preferred_id(concept, self.prefer))

    def __reduce__(self) -> tuple[Any, ...]:
        return KnowledgeBaseCandidates, (self.kb, self.prefer)

    def find(self, doc: Doc, max_words: int = 8) -> list[Match]:
        """Spans whose normalised text is a name; see :meth:`Lexicon.find`."""
        tokens, spaces = [token.text for token in doc], doc.to_array([SPACY]).astype(bool).reshape(-1).tolist()
        matches = []
        for start, end, key in self.kb.lexicon.find(tokens, spaces, max_words):
            surface = doc[start:end].text
            look_up = self._remembered if len(surface) <= _REMEMBERED else self._candidates
            if candidates := look_up(key, surface):
                matches.append(Match(start, end, candidates))
        return matches

    def nearest(self, text: str, k: int = 5, threshold: float = 0.7) -> tuple[Candidate, ...]:
        """By similarity of names; exact matches score 1. Raises ValueError if the knowledge base has no index for it
        and there is no exact match."""
        exact = self.kb.lexicon.lookup(text)
        if exact:
            return tuple(self._candidate(concept, 1.0) for concept in exact[:k])
        if self.kb.fuzzy is None:
            raise ValueError(f"{self.kb.path} was built without the index for similar names. Build it with --fuzzy.")
        best: dict[int, float] = {}
        for key, score in self.kb.fuzzy.nearest(text, k, threshold):
            for concept in self.kb.lexicon.candidates(key, text):
                best.setdefault(concept, score)
        return tuple(self._candidate(concept, score) for concept, score in list(best.items())[:k])

    def _candidates(self, key: int, surface: str) -> tuple[Candidate, ...]:
        return tuple(self._candidate(concept, 1.0) for concept in self.kb.lexicon.candidates(key, surface))

    def _candidate(self, concept: int, score: float) -> Candidate:
        types = self.kb.graph.types(concept)
        return Candidate(self._id(concept), self.kb.types[types[0]] if len(types) else "", score)
