"""Compare the two backends of the relational graph convolution, torch and DGL, on the concept graphs of a corpus.

    python benchmarks/relational_gcn.py corpus/biorelex/dev.spacy kb/open

Forward and backward pass, one thread, CPU time. The backends have the same weights and run in turn, A B A B, so that
changes in clock or load affect both equally. Needs the extra ``dgl``.
"""

import copy
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

os.environ["OMP_NUM_THREADS"] = "1"

import spacy
import torch
import typer
from spacy.util import minibatch

from spacy_keci.cli.provenance import describe_corpus, software_versions
from spacy_keci.corpora.reader import read_docs
from spacy_keci.ml.keci.relational_gcn import RelationalGCN, _backend
from spacy_keci.pipeline.concept_reading import KnowledgeReader, KnowledgeVocabulary, read_concepts
from spacy_keci.tokenizer import create_biomedical_tokenizer

ROOT = Path(__file__).parents[1]


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
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(rounds):
        for name, network in networks.items():
            begin = time.process_time()
            for batch in graphs:
                run(network, batch)
            seconds[name].append((time.process_time() - begin) / len(graphs))
    ratios = [dgl / torch_ for torch_, dgl in zip(seconds["torch"], seconds["dgl"], strict=True)]
    result = {
        "name": output.stem,
        "group": output.stem,
        "corpus": describe_corpus(corpus),
        "software": software_versions(),
        "batch_size": batch_size,
        "width": width,
        "depth": depth,
        "relations": n_relations,
        "nodes": sum(len(nodes) for nodes, *_ in graphs) / len(graphs),
        "edges": sum(edges.shape[1] for _, edges, _ in graphs) / len(graphs),
        "largest_difference": difference,
        "seconds_per_batch": seconds,
        "dgl_to_torch": {"median": median(ratios), "range": [min(ratios), max(ratios)]},
    }
    result["markdown"] = make_markdown(result)
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    print(result["markdown"])


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def concept_graphs(corpus: Path, kb: Path, batch_size: int) -> tuple[list[Batch], int]:
    """Number of nodes, edges and labels of each batch, and the number of relations."""
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    linker: Any = nlp.add_pipe("concept_linker")
    linker.initialize(kb=kb)
    docs = [linker(nlp.make_doc(doc.text)) for doc in read_docs(corpus, nlp)]
    vocabulary = KnowledgeVocabulary.of(linker.kb, (), docs, linker.spans_key)
    reader = KnowledgeReader(linker.kb, vocabulary, linker.spans_key)
    batches = []
    for batch in minibatch(docs, batch_size):
        concepts = read_concepts(batch, linker.spans_key)
        graph = reader(concepts, concepts.mentions[:, 0])
        nodes = torch.zeros(len(graph.kinds))
        batches.append((nodes, torch.from_numpy(graph.edges.copy()), torch.from_numpy(graph.labels)))
    return batches, vocabulary.sizes["n_concept_relations"]


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
    milliseconds = {name: 1000 * median(seconds) for name, seconds in result["seconds_per_batch"].items()}
    ratio = result["dgl_to_torch"]
    return (
        f"{result['batch_size']} sentences per batch, on average {result['nodes']:,.0f} concepts and semantic types "
        f"with {result['edges']:,.0f} edges; {result['depth']} layers of width {result['width']}, "
        f"{result['relations']} relations in both directions, forward and backward: torch {milliseconds['torch']:.1f} "
        f"ms, DGL {milliseconds['dgl']:.1f} ms, in one run {ratio['median']:.2f} times as long "
        f"({ratio['range'][0]:.2f}-{ratio['range'][1]:.2f})."
    )


if __name__ == "__main__":
    typer.run(main)
