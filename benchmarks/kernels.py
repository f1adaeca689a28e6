"""Compare prediction in bfloat16 with and without the settings of ``spacy_keci/ml/linear.py``: rounded numbers of rows
and fewer kernels in memory. Linux only, on a CPU with AVX512-BF16.

    python benchmarks/kernels.py en_keci_biorelex corpus/biorelex/dev.spacy

Each run is a process of its own, with one thread: it reads all texts one at a time, and again, then in batches. The two
kinds of runs take turns.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

ROOT = Path(__file__).parents[1]
KINDS = ["as PyTorch does", "rounded"]


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline with a transformer in bfloat16")],
    corpus: Annotated[Path, typer.Argument(help="Texts (.spacy)")],
    rounds: Annotated[int, typer.Option(min=1, help="Number of runs of each kind")] = 3,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/kernels.json",
    kind: Annotated[str | None, typer.Option(help="Run only this kind, here", hidden=True)] = None,
) -> None:
    """Measure the CPU time of a text and the memory after all texts."""
    if kind is not None:
        print(json.dumps(measure(model, corpus, kind)))
        return
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in KINDS}
    for _ in range(rounds):
        for name, found in runs.items():
            command = [sys.executable, __file__, model, str(corpus), "--kind", name]
            done = subprocess.run(
                command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, check=True
            )
            found.append(json.loads(done.stdout.splitlines()[-1]))
    from speed import save_result

    save_result(output, {"model": model, "runs": runs}, make_markdown)


def measure(model: str, corpus: Path, kind: str) -> dict[str, float]:
    """CPU milliseconds of a text, and MB in memory at the end."""
    import spacy
    from spacy.tokens import DocBin

    from spacy_keci.ml import linear

    if kind == KINDS[0]:
        os.environ |= dict.fromkeys(linear.CAPACITIES, "1024")
        linear.rounded_up = lambda n: n
    nlp = spacy.load(model)
    texts = [doc.text for doc in DocBin().from_disk(corpus).get_docs(nlp.vocab)]
    times = []
    for _ in range(2):
        start = time.process_time()
        for text in texts:
            nlp(text)
        times.append(time.process_time() - start)
    start = time.process_time()
    list(nlp.pipe(texts))
    times.append(time.process_time() - start)
    status = Path("/proc/self/status").read_text()
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    named = zip(["one at a time", "one at a time, again", "in batches"], times, strict=True)
    return {name: 1000 * seconds / len(texts) for name, seconds in named} | {"memory": kilobytes / 1024}


def make_markdown(result: dict[str, Any]) -> str:
    before, after = (result["runs"][name] for name in KINDS)
    lines = [
        f"{result['machine']['cpu']}, one thread, CPU time of a text, median of {len(before)} runs.",
        "",
        f"| | {KINDS[0]} | {KINDS[1]} | ratio |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in before[0]:
        unit = "MB" if row == "memory" else "ms"
        old, new = (median(run[row] for run in runs) for runs in (before, after))
        ratios = [b[row] / a[row] for b, a in zip(after, before, strict=True)]
        digits = 0 if row == "memory" else 1
        lines.append(
            f"| {row} | {old:.{digits}f} {unit} | {new:.{digits}f} {unit} "
            f"| {median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
