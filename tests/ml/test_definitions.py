from pathlib import Path

import numpy as np
import pytest
import torch

from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.ml.definitions import definition_encoder


def test_definitions(tmp_path: Path, demo_kb: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    folder = tmp_path / "model"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "gene", "sudden", "loss", "kidney"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf8")
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(len(words), 8, 1, 2, 16, max_position_embeddings=128)
    transformers.BertModel(config).save_pretrained(folder)
    kb = KnowledgeBase(demo_kb)
    n = len(kb) + len(kb.types)
    vectors = definition_encoder(str(folder))(kb)
    assert vectors.shape == (n, 8) and vectors.any(axis=1).all()
    defined = np.array([bool(kb.definition(i)) for i in range(len(kb))] + [True] * len(kb.types))
    without = definition_encoder(str(folder), names=False)(kb)
    assert np.allclose(without[defined], vectors[defined], atol=0.02) and not without[~defined].any()
    with pytest.raises(ValueError, match="needs the package no_such_package"):
        definition_encoder("package://no_such_package/model")
