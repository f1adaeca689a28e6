"""Compare the two backends of the relational graph convolution, torch and DGL, on the concept graphs of a corpus.

    python benchmarks/relational_gcn.py corpus/biorelex/dev.spacy kb/open

Forward and backward pass, one thread, CPU time. The backends have the same weights and run in turn, A B A B, so that
changes in clock or load affect both equally. Needs the extra ``dgl``.
"""

import copy
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
import typer
from spacy.util import minibatch
from speed import ROOT, interleave, relative, save_result, summary

from spacy_keci.cli.provenance import describe_corpus
from spacy_keci.corpora.formats import read_any
from spacy_keci.ml.keci.relational_gcn import RelationalGCN, _backend
from spacy_keci.pipeline.concept_linker import ConceptLinker
from spacy_keci.pipeline.concept_reading import KnowledgeReader, KnowledgeVocabulary, read_concepts
from spacy_keci.tokenizer import biomedical_tokenizer


def main(
    corpus: Annotated[Path, typer.Argument(help=".spacy or .jsonl", exists=True)],
    kb: Annotated[Path, typer.Argument(help="Compiled knowledge base", exists=True)],
    batch_size: Annotated[int, typer.Option(help="Texts in a batch")] = 32,
    width: Annotated[int, typer.Option(help="Of the vectors of concepts")] = 50,
    depth: Annotated[int, typer.Option(help="Layers")] = 3,
    rounds: Annotated[int, typer.Option(help="Number of timings")] = 5,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/relational_gcn.json",
) -> None:
    """Time both backends on the concept graphs of a corpus, and compare what they compute."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    graphs, n_relations = concept_graphs(corpus, kb, batch_size)
    first = RelationalGCN(width, n_relations=n_relations, depth=depth, bases=None, inverse=True)
    networks = {"torch": first, "dgl": copy.deepcopy(first)}
    networks["dgl"].propagate = _backend("dgl")
    difference = max(
        float((a - b).abs().max())
        for batch in graphs
        for a, b in zip(run(networks["torch"], batch), run(networks["dgl"], batch), strict=True)
    )
    times = interleave({name: partial(run_all, network, graphs) for name, network in networks.items()}, rounds)
    facts = {
        "corpus": describe_corpus(corpus),
        "batch_size": batch_size,
        "width": width,
        "depth": depth,
        "relations": n_relations,
        "nodes": sum(len(nodes) for nodes, *_ in graphs) / len(graphs),
        "edges": sum(edges.shape[1] for _, edges, _ in graphs) / len(graphs),
        "largest_difference": difference,
        "ms_per_batch": {name: summary([1000 * t / len(graphs) for t in each]) for name, each in times.items()},
        "dgl_to_torch": relative(times["dgl"], times["torch"]),
    }
    save_result(output, facts, make_markdown)


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def concept_graphs(corpus: Path, kb: Path, batch_size: int) -> tuple[list[Batch], int]:
    """Number of nodes, edges and labels of each batch, and the number of relations."""
    tokenizer, linker = biomedical_tokenizer(), ConceptLinker()
    linker.initialize(kb=kb)
    docs = [linker(tokenizer(text.text)) for text in read_any(corpus)]
    vocabulary = KnowledgeVocabulary.of(linker.kb, (), docs, linker.spans_key)
    reader = KnowledgeReader(linker.kb, vocabulary, linker.spans_key)
    batches = []
    for batch in minibatch(docs, batch_size):
        concepts = read_concepts(batch, linker.spans_key)
        graph = reader(concepts, concepts.mentions[:, 0])
        nodes = torch.zeros(len(graph.kinds))
        batches.append((nodes, torch.from_numpy(graph.edges.copy()), torch.from_numpy(graph.labels)))
    return batches, vocabulary.sizes["n_concept_relations"]


def run_all(network: RelationalGCN, batches: list[Batch]) -> None:
    for batch in batches:
        run(network, batch)


def run(network: RelationalGCN, batch: Batch) -> list[torch.Tensor]:
    """Vectors of the concepts, and the gradients of all weights with their sum as the loss."""
    nodes, edges, labels = batch
    width = network.layers[0].itself.in_features  # type: ignore[union-attr]
    generator = torch.Generator().manual_seed(len(nodes))
    network.zero_grad()
    vectors = network(torch.randn(len(nodes), int(width), generator=generator), edges, labels)
    vectors.sum().backward()
    return [vectors.detach(), *(p.grad.clone() for p in network.parameters() if p.grad is not None)]


def make_markdown(result: dict[str, Any]) -> str:
    milliseconds = {name: times["median"] for name, times in result["ms_per_batch"].items()}
    times = result["dgl_to_torch"]
    return (
        f"{result['batch_size']} sentences per batch, on average {result['nodes']:,.0f} concepts and semantic types "
        f"with {result['edges']:,.0f} edges; {result['depth']} layers of width {result['width']}, "
        f"{result['relations']} relations in both directions, forward and backward: torch {milliseconds['torch']:.1f} "
        f"ms, DGL {milliseconds['dgl']:.1f} ms, in one run {times['median']:.2f} times as long "
        f"({times['low']:.2f}-{times['high']:.2f})."
    )


if __name__ == "__main__":
    typer.run(main)
