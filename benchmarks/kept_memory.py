"""Memory that a training step keeps for the backward pass, in single precision and in bfloat16.

    python benchmarks/kept_memory.py training/biorelex/best-minilm-1/model-last corpus/biorelex/dev.spacy

Forward and backward pass of one batch. Counts the tensors kept by autograd at their peak, each memory once, except the
weights themselves. On CPUs without bfloat16 instructions, bfloat16 is emulated in single precision: this is slow, but
keeps the same tensors.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import spacy
import torch
import typer
from spacy.util import fix_random_seed
from speed import ROOT, as_table, make_examples, save_result, training_settings

from spacy_keci.cli.provenance import describe_corpus, describe_pipeline
from spacy_keci.corpora.reader import read_docs
from spacy_keci.ml import mixed_precision

KINDS = ["single precision", "bfloat16", "bfloat16, cast from what is kept or used elsewhere", "weights, cast"]


def main(
    model: Annotated[Path, typer.Argument(help="Trained pipeline", exists=True)],
    corpus: Annotated[Path, typer.Argument(help="Documents (.spacy)", exists=True)],
    sentences: Annotated[int, typer.Option(help="Sentences in the batch")] = 16,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/kept-memory.json",
) -> None:
    """Count the kept memory in both precisions."""
    torch.set_num_threads(1)
    mixed_precision.computes_in_bfloat16 = lambda device: True
    facts = {
        "corpus": describe_corpus(corpus),
        "model": describe_pipeline(spacy.load(model)),
        "sentences": sentences,
        "kept_mb": {name: keep(model, corpus, sentences, bf16=name == "bf16") for name in ("fp32", "bf16")},
    }
    save_result(output, facts, make_markdown)


def keep(model: Path, corpus: Path, sentences: int, *, bf16: bool) -> dict[str, float]:
    """Megabytes by kind."""
    fix_random_seed(0)
    components = spacy.util.load_config(model / "config.cfg")["components"]
    precise = [name for name, settings in components.items() if "mixed_precision" in settings.get("model", {})]
    nlp = spacy.load(model, config={f"components.{name}.model.mixed_precision": bf16 for name in precise})
    examples = make_examples(nlp, read_docs(corpus, nlp)[:sentences])
    settings = training_settings(nlp)
    kept = Kept()
    with kept.counted():
        nlp.update(examples, sgd=None, drop=settings["dropout"], annotates=settings["annotating_components"])
    return {kind: kept.most[kind] / 1e6 for kind in KINDS}


class Kept:
    """Counts bytes by kind: now, and at the peak."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.users: Counter[int] = Counter()  # of each memory, by its address

    @contextmanager
    def counted(self) -> Iterator[None]:
        with torch.autograd.graph.saved_tensors_hooks(lambda t: _Entry(self, t), lambda entry: entry.tensor):
            yield


class _Entry:
    """A tensor that is kept until this goes."""

    def __init__(self, kept: Kept, tensor: torch.Tensor) -> None:
        self.kept, self.tensor = kept, tensor
        storage = (tensor._values() if tensor.is_sparse else tensor).untyped_storage()
        self.address, self.size = storage.data_ptr(), storage.nbytes()
        self.kind = kind_of(tensor)
        self.kept.users[self.address] += 1
        if self.kept.users[self.address] == 1:
            self._add(self.size)
            if kept.now.total() > kept.most.total():
                kept.most = kept.now.copy()

    def __del__(self) -> None:
        self.kept.users[self.address] -= 1
        if not self.kept.users[self.address]:
            self._add(-self.size)

    def _add(self, size: int) -> None:
        if self.kind in KINDS:
            self.kept.now[self.kind] += size


def kind_of(tensor: torch.Tensor) -> str:
    """Of what a tensor is made, views left aside."""
    made_by = tensor.grad_fn
    names = []
    while made_by is not None and len(names) < 4:
        names.append(type(made_by).__name__.removesuffix("0").removesuffix("Backward"))
        if names[-1] not in ("T", "View", "Split", "Transpose", "Unsafe", "Expand", "ToCopy", "AccumulateGrad"):
            break
        made_by = made_by.next_functions[0][0] if made_by.next_functions else None
    is_leaf = (tensor.is_leaf and tensor.requires_grad) or names[-1:] == ["AccumulateGrad"]
    if tensor.dtype != torch.bfloat16:
        return "weights" if is_leaf else "single precision"
    if is_leaf:
        return "weights, cast"
    return KINDS[2] if "ToCopy" in names else "bfloat16"


def make_markdown(result: dict[str, Any]) -> str:
    rows = [["kept for the backward pass", *result["kept_mb"]], ["---"] + ["---:"] * len(result["kept_mb"])]
    for kind in KINDS:
        rows.append([kind, *(f"{each[kind]:.0f} MB" for each in result["kept_mb"].values())])
    rows.append(["all", *(f"{sum(each.values()):.0f} MB" for each in result["kept_mb"].values())])
    return f"{result['sentences']} sentences of {result['corpus']['name']} in one batch.\n\n{as_table(rows)}"


if __name__ == "__main__":
    typer.run(main)
