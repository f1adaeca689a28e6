"""scispaCy's candidate generator as a source of candidates (extra ``scispacy``; https://github.com/allenai/scispacy)."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from .candidates import Candidate, Match
from .storage import KnowledgeBaseError

if TYPE_CHECKING:
    from scispacy.candidate_generation import CandidateGenerator


class ScispacyCandidates:
    """Candidates from scispaCy, through the interface of the linker.

    ``k`` neighbours are looked up for a span, and those with a similarity of at least ``threshold`` are kept. scispaCy
    searches again for each string, so finding the candidates of all spans of a text takes tens of milliseconds.
    """

    def __init__(self, generator: "CandidateGenerator", k: int = 5, threshold: float = 0.9) -> None:
        self.generator = generator
        self.k = k
        self.threshold = threshold
        self._type = lru_cache(maxsize=1 << 16)(self._type_of)

    def find(self, doc: Doc, max_words: int = 8) -> list[Match]:
        """Spans of up to ``max_words`` tokens that neither begin nor end with a stop word."""
        ends = [not (token.is_punct or token.is_space or token.is_stop) for token in doc]
        spans = [
            (i, j)
            for i in range(len(doc))
            if ends[i]
            for j in range(i + 1, min(i + max_words, len(doc)) + 1)
            if ends[j - 1]
        ]
        texts = list(dict.fromkeys(doc[i:j].text for i, j in spans))
        found = dict(zip(texts, self._generate(texts, self.k, self.threshold), strict=True))
        return [Match(i, j, found[doc[i:j].text]) for i, j in spans if found[doc[i:j].text]]

    def nearest(self, text: str, k: int = 5, threshold: float = 0.7) -> tuple[Candidate, ...]:
        """Up to ``k`` candidates of a text with a similarity of at least ``threshold``, best first."""
        return next(self._generate([text], k, threshold)) if text.strip() else ()

    def _generate(self, texts: list[str], k: int, threshold: float) -> Iterator[tuple[Candidate, ...]]:
        for mentions in self.generator(texts, k):
            scored = sorted(((max(m.similarities), m.concept_id) for m in mentions), key=lambda each: -each[0])
            yield tuple(Candidate(id, self._type(id), score) for score, id in scored[:k] if score >= threshold)

    def _type_of(self, concept: str) -> str:
        types = self.generator.kb.cui_to_entity[concept].types
        return str(types[0]) if types else ""


def load_scispacy_candidates(
    index: Path, kb: Path, k: int = 5, threshold: float = 0.9, ef_search: int = 200
) -> ScispacyCandidates:
    """Registered as ``spacy_keci.ScispacyCandidates.v1``: scispaCy's files from local paths, without the network.

    index: folder with ``nmslib_index.bin``, ``tfidf_vectorizer.joblib``, ``tfidf_vectors_sparse.npz`` and
        ``concept_aliases.json``, as published for umls, mesh, rxnorm, go and hpo, or as built by scispaCy's
        ``create_tfidf_ann_index``; kb: the JSON lines that belong to it.

    Raises KnowledgeBaseError if scispaCy is not installed or a file is not there.
    """
    try:
        from scispacy.candidate_generation import CandidateGenerator, LinkerPaths
        from scispacy.linking_utils import KnowledgeBase
    except ImportError:
        raise KnowledgeBaseError("To use scispaCy's linkers, run pip install scispacy.") from None
    for path in (index, kb):
        if not path.exists():
            raise KnowledgeBaseError(f"There is no {path}. Download scispaCy's files, or build them, first.")
    paths = LinkerPaths.from_directory(index)
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise KnowledgeBaseError(f"The folder of scispaCy's index lacks {', '.join(missing)}.")
    aliases, vectorizer, ann_index = paths.load(ef_search=ef_search)
    generator = CandidateGenerator(ann_index, vectorizer, aliases, KnowledgeBase(str(kb)))
    return ScispacyCandidates(generator, k, threshold)
