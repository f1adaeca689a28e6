"""Transformer encoders, on a tiny BERT that the tests make."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from thinc.api import Model

transformers = pytest.importorskip("transformers")
pytest.importorskip("spacy_transformers")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "p53", "binds", "md", "##m2", "and", "##x"]
TEXTS = ["p53 binds mdm2", "p53", "mdm2 and mdmx and p53 binds mdm2", "", "mdmx binds p53 and mdm2", "and mdm2"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bert")
    (path / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    transformers.BertModel(config).save_pretrained(path)
    transformers.BertTokenizerFast(str(path / "vocab.txt")).save_pretrained(path)
    return path


@pytest.fixture
def docs() -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in TEXTS]


def make_model(encoder: Path, **settings: Any) -> Model:
    from spacy_transformers.span_getters import configure_strided_spans

    from spacy_keci.ml.architectures import build_transformer_model

    return build_transformer_model(str(encoder), configure_strided_spans(4, 3), **settings)


def run(model: Model, docs: list[Doc]) -> tuple[np.ndarray, dict[str, torch.Tensor]]:
    """Vectors of all word pieces that are no padding, and the gradients of their weighted sum."""
    batch, backprop = model.begin_update(docs)
    mask = batch.wordpieces.attention_mask > 0
    arrays = [data.model_output.last_hidden_state for data in batch.doc_data if len(data.wordpieces)]
    mask_of_doc = [data.wordpieces.attention_mask for data in batch.doc_data if len(data.wordpieces)]
    d_arrays = [
        [np.cos(array).astype("float32") * keep[..., None]] for array, keep in zip(arrays, mask_of_doc, strict=True)
    ]
    backprop(batch.unsplit_by_doc(d_arrays))
    gradients = {name: p.grad for name, p in model.transformer.named_parameters() if p.grad is not None}
    return np.vstack(arrays)[mask], gradients


@pytest.mark.parametrize("max_items", [1, 12, 1000])
def test_parts_of_similar_length_change_nothing(encoder: Path, docs: list[Doc], max_items: int) -> None:
    results = []
    for settings in ({}, {"max_items": max_items}):
        model = make_model(encoder, **settings)
        model.initialize(X=docs)
        results.append(run(model, docs))
    (whole, d_whole), (parts, d_parts) = results
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    # what is handed on beside the last hidden state, the pooled vector, gets no gradient either way
    assert d_parts.keys() == d_whole.keys()
    for name, gradient in d_whole.items():
        torch.testing.assert_close(d_parts[name], gradient, atol=1e-5, rtol=1e-4)


def test_padding_is_cut_off(encoder: Path, docs: list[Doc]) -> None:
    model = make_model(encoder, max_items=12)
    model.initialize(X=docs)
    sizes = []
    model.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: sizes.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    model.predict(docs)
    assert len(sizes) > 1 and max(sizes) <= 12


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_kind_of_attention_survives_saving(encoder: Path, docs: list[Doc], attention: str) -> None:
    model = make_model(encoder, transformer_config={"attn_implementation": attention})
    model.initialize(X=docs)
    loaded = make_model(encoder, transformer_config={"attn_implementation": attention}).from_bytes(model.to_bytes())
    assert loaded.transformer.config._attn_implementation == attention


def test_missing_package_is_named() -> None:
    from spacy_keci.ml.encoders.transformer import resolve_name

    with pytest.raises(ValueError, match="no_such_package"):
        resolve_name("package://no_such_package/model")
