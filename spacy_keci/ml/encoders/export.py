"""Export a torch transformer to a graph for ONNX Runtime."""

from __future__ import annotations

import inspect
import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from spacy_transformers.layers.transformer_model import TransformerModel
from torch import Tensor, nn

from .onnx import OUTPUT, OnnxEncoder, Precision
from .windows import get_fitting_spans

OPSET = 17
TOLERANCE = 1e-4
# texts of different lengths, to include padding
SAMPLE = ["EGF binds to its receptor, EGFR, and to nothing else.", "FK506 binds FKBP12."]
OTHERS = [
    "p53",
    "The MDM2 protein",
    "p53 is inhibited by MDM2, which binds to its transactivation domain (residues 18-26).",
]


def export(model: TransformerModel, precision: Precision) -> bytes:
    """Export the encoder of a model to a graph with its weights.

    precision: "int8" quantizes the weights of matrices to 8-bit integers and, at run time, their inputs.
    Raises ValueError if the graph in single precision does not compute the same as the encoder.
    """
    # sets the maximum length of the tokenizer, which is saved with it: a graph does not contain its number of positions
    get_fitting_spans([], get_spans=lambda docs: [], model=model)
    encoder, training = model.transformer, model.transformer.training
    traced = _HiddenStates(encoder, list(_tokenized(model, SAMPLE))).eval()
    try:
        graph = _trace(traced, tuple(_tokenized(model, SAMPLE).values()))
        for texts in (SAMPLE, OTHERS):
            _check(traced, OnnxEncoder(encoder.config, graph), _tokenized(model, texts))
    finally:
        encoder.train(training)
    return graph if precision == "single" else _quantize(graph)


class _HiddenStates(nn.Module):
    """The encoder as a function of tensors in a fixed order."""

    def __init__(self, encoder: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.encoder = encoder
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.encoder(**dict(zip(self.names, inputs, strict=True))).last_hidden_state


def _tokenized(model: TransformerModel, texts: list[str]) -> dict[str, Tensor]:
    given = model.tokenizer(texts, return_attention_mask=True, return_tensors="pt", padding="longest")
    return {name: given[name] for name in ("input_ids", "attention_mask", "token_type_ids") if name in given}


def _trace(traced: _HiddenStates, sample: tuple[Tensor, ...]) -> bytes:
    # the tracing exporter; the other one needs the package onnxscript
    choice: dict[str, Any] = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    options: dict[str, Any] = {
        "input_names": traced.names,
        "output_names": [OUTPUT],
        "dynamic_axes": {name: {0: "texts", 1: "pieces"} for name in [*traced.names, OUTPUT]},
        "opset_version": OPSET,
    }
    with TemporaryDirectory(prefix="spacy-keci-") as folder, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about constants; the result is checked
        graph = Path(folder) / "encoder.onnx"
        torch.onnx.export(traced, sample, graph, **options, **choice)
        return graph.read_bytes()


def _check(traced: _HiddenStates, exported: OnnxEncoder, inputs: dict[str, Tensor]) -> None:
    with torch.no_grad():
        expected = traced(*inputs.values())
    found = exported(**inputs).last_hidden_state
    is_piece = inputs["attention_mask"] > 0
    difference = float((found - expected)[is_piece].abs().max() / expected[is_piece].abs().max())
    if not difference < TOLERANCE:
        raise ValueError(
            f"The encoder cannot be exported: the vectors of ONNX Runtime differ from those of torch by "
            f"{difference:.1g} of the largest value."
        )


def _quantize(graph: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logger = logging.getLogger()
    level = logger.level
    with TemporaryDirectory(prefix="spacy-keci-") as folder:
        source, target = Path(folder) / "single.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        try:
            logger.setLevel(logging.ERROR)  # it recommends a step that has no effect here
            quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
        finally:
            logger.setLevel(level)
        return target.read_bytes()
