"""scispaCy's own candidate generator behind our interface; needs the extra ``scispacy``."""

import json
from pathlib import Path

import numpy as np
import pytest
from spacy.language import Language

pytest.importorskip("scispacy", reason="needs scispaCy: pip install scispacy")
import joblib
import nmslib
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from spacy_keci.knowledge.scispacy_backend import load_scispacy_candidates
from spacy_keci.knowledge.storage import KnowledgeBaseError

ENTITIES = [
    {"concept_id": "C1", "canonical_name": "acute kidney injury", "aliases": ["kidney failure"], "types": ["T047"]},
    {"concept_id": "C2", "canonical_name": "aspirin", "aliases": [], "types": []},
    {"concept_id": "C3", "canonical_name": "headache", "aliases": ["cephalgia"], "types": ["T184"]},
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A tiny index in scispaCy's format. Its own builder wants scipy below 1.11, so the pieces are made here."""
    index, kb = tmp_path / "index", tmp_path / "kb.jsonl"
    index.mkdir()
    kb.write_text("\n".join(json.dumps({**e, "definition": None}) for e in ENTITIES), encoding="utf8")
    aliases = [name for e in ENTITIES for name in (e["canonical_name"], *e["aliases"])]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), min_df=1, dtype=np.float32)
    vectors = vectorizer.fit_transform(aliases)
    joblib.dump(vectorizer, index / "tfidf_vectorizer.joblib")
    (index / "concept_aliases.json").write_text(json.dumps(aliases))
    scipy.sparse.save_npz(index / "tfidf_vectors_sparse.npz", vectors)
    ann = nmslib.init(method="hnsw", space="cosinesimil_sparse", data_type=nmslib.DataType.SPARSE_VECTOR)
    ann.addDataPointBatch(vectors)
    ann.createIndex({"M": 10, "efConstruction": 50, "post": 0})
    ann.saveIndex(str(index / "nmslib_index.bin"))
    return index, kb


def test_candidates_are_those_of_scispacy(nlp: Language, files: tuple[Path, Path]) -> None:
    source = load_scispacy_candidates(*files)
    (mentions,) = source.generator(["acute kidney injuries"], 5)
    best = max(mentions, key=lambda m: max(m.similarities))
    assert source.nearest("acute kidney injuries", 5, 0.3)[0][:2] == (best.concept_id, "T047")
    assert source.nearest("", 5) == ()
    nlp.add_pipe("concept_linker").initialize(candidates=source)
    doc = nlp("Aspirin after an acute kidney injury.")
    assert [(s.text, s.kb_id_, s.label_) for s in doc.spans["concepts"]] == [
        ("Aspirin", "C2", ""),
        ("acute kidney injury", "C1", "T047"),
    ]


def test_what_is_missing(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="There is no"):
        load_scispacy_candidates(tmp_path / "none", files[1])
    (files[0] / "nmslib_index.bin").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"there is no .*nmslib_index\.bin"):
        load_scispacy_candidates(*files)
