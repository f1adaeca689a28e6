"""Encoders of ONNX Runtime, exported from the tiny BERT of these tests."""

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from typer.testing import CliRunner

pytest.importorskip("spacy_transformers")
pytest.importorskip("onnx", reason="needs ONNX: pip install onnx")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install onnxruntime")

from click.testing import Result

from spacy_keci.cli.main import keci
from spacy_keci.cli.optimize import encoders_of, optimize
from spacy_keci.ml import encoders

from .test_transformer import TEXTS, encoder  # noqa: F401

CONFIG = """
[nlp]
lang = "en"
pipeline = ["transformer"]

[components]

[components.transformer]
factory = "transformer"

[components.transformer.model]
@architectures = "spacy_keci.TransformerModel.v1"
name = "NAME"
max_items = 24
mixed_precision = false

[components.transformer.model.get_spans]
@span_getters = "spacy-transformers.strided_spans.v1"
window = 6
stride = 4
"""


@pytest.fixture(scope="module")
def torch_pipeline(encoder: Path) -> Language:  # noqa: F811
    config = spacy.Config().from_str(CONFIG.replace("NAME", str(encoder)))
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    nlp.initialize()
    return nlp


@pytest.fixture(scope="module")
def folders(torch_pipeline: Language, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A saved pipeline in torch, and those that were made of it."""
    root = tmp_path_factory.mktemp("pipelines")
    torch_pipeline.to_disk(root / "torch")
    for precision in ("single", "int8"):
        nlp = spacy.load(root / "torch")
        assert encoders_of(nlp) == ["transformer"]
        optimize(nlp, "transformer", precision)
        nlp.to_disk(root / precision)
    return {path.name: path for path in root.iterdir()}


def vectors(nlp: Language, **settings: Any) -> np.ndarray:
    docs = [doc for doc in nlp.pipe(TEXTS, **settings) if len(doc)]
    return np.concatenate([hidden_of(doc) for doc in docs])


def hidden_of(doc: Doc) -> np.ndarray:
    """Of all word pieces that are no padding."""
    data = doc._.trf_data
    return data.model_output.last_hidden_state[data.wordpieces.attention_mask > 0]


def test_vectors_are_those_of_torch(torch_pipeline: Language, folders: dict[str, Path]) -> None:
    expected = vectors(torch_pipeline)
    nlp = spacy.load(folders["single"])
    for settings in ({}, {"batch_size": 1}):
        np.testing.assert_allclose(vectors(nlp, **settings), expected, atol=1e-5)
    rounded = vectors(spacy.load(folders["int8"]))
    assert not np.allclose(rounded, expected, atol=1e-5)
    cosine = (rounded * expected).sum(1) / np.linalg.norm(rounded, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() > 0.98


def test_it_survives_saving_pickling_and_copying(folders: dict[str, Path], tmp_path: Path) -> None:
    nlp = spacy.load(folders["single"])
    expected = vectors(nlp)
    nlp.to_disk(tmp_path / "again")
    copies = [
        spacy.load(tmp_path / "again"),
        spacy.blank("en", config=nlp.config).from_bytes(nlp.to_bytes()),
        pickle.loads(pickle.dumps(nlp)),
    ]
    for each in copies:
        np.testing.assert_array_equal(vectors(each), expected)
    copied = copy.deepcopy(nlp.get_pipe("transformer").model.transformer)  # type: ignore[attr-defined]
    given = {name: torch.tensor([[2, 5, 3]]) for name in ("input_ids", "attention_mask")}
    given["token_type_ids"] = torch.zeros(1, 3, dtype=torch.long)
    assert copied(**given).last_hidden_state.shape == (1, 3, 16)


def test_threads_and_processes(folders: dict[str, Path]) -> None:
    nlp = spacy.load(folders["single"])
    expected = vectors(nlp)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: vectors(nlp), range(8)):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(vectors(nlp, n_process=2, batch_size=2), expected, atol=1e-6)


def test_the_tokenizer_cuts_at_the_positions_of_the_encoder(folders: dict[str, Path]) -> None:
    tokenizer = spacy.load(folders["single"]).get_pipe("transformer").model.tokenizer  # type: ignore[attr-defined]
    assert tokenizer.model_max_length == 512


def test_it_cannot_be_trained(folders: dict[str, Path]) -> None:
    nlp = spacy.load(folders["single"])
    doc = nlp.make_doc(TEXTS[0])
    with pytest.raises(ValueError, match="cannot be trained"):
        nlp.get_pipe("transformer").update([Example(doc, doc.copy())])  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="cannot be initialized"):
        nlp.initialize()


def test_settings_that_do_not_fit_what_was_saved(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="int8"):
        spacy.load(folders["single"], config={"components.transformer.model.precision": "int8"})
    nlp = spacy.load(folders["torch"])
    nlp.to_disk(tmp_path / "mixed")
    text = (tmp_path / "mixed/config.cfg").read_text()
    text = text.replace("spacy_keci.TransformerModel.v1", "spacy_keci.OnnxTransformerModel.v1")
    text = text.replace("mixed_precision = false\n", "").replace('storage = "single"\n', "")
    (tmp_path / "mixed/config.cfg").write_text(text)
    with pytest.raises(ValueError, match="the saved one is of torch"):
        spacy.load(tmp_path / "mixed")


def test_the_command(folders: dict[str, Path], tmp_path: Path) -> None:
    def run(*words: Any) -> Result:
        return CliRunner().invoke(keci, ["optimize", *map(str, words)])

    assert run(folders["torch"], tmp_path / "fast").exit_code == 0
    np.testing.assert_array_equal(vectors(spacy.load(tmp_path / "fast")), vectors(spacy.load(folders["single"])))
    for words, reason in (
        ((folders["torch"], tmp_path / "fast"), "already exists"),
        ((folders["torch"], folders["torch"], "--overwrite"), "would be lost"),
        ((folders["single"], tmp_path / "faster"), "nothing to"),
    ):
        result = run(*words)
        assert result.exit_code == 1 and reason in str(result.exception or "") + result.output
    (tmp_path / "fast" / "of an earlier component").mkdir()
    result = run(folders["torch"], tmp_path / "fast", "--overwrite", "--precision", "int8")
    assert result.exit_code == 0 and "Its results differ" in result.output
    assert not (tmp_path / "fast" / "of an earlier component").exists()


def test_without_the_extra(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "spacy_keci.ml.encoders.onnx")
    monkeypatch.delattr(encoders, "onnx")
    with pytest.raises(ImportError, match="pip install onnxruntime"):
        spacy.load(folders["single"])
    with pytest.raises(ImportError, match="pip install onnx onnxruntime"):
        optimize(spacy.load(folders["torch"]), "transformer", "single")


def test_the_encoder_stays_as_it_was(torch_pipeline: Language) -> None:
    before = vectors(torch_pipeline)
    nlp = copy.deepcopy(torch_pipeline)
    optimize(nlp, "transformer", "single")
    np.testing.assert_array_equal(vectors(torch_pipeline), before)
    with pytest.raises(ValueError, match="nothing to"):
        encoders_of(nlp)
