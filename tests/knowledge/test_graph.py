import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_keci.knowledge.graph import ConceptGraph, write_edges
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.storage import Files, csr


def edges_of(kb: KnowledgeBase, texts: list[int], ids: list[str]) -> set[tuple[int, str, str, str]]:
    graph = kb.induce(texts, [kb.index(i) for i in ids])
    names = [kb.id(n) if n < len(kb) else kb.types[n - len(kb)] for n in graph.nodes.tolist()]
    assert [names[q] for q in graph.queries] == ids
    assert [graph.node_text[q] for q in graph.queries] == texts
    heads, tails = graph.edges.tolist()
    assert all(graph.node_text[h] == graph.node_text[t] for h, t in zip(heads, tails, strict=True))
    return {
        (int(graph.node_text[h]), names[h], kb.labels[label], names[t])
        for h, t, label in zip(heads, tails, graph.labels.tolist(), strict=True)
    }


def test_graphs_of_a_batch(kb: KnowledgeBase) -> None:
    first = {
        (0, "G:1", "causes", "D:1"),
        (0, "G:1", "has_type", "T028"),
        (0, "G:1", "has_type", "T116"),
        (0, "D:1", "has_type", "T047"),
        (0, "T116", "causes", "T047"),
        (0, "T028", "produces", "T116"),
    }
    second = {
        (1, "G:1", "regulates", "G:2"),
        (1, "G:2", "inhibits", "G:1"),
        (1, "G:1", "has_type", "T028"),
        (1, "G:2", "has_type", "T028"),
        (1, "G:1", "has_type", "T116"),
        (1, "T028", "produces", "T116"),
    }
    assert edges_of(kb, [0, 0, 0, 1, 1], ["G:1", "D:1", "G:1", "G:2", "G:1"]) == first | second


def test_without_concepts(kb: KnowledgeBase) -> None:
    empty = kb.induce([], [])
    assert empty.nodes.shape == (0,) and empty.edges.shape == (2, 0) and empty.queries.shape == (0,)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_as_a_plain_loop_over_pairs(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    n, n_types = 6, 3
    pairs = st.tuples(st.integers(0, n - 1), st.integers(1, 2), st.integers(0, n - 1))
    relations = data.draw(st.lists(pairs))
    typed = [data.draw(st.lists(st.integers(0, n_types - 1), unique=True)) for _ in range(n)]
    network = data.draw(
        st.lists(st.tuples(st.integers(0, n_types - 1), st.integers(1, 2), st.integers(0, n_types - 1)))
    )
    folder = tmp_path_factory.mktemp("graph")
    for name, rows, size in (("relations", relations, n), ("network", network, n_types)):
        write_edges(folder, name, *np.array(rows, np.int64).reshape(-1, 3).T, size)
    owners = np.array([c for c, each in enumerate(typed) for _ in each], np.int64)
    np.save(folder / "types.indptr.npy", csr(owners, n))
    np.save(folder / "types.type.npy", np.array([t for each in typed for t in each], np.int16))

    asked = sorted(data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, n - 1)))))
    graph = ConceptGraph(Files.of_folder(folder)).induce([t for t, _ in asked], [c for _, c in asked], has_type=0)
    expected = set()
    for text in {t for t, _ in asked}:
        concepts = {c for t, c in asked if t == text}
        types = {t for c in concepts for t in typed[c]}
        expected |= {(text, h, x, t) for h, x, t in relations if {h, t} <= concepts}
        expected |= {(text, c, 0, n + t) for c in concepts for t in typed[c]}
        expected |= {(text, n + h, x, n + t) for h, x, t in network if {h, t} <= types}
    nodes, of = graph.nodes, graph.node_text
    heads, tails = graph.edges
    got = [
        (int(of[h]), int(nodes[h]), int(x), int(nodes[t])) for h, t, x in zip(heads, tails, graph.labels, strict=True)
    ]
    assert set(got) == expected and len(got) == len(expected)
