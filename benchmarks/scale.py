"""'spacy keci annotate' on many abstracts: cost of Arrow, speed-up by workers, memory, and SIGKILLs. Linux only.

    python benchmarks/scale.py --texts 100000
    python benchmarks/scale.py --texts 5000 --no-ray

Abstracts are consecutive sentences of the demo corpus, with new names for their mentions, so that each has unseen
words. Seconds depend on the machine and its load; ratios are of one run.
"""

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import pyarrow as pa
import spacy
import typer
from pyarrow import parquet

from spacy_keci.annotator import Annotator
from spacy_keci.arrow import SCHEMA, graph_row
from spacy_keci.cli.provenance import describe_pipeline, software_versions
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.formats import read_any

ROOT = Path(__file__).parents[1]
SENTENCES = 8  # per abstract
SECONDS = 0.2  # between two measurements of the processes


def main(
    model: Annotated[str, typer.Option(help="Trained pipeline")] = str(ROOT / "training/demo/model-last"),
    texts: Annotated[int, typer.Option(min=500, help="Abstracts, for memory")] = 100_000,
    speed_texts: Annotated[int, typer.Option(min=500, help="Abstracts, for the speed of workers and for kills")] = 3000,
    kills: Annotated[int, typer.Option(min=0, max=50, help="Number of kills")] = 10,
    ray: Annotated[bool, typer.Option(help="Whether to run Ray as well")] = True,
    seed: Annotated[int, typer.Option(help="Of the abstracts and the kills")] = 0,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/scale.json",
) -> None:
    """Measure everything that is missing in the result file, and fail if a row is lost or duplicated after the
    kills."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rng = random.Random(seed)
    sizes = {"texts": texts, "speed_texts": speed_texts}
    result: dict[str, Any] = {"name": output.stem, "group": output.stem, **sizes}
    if output.exists() and (before := json.loads(output.read_text("utf8"))).items() >= sizes.items():
        result |= before
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_abstracts(folder / "some.jsonl", speed_texts, rng)
        if "arrow" not in result:
            result["arrow"] = measure_arrow(model, folder / "some.jsonl")
            print(result["arrow"], flush=True)
        if "workers" not in result:
            result["workers"] = []
            for engine in [("local", 1), ("local", 2), *([("ray", n) for n in (1, 2, 4)] if ray else [])]:
                result["workers"].append(measure_workers(model, folder, *engine, speed_texts))
                print(result["workers"][-1], flush=True)
        if "memory" not in result:
            write_abstracts(folder / "all.jsonl", texts, rng)
            result["memory"] = measure_memory(model, folder, texts)
        if "kills" not in result:
            result["kills"] = kill_and_resume(model, folder, kills, speed_texts, rng)
        result |= {"model": describe_pipeline(spacy.load(model)), "versions": software_versions()}
    result["markdown"] = make_markdown(result)
    print(result["markdown"])
    output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
    if not result["kills"]["identical"]:
        sys.exit("The output of the killed and resumed run differs.")


def write_abstracts(path: Path, n: int, rng: random.Random) -> None:
    corpus = list(read_any(ROOT / "assets/demo/train.jsonl"))
    with path.open("w", encoding="utf8") as file:
        for number in range(n):
            sentences = (rename(text, number, rng) for text in rng.choices(corpus, k=SENTENCES))
            file.write(json.dumps({"id": f"a{number}", "text": " ".join(sentences)}, ensure_ascii=False) + "\n")


def rename(text: AnnotatedText, number: int, rng: random.Random) -> str:
    """The text with a new name in place of each mention."""
    result, end = "", 0
    for i, mention in enumerate(sorted(text.mentions)):
        if mention.start >= end:
            letters = "".join(rng.choices("ABCDEFGHIKLMNPRSTVXYZ", k=3))
            result += f"{text.text[end : mention.start]}{letters}{number}{'αβγκ'[i % 4]}"
            end = mention.end
    return result + text.text[end:]


def measure_arrow(model: str, path: Path, rounds: int = 5) -> dict[str, float]:
    """CPU time added by Arrow (texts from batches, graphs to batches, Parquet), relative to the pipeline."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    batch = pa.RecordBatch.from_pylist([{"id": line["id"], "text": line["text"]} for line in lines])
    annotator = Annotator(model)
    next(iter(annotator.annotate(["to begin with"])))
    ratios = []
    for _ in range(rounds):
        spent = {"arrow": 0.0, "pipeline": 0.0}
        start = time.process_time()
        texts = batch.column("text").to_pylist()
        spent["arrow"] += time.process_time() - start
        with parquet.ParquetWriter(path.with_suffix(".parquet"), SCHEMA) as writer:
            start = time.process_time()
            for docs in annotator.annotate(texts[: max(len(texts) // rounds, 100)]):
                middle = time.process_time()
                rows = [graph_row(doc) for doc in docs if not isinstance(doc, str)]
                writer.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
                end = time.process_time()
                spent["pipeline"] += middle - start
                spent["arrow"] += end - middle
                start = time.process_time()
        ratios.append(spent["arrow"] / spent["pipeline"])
    return {"median": median(ratios), "least": min(ratios), "most": max(ratios)}


def measure_workers(model: str, folder: Path, engine: str, n: int, texts: int) -> dict[str, Any]:
    """Seconds from the first part to the end, and CPU seconds of all finished child processes."""
    out = folder / f"{engine}-{n}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    run(model, folder / "some.jsonl", out, "--engine", engine, "-n", str(n), "--part-size", "100")
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    parts = sorted(path.stat().st_mtime for path in out.iterdir())
    return {
        "engine": engine,
        "n": n,
        "seconds": round(seconds, 1),
        # between the first and the last part, without start and loading
        "texts_per_second": round((texts - 100) / (parts[-1] - parts[0]), 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)
        if engine == "local"
        else None,
        "sha256": digest(out),
    }


def measure_memory(model: str, folder: Path, texts: int) -> dict[str, Any]:
    """MB of two workers over the run: resident (rss), and with shared pages divided up (pss)."""
    out, size = folder / "memory", part_size(texts)
    process = start_run(model, folder / "all.jsonl", out, "-n", "2", "--part-size", str(size))
    rows: list[dict[str, Any]] = []
    while process.poll() is None:
        time.sleep(SECONDS)
        done = size * sum(1 for _ in out.glob("part-*")) if out.exists() else 0
        if done and (not rows or done - rows[-1]["texts"] >= texts / 100):
            workers = [found for pid in children(process.pid) if (found := memory_of(pid))]
            if len(workers) == 2:
                rows.append({"texts": done, **max(workers, key=lambda worker: worker["rss"])})
    if process.returncode:
        sys.exit(f"annotate ended with exit code {process.returncode}.")
    return {"rows": rows}


def kill_and_resume(model: str, folder: Path, kills: int, texts: int, rng: random.Random) -> dict[str, Any]:
    """Compare a run with four workers, in which workers and the driver are killed until it is complete, with an
    uninterrupted one. Both have the same parts, since batches affect the last digits of scores."""
    undisturbed, out = folder / "undisturbed", folder / "killed"
    moments: list[dict[str, Any]] = []
    whom = ["worker", "driver"] * (kills // 2 + 1)
    options = "-n", "4", "--part-size", str(part_size(texts))
    run(model, folder / "some.jsonl", undisturbed, *options)
    process = start_run(model, folder / "some.jsonl", out, *options)
    for number, after in enumerate(sorted(rng.sample(range(1, 90), kills))):
        while sum(1 for _ in out.glob("part-*")) < after:
            if process.poll() is not None:
                sys.exit(f"annotate ended with exit code {process.returncode}, before it could be killed.")
            time.sleep(SECONDS / 10)
        time.sleep(rng.uniform(0, 1))
        victim = process.pid
        if whom[number] == "worker" and (workers := children(victim)):
            victim = rng.choice(workers)
        is_driver = victim == process.pid  # also if it has no workers yet
        moments.append({"whom": "driver" if is_driver else "worker", "parts": sum(1 for _ in out.glob("part-*"))})
        os.kill(victim, signal.SIGKILL)
        if is_driver:
            process.wait()
            process = start_run(model, folder / "some.jsonl", out, *options, "--resume")
    if process.wait():
        sys.exit(f"The killed run could not be resumed: exit code {process.returncode}.")
    ids = sorted(row["id"] for row in rows_of(out, ["id"]))
    wanted = sorted(f"a{number}" for number in range(texts))
    return {
        "moments": moments,
        "lost": len(set(wanted) - set(ids)),
        "doubled": len(ids) - len(set(ids)),
        "identical": ids == wanted and digest(out) == digest(undisturbed),
    }


def part_size(texts: int) -> int:
    """The part size for a hundred parts."""
    return texts // 100


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []


def memory_of(pid: int) -> dict[str, int] | None:
    """MB in memory (rss), and with shared pages divided up (pss); None if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    found = {
        line.split(":")[0].lower(): int(line.split()[1]) >> 10 for line in lines if line.startswith(("Rss", "Pss:"))
    }
    return found if found.keys() == {"rss", "pss"} else None


def rows_of(folder: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.iterdir()):
        yield from parquet.read_table(path, columns=columns).to_pylist()


def digest(folder: Path) -> str:
    """The hash of all rows, in the order of their ids."""
    rows = sorted(rows_of(folder, SCHEMA.names), key=lambda row: row["id"])
    return hashlib.sha256("\n".join(json.dumps(row, sort_keys=True) for row in rows).encode()).hexdigest()


def start_run(model: str, texts: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "spacy_keci", "annotate", model, texts, output, "--to", "parquet", "--quiet"]
    return subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)


def run(model: str, texts: Path, output: Path, *options: str) -> None:
    if code := start_run(model, texts, output, *options).wait():
        sys.exit(f"annotate {' '.join(options)} ended with exit code {code}.")


def make_markdown(result: dict[str, Any]) -> str:
    arrow, kills, memory = result["arrow"], result["kills"], result["memory"]["rows"]
    first = result["workers"][0]
    lines = [
        f"Conversion from and to Arrow, including Parquet, takes {arrow['median']:.1%} of the CPU time of the "
        f"pipeline ({arrow['least']:.1%} to {arrow['most']:.1%}).",
        "",
        f"| {result['speed_texts']:,} abstracts | workers | abstracts/s | × one | CPU, × one |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in result["workers"]:
        cpu = f"{row['cpu_seconds'] / first['cpu_seconds']:.2f}" if row["cpu_seconds"] else ""
        ratio = row["texts_per_second"] / first["texts_per_second"]
        lines.append(f"| {row['engine']} | {row['n']} | {row['texts_per_second']} | {ratio:.2f} | {cpu} |")
    chosen = [memory[round(i * (len(memory) - 1) / 8)] for i in range(9)]
    table = [
        [f"abstracts written, of {result['texts']:,}", *(f"{row['texts']:,}" for row in chosen)],
        ["---", *["---:"] * len(chosen)],
        ["memory of a worker, MB", *(str(row["rss"]) for row in chosen)],
        ["with shared pages divided up", *(str(row["pss"]) for row in chosen)],
    ]
    lines += [
        "",
        *(f"| {' | '.join(row)} |" for row in table),
        "",
        f"{len(kills['moments'])} SIGKILLs of workers and driver over {result['speed_texts']:,} abstracts with four "
        f"workers: {kills['lost']} rows lost, {kills['doubled']} duplicated; the rows are "
        f"{'equal to' if kills['identical'] else 'DIFFERENT FROM'} those of the uninterrupted run.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
