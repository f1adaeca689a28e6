import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.relation_vectors import WIDTH, train_vectors
from spacy_keci.knowledge.storage import KnowledgeBaseError
from spacy_keci.knowledge.vectors import add_vectors, parse_vectors

from .test_compile import build


@pytest.fixture
def own(kb_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kb_path, tmp_path / "kb"))


def test_ones_own_vectors(own: Path, tmp_path: Path) -> None:
    text, npz, named = tmp_path / "v.txt", tmp_path / "v.npz", tmp_path / "w.npz"
    text.write_text("3 2\nG:1 1.5 2\nT047 0 1\nunknown 9 9\n", encoding="utf8")
    np.savez(npz, ids=np.array(["G:1", "T047", "unknown"]), vectors=np.array([[1.5, 2], [0, 1], [9, 9]]))
    np.savez(named, **{"G:1": [1.5, 2], "T047": [0, 1]})
    for name, path in (("text", text), ("npz", npz), ("named", named)):
        assert add_vectors(own, f"{name}={path}") == 2
    kb = KnowledgeBase(own)
    assert set(kb.vectors) == {"text", "npz", "named"}
    for vectors in kb.vectors.values():
        assert vectors.shape == (len(kb) + len(kb.types), 2) and vectors.dtype == np.float16
        assert vectors[kb.index("G:1")].tolist() == [1.5, 2.0]
        assert vectors[len(kb) + kb.types.index("T047")].tolist() == [0.0, 1.0]
        assert not vectors[kb.index("G:2")].any()


def test_vectors_of_different_lengths(own: Path, tmp_path: Path) -> None:
    arrays: list[dict[str, Any]] = [
        {"G:1": [1.5, 2], "G:2": [0, 1, 2]},
        {"ids": ["G:1"], "vectors": [1.5]},
        {"G:1": [[1.5, 2]]},
        {"G:1": []},
    ]
    shapes = [r"\(2,\), \(3,\)", r"\(\)", r"\(1, 2\)", r"\(0,\)"]
    for named, found in zip(arrays, shapes, strict=True):
        np.savez(tmp_path / "v.npz", **named)
        with pytest.raises(KnowledgeBaseError, match=rf"v\.npz .* of one width, found the shapes {found}$"):
            add_vectors(own, f"mine={tmp_path / 'v.npz'}")


def test_what_cannot_be_read(own: Path, tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    for content, message in (
        ("x 1 2\nG:1 1\n", "1 numbers, but 2 in the lines before"),
        ("G:1 a b\n", "line 1"),
        ("x 1\n", "none"),
        ("G:1 1 nan\n", "contain NaN"),
        ("G:1 1e6 1\n", "float16 range"),
    ):
        path.write_text(content, encoding="utf8")
        with pytest.raises(KnowledgeBaseError, match=message):
            add_vectors(own, f"mine={path}")
    for bad in ("definitions", "", "my name=x"):
        with pytest.raises(KnowledgeBaseError, match="expected"):
            parse_vectors(bad)
    with pytest.raises(KnowledgeBaseError, match="no file"):
        parse_vectors(f"mine={tmp_path / 'nothing.txt'}")


def test_concepts_with_the_same_neighbours_are_alike(tmp_path: Path) -> None:
    def drug(i: int, target: str) -> dict:
        return {"id": f"C:{i}", "name": f"drug {i}", "relations": [{"label": "treats", "target": target}]}

    concepts = [drug(i, f"D:{i // 3}") for i in range(9)] + [{"id": f"D:{i}", "name": f"ill {i}"} for i in range(3)]
    kb = build(tmp_path, concepts)
    vectors = train_vectors(kb)
    cosine = vectors @ vectors.T
    same = [cosine[kb.index("C:0"), kb.index(f"C:{i}")] for i in (1, 2)]
    other = [cosine[kb.index("C:0"), kb.index(f"C:{i}")] for i in range(3, 9)]
    assert min(same) > 0.99 > max(other) + 0.2
    assert np.array_equal(vectors, train_vectors(kb))
    lonely = train_vectors(build(tmp_path, [{"id": "X:1", "name": "one"}]))
    assert lonely.shape == (1, WIDTH) and not lonely.any()


def test_the_package_does_not_import_torch() -> None:
    import subprocess
    import sys

    assert importlib.util.find_spec("spacy_keci.knowledge.vectors")
    code = (
        "import sys, thinc.util; before = 'torch' in sys.modules; "
        "import spacy_keci.knowledge.vectors, spacy_keci.pipeline.concept_linker, spacy_keci.cli.kb; "
        "assert before or 'torch' not in sys.modules; assert 'transformers' not in sys.modules or before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
