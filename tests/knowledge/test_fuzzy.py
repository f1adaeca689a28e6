from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from spacy_keci.knowledge.candidates import KnowledgeBaseCandidates
from spacy_keci.knowledge.fuzzy import FuzzyIndex, write_fuzzy
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.storage import Files

from .test_lexicon import small_lexicon

names = st.text("abcd", min_size=3, max_size=9)


@settings(max_examples=60, deadline=None)
@given(st.lists(names, min_size=1, max_size=20), names, st.sampled_from([0.3, 0.6, 0.9]))
def test_as_scikit_learn(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], query: str, threshold: float
) -> None:
    folder = tmp_path_factory.mktemp("fuzzy")
    lexicon = small_lexicon(folder, keys)
    write_fuzzy(folder, lexicon)
    texts = [f" {lexicon.key_text(k)} " for k in range(len(lexicon))]
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False)
    matrix = vectorizer.fit_transform(texts).toarray()
    analyse = vectorizer.build_analyzer()
    unknown = [g for g in analyse(f" {query} ") if g not in vectorizer.vocabulary_]
    vector = vectorizer.transform([f" {query} "]).toarray()[0]
    if unknown:
        # scikit-learn leaves unknown 3-grams out; we let them make the text longer, with the largest weight there is
        raw = np.zeros(matrix.shape[1])
        for gram in analyse(f" {query} "):
            if gram in vectorizer.vocabulary_:
                raw[vectorizer.vocabulary_[gram]] += vectorizer.idf_[vectorizer.vocabulary_[gram]]
        counts = np.array([unknown.count(g) for g in set(unknown)]) * vectorizer.idf_.max()
        vector = raw / np.sqrt((raw**2).sum() + (counts**2).sum())
    cosine = matrix @ vector
    got = dict(FuzzyIndex(Files.of_folder(folder)).nearest(query, len(keys), threshold))
    assert (
        set(np.flatnonzero(cosine > threshold + 0.005)) <= set(got) <= set(np.flatnonzero(cosine > threshold - 0.005))
    )
    for key, score in got.items():
        assert score == pytest.approx(cosine[key], abs=0.005)


def test_nearest_concepts(kb: KnowledgeBase) -> None:
    source = KnowledgeBaseCandidates(kb)
    (best, *_) = source.nearest("accute kidney injury", 3, 0.5)
    assert best.concept == "D:1" and best.type == "T047" and 0.5 < best.score < 1
    assert source.nearest("acute kidney injuries", 3, 0.5)[0].score == 1.0
    assert source.nearest("zzzzzz", 3, 0.5) == () == source.nearest("", 3, 0.5)


def test_nothing_without_names(tmp_path: Path) -> None:
    write_fuzzy(tmp_path, small_lexicon(tmp_path, []))
    assert FuzzyIndex(Files.of_folder(tmp_path)).nearest("anything") == []
