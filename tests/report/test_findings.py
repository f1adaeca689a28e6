"""Kinds of errors, and their agreement with the strict scores."""

from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.training import Example

from spacy_keci.report.findings import RIGHT, Graph, Node, compare_graphs, count_confusions
from spacy_keci.scoring.strict import StrictScorer

from ..scoring.graphs import make_doc
from ..work import count_lines

TEXT = "AB CD EF GH"
PLACES = [(0, 2), (3, 5), (6, 8), (0, 5), (3, 8)]
LABELS = ["gene", "drug"]


def findings(nlp, gold, predicted, symmetric=()):
    """Kind and labels of all findings; ``gold``, ``predicted``: mentions and relations."""
    graphs = (Graph.of(make_doc(nlp, TEXT, *graph), "entities", symmetric) for graph in (gold, predicted))
    return compare_graphs(*graphs)


def kinds(*args, **kwargs):
    return [finding.kind for finding in findings(*args, **kwargs)]


def test_mentions(nlp):
    gold = [(0, 2, "gene"), (3, 5, "gene"), (6, 8, "drug"), (9, 11, "drug")]
    predicted = [(0, 2, "gene"), (3, 5, "drug"), (6, 11, "drug"), (0, 5, "cell")]
    found = findings(nlp, (gold,), (predicted,))
    assert [(f.kind, f.gold and f.gold[:2], f.predicted and f.predicted[:2]) for f in found] == [
        ("right", (0, 2), (0, 2)),
        ("spurious mention", None, (0, 5)),
        ("wrong type", (3, 5), (3, 5)),
        ("wrong boundaries", (6, 8), (6, 11)),
        ("missed mention", (9, 11), None),
    ]
    assert [f.labels for f in found if f.kind == "wrong type"] == [["gene", "drug"]]


def test_relations(nlp):
    nodes = [(0, 2, "gene"), (3, 5, "drug"), (6, 8, "drug")]
    right = (nodes, [(0, 1, "binds")])
    assert kinds(nlp, right, right)[3:] == [RIGHT]
    assert kinds(nlp, right, (nodes, [(1, 0, "binds")]))[3:] == ["wrong direction"]
    assert kinds(nlp, right, (nodes, [(1, 0, "binds")]), ["binds"])[3:] == [RIGHT]
    assert kinds(nlp, right, (nodes, [(0, 1, "treats")]))[3:] == ["wrong label"]
    assert kinds(nlp, right, (nodes, [(0, 2, "binds")]))[3:] == ["missed relation", "spurious relation"]
    assert kinds(nlp, right, (nodes[1:], []))[-1] == "relation of a missed mention"
    other = [(0, 2, "drug"), *nodes[1:]]
    assert kinds(nlp, right, (other, [(0, 1, "binds")]))[3:] == ["wrong type of an argument"]


def test_scores_of_predictions(nlp):
    doc = make_doc(nlp, TEXT, [(0, 2, "gene"), (3, 5, "drug")], [(0, 1, "binds", 0.25)])
    doc.spans["entities"].attrs["scores"] = [0.5, 0.75]
    graph = Graph.of(doc, "entities")
    assert list(graph.nodes.values()) == [0.5, 0.75] and list(graph.edges.values()) == [0.25]
    assert [f.score for f in compare_graphs(Graph({}, {}), graph)] == [0.5, 0.75, 0.25]
    assert Graph.of(doc, "elsewhere") == Graph({}, {})


@st.composite
def graphs(draw: st.DrawFn):
    mentions = draw(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(LABELS)), unique=True, max_size=6))
    nodes = [(*place, label) for place, label in mentions]
    ends = st.integers(0, max(len(nodes) - 1, 0))
    edges = st.tuples(ends, ends, st.sampled_from(["binds", "treats"]))
    return nodes, draw(st.lists(edges, max_size=6, unique=True)) if nodes else []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gold=graphs(), predicted=graphs(), symmetric=st.sampled_from([(), ("binds",)]))
def test_agrees_with_the_strict_scores(nlp, gold, predicted, symmetric):
    docs = [make_doc(nlp, TEXT, *graph) for graph in (predicted, gold)]
    tables = StrictScorer(symmetric=frozenset(symmetric)).tables([Example(*docs)])
    found = findings(nlp, gold, predicted, symmetric)
    for name, is_relation in (("entities", False), ("relations", True)):
        confusion = count_confusions(f for f in found if f.is_relation == is_relation)
        for label, (tp, fp, fn) in zip(tables[name].labels, tables[name].totals.tolist(), strict=True):
            assert confusion[label, label] == tp
            assert sum(n for (one, _), n in confusion.items() if one == label) == tp + fn
            assert sum(n for (_, other), n in confusion.items() if other == label) == tp + fp


NODES = st.builds(
    lambda start, length, label: Node(start, start + length, label),
    st.integers(0, 9),
    st.integers(1, 9),
    st.sampled_from(LABELS),
)


@given(gold=st.sets(NODES), predicted=st.sets(NODES))
def test_wrong_boundaries_against_all_pairs(gold, predicted):
    """The pairs that share most characters first, as looking at all of them finds."""
    found = compare_graphs(Graph(dict.fromkeys(sorted(gold)), {}), Graph(dict.fromkeys(sorted(predicted)), {}))
    taken = {item for f in found if f.kind in ("right", "wrong type") for item in (f.gold, f.predicted)}
    pairs = [
        (max(one.start, other.start) - min(one.end, other.end), one, other)
        for one, other in product(gold, predicted)
        if one.label == other.label and not {one, other} & taken
    ]
    expected = []
    for overlap, one, other in sorted(pairs):
        if overlap < 0 and not any(one == a or other == b for a, b in expected):
            expected.append((one, other))
    assert {(f.gold, f.predicted) for f in found if f.kind == "wrong boundaries"} == set(expected)


def test_many_errors_in_one_document():
    def work(n):
        gold = Graph({Node(10 * i, 10 * i + 5, "gene"): 1.0 for i in range(n)}, {})
        predicted = Graph({Node(10 * i + 2, 10 * i + 7, "gene"): 1.0 for i in range(n)}, {})
        assert {finding.kind for finding in compare_graphs(gold, predicted)} == {"wrong boundaries"}
        return count_lines(lambda: compare_graphs(gold, predicted))

    assert work(2000) < 9 * work(250)  # the square would be 64 times as much
