"""Compare prediction of a trained pipeline with its encoder alone: single sentences, batches, several processes, and
the start of a process.

    python benchmarks/use.py training/biorelex/best-minilm-1/model-last corpus/biorelex/dev.spacy
    python benchmarks/use.py MODEL corpus/biorelex/dev.spacy --onnx MODEL-onnx --onnx MODEL-int8

One thread, CPU time, one process; all pipelines read each sentence in turn, so that changes in clock or load affect all
equally. The encoder alone gets the same tensors as in the pipeline. Each start is a separate process: Python, the
import of spaCy, the pipeline, its first sentence. So is each run of 'spacy keci annotate'; the difference between runs
with more and fewer sentences excludes their start.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import spacy
import torch
import typer
from spacy.tokens import Doc
from speed import ROOT, as_table, encode, inputs_of, interleave, relative, save_result, summary
from torch.utils.flop_counter import FlopCounterMode

from spacy_keci.cli.load import find_extractor
from spacy_keci.cli.provenance import describe_corpus, describe_pipeline
from spacy_keci.corpora.reader import read_docs
from spacy_keci.ml.mixed_precision import computes_in_bfloat16

START = """
import sys, time
import spacy
imported = time.process_time()
nlp = spacy.load(sys.argv[1])
loaded = time.process_time()
nlp(sys.argv[2])
print(imported, loaded, time.process_time())
"""
PARTS = ["import", "load", "first sentence"]
PROCESSES = (1, 2)
TIMES = 3  # factor of sentences in the longer run of 'annotate'


def main(
    model: Annotated[Path, typer.Argument(help="Trained pipeline, with knowledge or without", exists=True)],
    corpus: Annotated[Path, typer.Argument(help="Documents of a sentence each (.spacy)", exists=True)],
    onnx: Annotated[
        list[Path] | None, typer.Option(help="The same pipeline after 'spacy keci optimize'; may be repeated")
    ] = None,
    sentences: Annotated[int, typer.Option(help="Sentences to time on")] = 128,
    rounds: Annotated[int, typer.Option(help="Number of timings")] = 5,
    starts: Annotated[int, typer.Option(help="Number of starts of each pipeline, and of runs of 'annotate'")] = 3,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/speed-use.json",
) -> None:
    """Time a pipeline and its copies made by 'spacy keci optimize', compared with their encoders."""
    torch.set_num_threads(1)
    pipelines = load_all(model, onnx or [])
    texts = [doc.text for doc in read_docs(corpus, pipelines["fp32"].nlp)][:sentences]
    facts = {
        "corpus": describe_corpus(corpus),
        "model": describe_pipeline(pipelines["fp32"].nlp),
        "sentences": len(texts),
        "operations": count_operations(pipelines["fp32"], texts),
        "one": time_one(pipelines, texts, rounds),
        "batches": time_batches(pipelines, texts, rounds),
        "graphs": compare_graphs(pipelines, texts),
        "annotate": time_annotate(model, texts, starts),
        "start": {name: time_start(p, texts[0], starts) for name, p in pipelines.items() if p.folder is not None},
    }
    save_result(output, facts, make_markdown)


class Timed:
    """A pipeline and its encoder. folder: from which a separate process loads it; None if it is not started."""

    def __init__(self, path: Path, *, bf16: bool, folder: Path | None) -> None:
        config = spacy.util.load_config(path / "config.cfg")
        models = {name: component.get("model", {}) for name, component in config["components"].items()}
        precise = [name for name, settings in models.items() if "mixed_precision" in settings]
        self.folder = folder
        self.nlp = spacy.load(path, config={f"components.{name}.model.mixed_precision": bf16 for name in precise})
        self.encoder: torch.nn.Module = self.nlp.get_pipe("transformer").model.transformer  # type: ignore[attr-defined]
        self.bf16 = bf16 and "transformer" in precise
        self.spans_key = find_extractor(self.nlp)[1].spans_key

    def encode(self, inputs: list[dict[str, torch.Tensor]]) -> None:
        encode(self.encoder, inputs, bf16=self.bf16)

    def record(self, function: Callable[[], Any]) -> list[dict[str, torch.Tensor]]:
        """The tensors that the encoder is called with during the function."""
        with inputs_of(self.encoder) as inputs:
            function()
        return inputs

    def read(self, texts: list[str]) -> list[Doc]:
        return list(self.nlp.pipe(texts))


def load_all(model: Path, optimized: list[Path]) -> dict[str, Timed]:
    """The pipelines by name: in single precision, in bfloat16 if the CPU supports it, and with ONNX Runtime. Starts are
    timed for the pipeline with its own settings, and for each optimized one."""
    pipelines = {"fp32": Timed(model, bf16=False, folder=model)}
    if computes_in_bfloat16("cpu"):
        pipelines["bf16"] = Timed(model, bf16=True, folder=None)
    for folder in optimized:
        pipelines[folder.name] = Timed(folder, bf16=False, folder=folder)
    return pipelines


def time_one(pipelines: dict[str, Timed], texts: list[str], rounds: int) -> dict[str, Any]:
    """Milliseconds per sentence, as median and 95th percentile over all sentences and rounds; and the ratio to the
    encoder's time for all sentences together, for each round."""
    tasks: dict[Any, Callable[[], Any]] = {}
    for i, text in enumerate(texts):
        for name, p in pipelines.items():
            tasks["encoder", name, i] = partial(p.encode, p.record(partial(p.nlp, text)))
            tasks["pipeline", name, i] = partial(p.nlp, text)
    times = interleave(tasks, rounds)
    compared: dict[str, Any] = {}
    for name in pipelines:
        encoder, whole = ([times[what, name, i] for i in range(len(texts))] for what in ("encoder", "pipeline"))
        compared[name] = {
            "encoder_ms": percentiles(encoder),
            "pipeline_ms": percentiles(whole),
            "ratio": relative([*map(sum, zip(*whole, strict=True))], [*map(sum, zip(*encoder, strict=True))]),
        }
    return compared


def count_operations(pipeline: Timed, texts: list[str]) -> dict[str, float]:
    """Millions of floating-point operations per sentence in matrix products, one sentence at a time."""
    inputs = [pipeline.record(lambda t=t: pipeline.nlp(t)) for t in texts]
    counted = {}
    for name, items, read in (("encoder", inputs, pipeline.encode), ("pipeline", texts, pipeline.nlp)):
        with FlopCounterMode(display=False) as counter:
            for item in items:
                read(item)
        counted[name] = counter.get_total_flops() / len(texts) / 1e6
    return counted


def percentiles(seconds: list[list[float]]) -> dict[str, float]:
    every = sorted(1000 * s for of_text in seconds for s in of_text)
    return {"p50": median(every), "p95": every[int(0.95 * len(every))]}


def time_batches(pipelines: dict[str, Timed], texts: list[str], rounds: int) -> dict[str, Any]:
    """Milliseconds per sentence in the batches of the pipeline, and the ratio to the encoder's time."""
    tasks: dict[Any, Callable[[], Any]] = {}
    for name, p in pipelines.items():
        tasks["encoder", name] = partial(p.encode, p.record(partial(p.read, texts)))
        tasks["pipeline", name] = partial(p.read, texts)
    times = interleave(tasks, rounds)
    return {
        name: {
            "encoder_ms": summary([1000 * t / len(texts) for t in times["encoder", name]]),
            "pipeline_ms": summary([1000 * t / len(texts) for t in times["pipeline", name]]),
            "ratio": relative(times["pipeline", name], times["encoder", name]),
        }
        for name in pipelines
    }


def compare_graphs(pipelines: dict[str, Timed], texts: list[str]) -> dict[str, Any]:
    """Number of sentences whose graph differs from single precision, and the largest difference of scores in all other
    sentences."""
    graphs = {name: [graph_of(doc, p.spans_key) for doc in p.read(texts)] for name, p in pipelines.items()}
    compared = {}
    for name, found in graphs.items():
        same = [(a, b) for (x, a), (y, b) in zip(graphs["fp32"], found, strict=True) if x == y]
        differences = [abs(p - q) for a, b in same for p, q in zip(a, b, strict=True)]
        compared[name] = {"others": len(texts) - len(same), "largest_difference": max(differences, default=0.0)}
    return compared


def graph_of(doc: Doc, spans_key: str) -> tuple[Any, list[float]]:
    """Mentions with their concepts and relations; all scores."""
    group = doc.spans[spans_key]
    rows = group.attrs["relations"]
    mentions = [(span.start, span.end, span.label_, span.kb_id_) for span in group]
    return (mentions, [row[:3] for row in rows]), [*group.attrs["scores"], *(row[3] for row in rows)]


def time_start(pipeline: Timed, text: str, starts: int) -> dict[str, dict[str, float]]:
    """CPU seconds of each part of a start."""
    runs = []
    for _ in range(1 + starts):  # the first one reads from disk
        command = [sys.executable, "-c", START, str(pipeline.folder), text]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        imported, loaded, first = map(float, out.split())
        runs.append([imported, loaded - imported, first - loaded])
    return {part: summary(list(values)) for part, values in zip(PARTS, zip(*runs[1:], strict=True), strict=True)}


def time_annotate(model: Path, texts: list[str], runs: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds per sentence of 'spacy keci annotate', summed over processes, by their number."""
    ms: dict[int, list[float]] = {n: [] for n in PROCESSES}
    with TemporaryDirectory() as name:
        few, many, output = (Path(name) / file for file in ("few.txt", "many.txt", "found.jsonl"))
        few.write_text("\n".join(texts), encoding="utf8")
        many.write_text("\n".join(texts * TIMES), encoding="utf8")
        for _ in range(runs):
            for n in PROCESSES:
                options = ["--from", "lines", "--processes", str(n), "--overwrite", "--quiet"]
                seconds = [cpu_time_of_annotate(model, path, output, *options) for path in (few, many)]
                ms[n].append(1000 * (seconds[1] - seconds[0]) / (len(texts) * (TIMES - 1)))
    return {str(n): summary(each) for n, each in ms.items()}


def cpu_time_of_annotate(*arguments: str | Path) -> float:
    """CPU seconds of a run, including the processes that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "spacy_keci", "annotate", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_markdown(result: dict[str, Any]) -> str:
    operations = result["operations"]
    introduction = (
        f"One thread ({result['machine']['cpu']}), CPU time. {result['sentences']} sentences of "
        f"{result['corpus']['name']}; one at a time: median (95th percentile) of all sentences, in batches: median of "
        f"the rounds. The matrix products of the pipeline are {operations['pipeline']:.0f} million floating-point "
        f"operations per sentence, {operations['pipeline'] / operations['encoder']:.2f} times the encoder's."
    )
    columns = [title for how in ("one", "batches") for title in (f"encoder, {how}", f"pipeline, {how}", "× encoder")]
    rows = [["", *columns, "graphs"], ["---"] + ["---:"] * 7]
    for name, one in result["one"].items():
        batches, graphs = result["batches"][name], result["graphs"][name]
        rows.append(
            [
                name,
                *(f"{one[k]['p50']:.1f} ({one[k]['p95']:.1f}) ms" for k in ("encoder_ms", "pipeline_ms")),
                f"{one['ratio']['median']:.2f}",
                *(f"{batches[k]['median']:.1f} ms" for k in ("encoder_ms", "pipeline_ms")),
                f"{batches['ratio']['median']:.2f}",
                f"{graphs['others']} differ, scores by at most {graphs['largest_difference']:.0e}",
            ]
        )
    starts = [["start", *PARTS, "import and load"], ["---"] + ["---:"] * 4]
    for name, start in result["start"].items():
        seconds = [start[part]["median"] for part in PARTS]
        times = [f"{s:.2f} s" for s in [*seconds, sum(seconds[:2])]]
        starts.append(["as saved" if name == "fp32" else name, *times])
    annotate = [["spacy keci annotate", *(f"-n {n}" for n in result["annotate"])], ["---"] + ["---:"] * len(PROCESSES)]
    annotate.append(["CPU time per sentence", *(f"{ms['median']:.1f} ms" for ms in result["annotate"].values())])
    return "\n\n".join([introduction, *map(as_table, (rows, annotate, starts))])


if __name__ == "__main__":
    typer.run(main)
