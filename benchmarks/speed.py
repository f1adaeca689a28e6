"""Speed, memory and scaling of the pipeline, compared with its encoder alone. One thread, CPU time, one run.

    python benchmarks/speed.py corpus/biorelex/dev.spacy --paths.kb kb/open
    python benchmarks/speed.py --config configs/span_graph.cfg --output results/speed-span_graph.json
    python benchmarks/speed.py --precision fp32 --components.keci.model.span_width 256
    python benchmarks/speed.py corpus/biorelex/dev.spacy --model training/biorelex/model-best
    python benchmarks/speed.py corpus/biorelex/dev.spacy --paths.kb kb/open --base-size --no-scaling

The tasks run in turn, A B A B, so that changes in clock or load affect all equally; medians and ranges over the rounds
are reported. The encoder alone gets the same tensors as in the pipeline. Peak memory is measured in separate processes,
and includes the interpreter and the libraries ("loaded").
"""

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import spacy
import torch
import typer
from spacy.cli._util import parse_config_overrides
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config, minibatch, registry
from thinc.api import Adam
from wasabi import msg

from spacy_keci.cli.load import find_extractor
from spacy_keci.cli.provenance import describe_corpus, describe_pipeline, software_versions
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.corpora.reader import read_docs
from spacy_keci.ml.encoders.transformer import resolve_name
from spacy_keci.ml.mixed_precision import computes_in_bfloat16
from spacy_keci.pipeline.extractor import Extractor
from spacy_keci.pipeline.joint_ner_re import JointNerRe
from spacy_keci.reports import Report

ROOT = Path(__file__).parents[1]
ENCODER_INPUTS = "encoder_inputs.pt"
WHOLE = {"components.transformer.model.max_items": None}
# tasks of the pipeline, and the task of the encoder that each is compared with
RATIOS = {"inference": "encoder forward", "training": "encoder forward and backward"}
BASELINES = [*RATIOS.values()]
# targets for both ratios: with tags, with spans without knowledge, with knowledge including linking, and with an
# encoder of BERT-base's size
BARS = {"tags": (1.15, 1.25), "spans": (1.6, 2.0), "knowledge": (1.8, 2.2), "base": (1.25, 1.4)}
BASE_WIDTH = 768
RANDOM_ENCODER = "BERT-base-random-weights"
# the memory of training is compared with this task, including the optimizer's moments
ENCODER_TRAINING = "encoder forward, backward and update"
MOST_MEMORY = 1.5
BATCH_SIZES = [1, 4, 16, 64]
SENTENCE_LENGTHS = [10, 20, 40, 80, 160]
DOCUMENT_LENGTHS = [25, 50, 100, 250, 500, 1000, 2500, 5000]


def main(
    context: typer.Context,
    corpus: Annotated[Path, typer.Argument(help=".spacy or .jsonl", exists=True)] = ROOT / "assets/demo/train.jsonl",
    model: Annotated[Path | None, typer.Option(help="Trained pipeline, instead of a new one", exists=True)] = None,
    config: Annotated[Path, typer.Option(help="Config of the new pipeline", exists=True)] = ROOT / "configs/keci.cfg",
    precision: Annotated[
        Literal["bf16", "fp32"], typer.Option(help="Of encoder and heads", show_default="bf16 if the CPU supports it")
    ] = "bf16" if computes_in_bfloat16("cpu") else "fp32",
    sentences: Annotated[int, typer.Option(help="Sentences to time on")] = 128,
    rounds: Annotated[int, typer.Option(help="Number of timings")] = 5,
    steps: Annotated[int, typer.Option(help="Batches to train a new pipeline on first")] = 100,
    base_size: Annotated[bool, typer.Option(help="Encoder of BERT-base's size, with random weights")] = False,
    scaling: Annotated[bool, typer.Option(help="Time batches, sentences and documents of many sizes as well")] = True,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/speed.json",
) -> None:
    """Time a pipeline and its encoder. Further arguments override its config, such as
    --components.keci.model.span_width 256."""
    if base_size and model is not None:
        raise typer.BadParameter("--base-size makes the encoder of a new pipeline: leave out --model.")
    if precision == "bf16" and not computes_in_bfloat16("cpu"):
        raise typer.BadParameter("this CPU has no instructions for bf16.", param_hint="--precision")
    overrides = parse_config_overrides(context.args, env_var=None)
    source = config if model is None else model / "config.cfg"
    for component in ("transformer", load_config(source)["nlp"]["pipeline"][-1]):
        overrides[f"components.{component}.model.mixed_precision"] = precision == "bf16"
    # A process for each task, one at a time, to measure the peak memory of one task. This process stays small, since on
    # Linux children inherit the peak of their parent.
    with (
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool,
    ):

        def run(function: Any, *args: Any) -> Any:
            msg.text(" ".join([function.__name__.replace("_", " "), *(a for a in args if isinstance(a, str))]))
            return pool.submit(function, *args).result()

        work = (Path(folder) / "pipeline", corpus, sentences)
        if base_size:
            tokenizer = load_config(config, overrides)["paths"]["encoder"]
            run(make_encoder, Path(folder) / RANDOM_ENCODER, tokenizer)
            overrides["paths.encoder"] = str(Path(folder) / RANDOM_ENCODER)
        described = run(prepare, work, model or config, overrides, steps)
        if base_size:
            described["encoder"] = RANDOM_ENCODER
        facts = {
            "precision": precision,
            "corpus": describe_corpus(corpus),
            "model": described,
            **run(compare, work, rounds),
            "optimizers": run(compare_optimizers, work, rounds),
            "peak_memory_mb": {
                task: run(peak_memory, work, task) for task in ["loaded", *RATIOS, *BASELINES, ENCODER_TRAINING]
            },
        }
        if scaling:
            facts |= {
                "batch_size": run(scale_batch_size, work),
                "sentence_length": run(scale_sentence_length, work),
                "document_length": {task: run(scale_document_length, work, task) for task in RATIOS},
            }
    save_result(output, facts, make_markdown)
    for task, ratio in facts["ratios"].items():
        line = f"{task}: {ratio['median']:.2f} times the {ratio['of']}, target: at most {ratio['bar']}"
        msg.good(line) if ratio["median"] <= ratio["bar"] else msg.fail(line)
    more = memory_ratio(facts["peak_memory_mb"])
    line = f"training: {more:.2f} times the memory of the encoder's training, target: at most {MOST_MEMORY}"
    msg.good(line) if more <= MOST_MEMORY else msg.fail(line)


# Tasks, each in a separate process


def make_encoder(folder: Path, tokenizer: str) -> None:
    """Save an untrained encoder of BERT-base's size, with the tokenizer of another encoder."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    AutoTokenizer.from_pretrained(resolve_name(tokenizer)).save_pretrained(folder)
    BertModel(BertConfig()).save_pretrained(folder)


def prepare(work: tuple[Path, Path, int], source: Path, overrides: dict[str, Any], steps: int) -> dict[str, Any]:
    """Save the pipeline to be timed, and the input of its encoder. A new pipeline is first trained for some steps, so
    that it predicts a realistic number of mentions and relations."""
    folder, corpus, sentences = work
    torch.set_num_threads(1)
    if source.is_dir():
        nlp = spacy.load(source, config=overrides)
    else:
        fix_random_seed(0)
        nlp = load_model_from_config(load_config(source, overrides), auto_fill=True)
        docs = read_docs(corpus, nlp)
        training = training_settings(nlp)
        optimizer, examples = training["optimizer"], make_examples(nlp, docs)
        nlp.initialize(lambda: examples, sgd=optimizer)
        for batch in islice(cycle(training["batcher"](examples)), steps):
            nlp.update(batch, sgd=optimizer, drop=training["dropout"], annotates=training["annotating_components"])
            optimizer.step_schedules()
    nlp.to_disk(folder)
    workload = Workload(folder, corpus, sentences)
    with inputs_of(workload.encoder) as forward:
        workload.infer(workload.texts)
    with inputs_of(workload.encoder) as forward_and_backward:
        workload.train(workload.batches)
    torch.save([forward, forward_and_backward], folder / ENCODER_INPUTS)
    return describe_pipeline(nlp)


def compare(work: tuple[Path, Path, int], rounds: int) -> dict[str, Any]:
    """Milliseconds per sentence of the pipeline and its encoder, and their ratios."""
    workload = Workload(*work)
    tasks = workload.tasks()
    whole = Workload(*work, config=WHOLE).tasks()
    tasks |= {f"{task}, batches whole": whole[task] for task in RATIOS}
    times = {task: [1000 * t / len(workload.docs) for t in each] for task, each in interleave(tasks, rounds).items()}
    ratios = {}
    for (task, baseline), bar in zip(RATIOS.items(), BARS[workload.kind], strict=True):
        ratios[task] = {"of": baseline, **relative(times[task], times[baseline]), "bar": bar}
    docs = workload.infer(workload.texts)
    return {
        "sentences": {
            "number": len(docs),
            "tokens": mean(len(doc) for doc in docs),
            "mentions": mean(len(doc.spans["entities"]) for doc in docs),
            "relations": mean(len(doc._.relations) for doc in docs),
        },
        "ms_per_sentence": {task: summary(each) for task, each in times.items()},
        "ratios": ratios,
    }


def compare_optimizers(work: tuple[Path, Path, int], rounds: int) -> dict[str, Any]:
    """Milliseconds of an update of all weights of the encoder, with Thinc's Adam and with the optimizer of the
    config."""
    workload = Workload(*work)
    parameters = {name: p.detach().numpy() for name, p in workload.encoder.named_parameters()}
    gradients = {name: np.full_like(weights, 1e-3) for name, weights in parameters.items()}

    def update(optimizer: Any) -> None:
        for name, weights in parameters.items():
            optimizer((0, name), weights, gradients[name])

    optimizers = {"Adam.v1": Adam(1e-5, L2=0.01, use_averages=False), "config": workload.training["optimizer"]}
    times = interleave({name: partial(update, optimizer) for name, optimizer in optimizers.items()}, rounds)
    return {
        "million_weights": sum(weights.size for weights in parameters.values()) / 1e6,
        "ms_per_update": {name: summary([1000 * t for t in each]) for name, each in times.items()},
    }


def peak_memory(work: tuple[Path, Path, int], task: str) -> float:
    """Peak megabytes of a process that runs the task over all sentences."""
    workload = Workload(*work)
    if task == ENCODER_TRAINING:
        _, inputs = torch.load(workload.folder / ENCODER_INPUTS)
        workload.encode_and_backprop(inputs, update=True)
    elif task != "loaded":
        workload.tasks()[task]()
    return peak_mb()


def scale_batch_size(work: tuple[Path, Path, int]) -> dict[str, Any]:
    """Milliseconds per sentence by the batch size, in the order of the corpus."""
    workload = Workload(*work)
    n = max(BATCH_SIZES)
    tasks: dict[tuple[str, int], Callable] = {}
    for size in BATCH_SIZES:
        tasks["inference", size] = partial(workload.infer, workload.texts[:n], size)
        tasks["training", size] = partial(workload.train, list(minibatch(workload.examples[:n], size)))
    times = interleave(tasks, 2)
    return {
        "sentences": BATCH_SIZES,
        **{f"{task}_ms": [1000 * min(times[task, size]) / n for size in BATCH_SIZES] for task in RATIOS},
    }


def scale_sentence_length(work: tuple[Path, Path, int]) -> dict[str, Any]:
    """Milliseconds per sentence by its length, in batches of 16, and the exponent of the growth."""
    workload = Workload(*work)
    sentences = cycle(workload.docs)
    tasks: dict[tuple[str, int], Callable] = {}
    for length in SENTENCE_LENGTHS:
        examples = [make_passage(workload.nlp, sentences, length) for _ in range(16)]
        tasks["inference", length] = partial(workload.infer, [example.text for example in examples])
        tasks["training", length] = partial(workload.train, [examples])
    times = interleave(tasks, 3)
    result: dict[str, Any] = {"tokens": SENTENCE_LENGTHS}
    for task in RATIOS:
        ms = [1000 * min(times[task, length]) / 16 for length in SENTENCE_LENGTHS]
        result |= {f"{task}_ms": ms, f"{task}_exponent": exponent(SENTENCE_LENGTHS, ms)}
    return result


def scale_document_length(work: tuple[Path, Path, int], task: str) -> dict[str, Any]:
    """Milliseconds per document by its length, the exponent of the growth, and the peak memory so far."""
    workload = Workload(*work)
    ms, peaks = [], []
    for length in DOCUMENT_LENGTHS:
        example = make_passage(workload.nlp, cycle(workload.docs), length)
        runs: dict[str, Callable[[], Any]] = {
            "inference": partial(workload.infer, [example.text]),
            "training": partial(workload.train, [[example]]),
        }
        times = interleave({task: runs[task]}, 2 if length <= 1000 else 1)
        ms.append(1000 * min(times[task]))
        peaks.append(peak_mb())
    return {"tokens": DOCUMENT_LENGTHS, "ms": ms, "exponent": exponent(DOCUMENT_LENGTHS, ms), "peak_memory_mb": peaks}


# Shared by the tasks


class Workload:
    """A pipeline and its input sentences."""

    def __init__(self, folder: Path, corpus: Path, sentences: int, config: dict[str, Any] | None = None):
        torch.set_num_threads(1)
        fix_random_seed(0)
        self.folder = folder
        self.nlp = spacy.load(folder, config=config or {})
        self.docs = read_docs(corpus, self.nlp)[:sentences]
        self.texts = [doc.text for doc in self.docs]
        self.examples = make_examples(self.nlp, self.docs)
        self.training = training_settings(self.nlp)
        self.batches = list(self.training["batcher"](self.examples))
        transformer: Any = self.nlp.get_pipe("transformer")
        self.encoder: torch.nn.Module = transformer.model.transformer
        self.kind = "base" if self.encoder.config.hidden_size >= BASE_WIDTH else kind_of(find_extractor(self.nlp)[1])
        self.autocast = self.nlp.config["components"]["transformer"]["model"]["mixed_precision"]

    def infer(self, texts: list[str], batch_size: int | None = None) -> list[Doc]:
        """Predict Docs with relations from texts."""
        return list(self.nlp.pipe(texts, batch_size=batch_size))

    def train(self, batches: Iterable[list[Example]]) -> None:
        """Forward, backward and update."""
        for batch in batches:
            self.nlp.update(
                batch,
                sgd=self.training["optimizer"],
                drop=self.training["dropout"],
                annotates=self.training["annotating_components"],
            )

    def tasks(self) -> dict[str, Callable[[], Any]]:
        """The tasks by name; each runs once over all sentences."""
        forward, forward_and_backward = torch.load(self.folder / ENCODER_INPUTS)
        return {
            "encoder forward": partial(encode, self.encoder, forward, bf16=self.autocast),
            "inference": partial(self.infer, self.texts),
            "encoder forward and backward": partial(self.encode_and_backprop, forward_and_backward),
            "training": partial(self.train, self.batches),
        }

    def encode_and_backprop(self, inputs: list[dict[str, torch.Tensor]], *, update: bool = False) -> None:
        self.encoder.train()
        for each in inputs:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
                output = self.encoder(**each).last_hidden_state
            output.backward(torch.full_like(output, 1e-3))
            if update:
                self.update_encoder()
            else:
                self.encoder.zero_grad()

    def update_encoder(self) -> None:
        """Update the encoder; the optimizer sets the gradients to zero."""
        for name, p in self.encoder.named_parameters():
            if p.grad is not None:
                self.training["optimizer"]((0, name), p.detach().numpy(), p.grad.numpy())


def encode(encoder: torch.nn.Module, inputs: list[dict[str, torch.Tensor]], *, bf16: bool) -> None:
    encoder.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        for each in inputs:
            encoder(**each)


def kind_of(extractor: Extractor) -> str:
    """The kind of a system, which determines its targets."""
    if extractor.model.attrs["uses_knowledge"]:
        return "knowledge"
    return "tags" if isinstance(extractor, JointNerRe) else "spans"


@contextmanager
def inputs_of(encoder: torch.nn.Module) -> Iterator[list[dict[str, torch.Tensor]]]:
    """Record the tensors that the encoder is called with."""
    inputs: list[dict[str, torch.Tensor]] = []
    handle = encoder.register_forward_pre_hook(lambda _, args, kwargs: inputs.append(kwargs), with_kwargs=True)
    try:
        yield inputs
    finally:
        handle.remove()


def training_settings(nlp: Language) -> dict[str, Any]:
    return registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)


def make_examples(nlp: Language, docs: list[Doc]) -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


def make_passage(nlp: Language, sentences: Iterator[Doc], n_tokens: int) -> Example:
    """A text of ``n_tokens`` tokens from consecutive sentences, with their mentions and relations."""
    text, n, whole = "", 0, AnnotatedText("")
    while n < n_tokens:
        sentence = from_doc(next(sentences))
        first = len(whole.mentions)
        whole.mentions += [m._replace(start=m.start + len(text), end=m.end + len(text)) for m in sentence.mentions]
        whole.relations += [r._replace(head=r.head + first, tail=r.tail + first) for r in sentence.relations]
        text += sentence.text + " "
        n += len(nlp.make_doc(sentence.text))
    # to_doc leaves out mentions beyond the end.
    whole.text = nlp.make_doc(text)[:n_tokens].text
    return Example(nlp.make_doc(whole.text), to_doc(whole, nlp.make_doc, Report()))


def interleave(tasks: dict[Any, Callable[[], Any]], rounds: int) -> dict[Any, list[float]]:
    """CPU seconds of every task in every round, after one round to warm up."""
    times: dict[Any, list[float]] = {name: [] for name in tasks}
    for i in range(1 + rounds):
        for name, task in tasks.items():
            begin = time.process_time()
            task()
            if i > 0:
                times[name].append(time.process_time() - begin)
    return times


def summary(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "low": min(values), "high": max(values)}


def relative(values: list[float], baseline: list[float]) -> dict[str, float]:
    """Summary of the ratios of values that were measured in turn."""
    return summary([a / b for a, b in zip(values, baseline, strict=True)])


def exponent(sizes: list[int], times: list[float]) -> float:
    """k of the best fit time ~ size^k for the upper half of the sizes, in which fixed costs are small."""
    upper = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[upper:]), np.log(times[upper:]), 1)[0])


def peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def save_result(output: Path, facts: dict[str, Any], make_markdown: Callable[[dict[str, Any]], str]) -> None:
    """Write what was measured with one thread, and its table, and print the table."""
    result = {
        "name": output.stem,
        "group": output.stem,
        "machine": {"cpu": cpu_name(), "threads": 1},
        "software": software_versions(),
        **facts,
    }
    result["markdown"] = make_markdown(result)
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    print(f"\n{result['markdown']}\n")


def cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def make_markdown(result: dict[str, Any]) -> str:
    """The tables as Markdown."""
    sentences, memory, optimizers = result["sentences"], result["peak_memory_mb"], result["optimizers"]
    update = {name: times["median"] for name, times in optimizers["ms_per_update"].items()}
    introduction = (
        f"{result['precision']}, one thread ({result['machine']['cpu']}), CPU time, median (range). "
        f"{sentences['number']} sentences of {result['corpus']['name']}, on average with {sentences['tokens']:.0f} "
        f"tokens and {sentences['mentions']:.1f} predicted mentions. Loading the pipeline takes "
        f"{gigabytes(memory['loaded'])} of memory. Training takes {memory_ratio(memory):.2f} times the memory of the "
        f"encoder's training (target: ≤ {MOST_MEMORY}). Updating the {optimizers['million_weights']:.1f} million "
        f"weights of the encoder takes {update['config']:.0f} ms, with Thinc's Adam {update['Adam.v1']:.0f} ms."
    )
    tables = [speed_table(result)]
    if "batch_size" in result:
        tables += scaling_tables(result)
    return "\n\n".join([introduction, *map(as_table, tables)])


def speed_table(result: dict[str, Any]) -> list[list[str]]:
    memory = result["peak_memory_mb"]
    rows = [["", "ms per sentence", "× encoder", "target", "peak memory"], ["---"] + ["---:"] * 4]
    for task, times in result["ms_per_sentence"].items():
        ratio = result["ratios"].get(task)
        rows.append(
            [
                task,
                f"{times['median']:.1f} ({times['low']:.1f}-{times['high']:.1f})",
                f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})" if ratio else "",
                f"≤ {ratio['bar']}" if ratio else "",
                gigabytes(memory[task]) if task in memory else "",
            ]
        )
    return [*rows, [ENCODER_TRAINING, "", "", "", gigabytes(memory[ENCODER_TRAINING])]]


def scaling_tables(result: dict[str, Any]) -> list[list[list[str]]]:
    growth = [["tokens in a document", "inference", "peak memory", "training", "peak memory"], ["---:"] * 5]
    documents = [result["document_length"][task] for task in RATIOS]
    for i, tokens in enumerate(DOCUMENT_LENGTHS):
        cells = [(f"{d['ms'][i] / 1000:.2f} s", gigabytes(d["peak_memory_mb"][i])) for d in documents]
        growth.append([f"{tokens:,}", *(cell for pair in cells for cell in pair)])
    growth.append(["exponent", *(cell for d in documents for cell in (f"{d['exponent']:.2f}", ""))])
    batches = [["sentences in a batch", *map(str, BATCH_SIZES)], ["---"] + ["---:"] * len(BATCH_SIZES)]
    batches += [[f"{task}, ms", *(f"{ms:.1f}" for ms in result["batch_size"][f"{task}_ms"])] for task in RATIOS]
    lengths = [["tokens in a sentence", *map(str, SENTENCE_LENGTHS), "exponent"]]
    lengths.append(["---"] + ["---:"] * (1 + len(SENTENCE_LENGTHS)))
    for task in RATIOS:
        ms, power = (result["sentence_length"][f"{task}_{what}"] for what in ("ms", "exponent"))
        lengths.append([f"{task}, ms", *(f"{each:.1f}" for each in ms), f"{power:.2f}"])
    return [growth, batches, lengths]


def memory_ratio(peaks: dict[str, float]) -> float:
    return peaks["training"] / peaks[ENCODER_TRAINING]


def gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1000:.2f} GB"


def as_table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(main)
    app()
