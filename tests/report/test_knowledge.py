"""Attention by semantic type, and changed answers."""

import pytest

from spacy_keci.report.findings import Graph
from spacy_keci.report.knowledge import find_changes, summarize_attention

from ..scoring.graphs import make_doc


def test_attention(docs):
    found = summarize_attention(docs, "concepts")
    assert found is not None and found.spans == 1
    assert [(t.type, t.mean, t.candidates) for t in found.types] == [("T109", 0.625, 1), ("T116", 0.125, 1)]
    assert found.sentinel == pytest.approx(0.25)


def test_no_attention(docs):
    del docs[0].spans["concepts"].attrs["attention"]
    assert summarize_attention(docs, "concepts") is None
    assert summarize_attention(docs, "elsewhere") is None
    assert summarize_attention([], "concepts") is None


def test_changes(golds, docs):
    graphs = [Graph.of(golds[0], "entities"), Graph.of(docs[0], "entities_initial"), Graph.of(docs[0], "entities")]
    changes = find_changes(*graphs)
    assert [(c.kind, c.item.label, c.is_good) for c in changes] == [
        ("lost, wrong", "chemical", True),
        ("gained, right", "drug", True),
        ("gained, right", "binds", True),
    ]
    assert [c.kind for c in find_changes(graphs[0], graphs[2], graphs[1])] == [
        "gained, wrong",
        "lost, right",
        "lost, right",
    ]
    assert find_changes(graphs[0], graphs[1], graphs[1]) == []


def test_relations_of_mentions_that_changed_their_type(nlp):
    gold, initial = (
        Graph.of(make_doc(nlp, "AB CD", [(0, 2, label), (3, 5, "gene")], [(0, 1, "binds")]), "entities")
        for label in ("gene", "drug")
    )
    assert [(c.kind, c.item.label) for c in find_changes(gold, initial, gold)] == [
        ("lost, wrong", "drug"),
        ("gained, right", "gene"),
    ]
