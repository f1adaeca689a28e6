import copy
import json
import pickle
from collections.abc import Callable

import pytest
import spacy
from hypothesis import given
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_keci import Relation, filter_relations, get_relations, set_relations, set_span_graph, span_graph
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.reports import Report

from .corpora.strategies import annotated_texts
from .ways import WAYS

NLP = spacy.blank("en")


@pytest.fixture
def doc(nlp: Language) -> Doc:
    doc = nlp("FK506 binds FKBP12-GFP.")
    spans = [(0, 1, "drug"), (2, 3, "protein"), (2, 5, "protein"), (4, 5, "protein")]
    doc.spans["entities"] = [Span(doc, *span) for span in spans]
    return doc


@pytest.mark.parametrize("way", WAYS)
@given(text=annotated_texts())
def test_span_graph_survives(way: str, text: AnnotatedText) -> None:
    doc = to_doc(text, NLP.make_doc, Report())
    assert from_doc(WAYS[way](doc)) == text


def test_span_graph_survives_other_processes(doc: Doc) -> None:
    doc.spans["entities"].attrs["relations"] = [[0, 1, "binds", 1.0]]
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    (other,) = nlp.pipe([doc.copy()], n_process=2)
    assert from_doc(other) == from_doc(doc)


def test_relations_are_views_on_plain_data(doc: Doc) -> None:
    drug, protein, fusion, tag = doc.spans["entities"]
    relations = [Relation(drug, fusion, "binds", 0.5), Relation(tag, fusion, "part_of"), Relation(drug, drug, "self")]
    set_relations(doc, iter(relations))
    assert doc.spans["entities"].attrs["relations"] == [
        [0, 2, "binds", 0.5],
        [3, 2, "part_of", 1.0],
        [0, 0, "self", 1.0],
    ]
    assert get_relations(doc) == relations
    assert str(get_relations(doc)[0]) == "FK506 --binds--> FKBP12-GFP"
    assert protein not in {r.head for r in relations}
    set_relations(doc, [])
    assert get_relations(doc) == []


def test_relations_without_direction_stay_so(doc: Doc) -> None:
    drug, protein, *_ = doc.spans["entities"]
    set_relations(doc, [Relation(drug, protein, "inhibits")])
    assert "symmetric" not in doc.spans["entities"].attrs
    set_relations(doc, [Relation(drug, protein, "near", symmetric=True), Relation(drug, protein, "inhibits")])
    relations = get_relations(doc)
    assert [relation.symmetric for relation in relations] == [True, False]
    set_relations(doc, [*relations, Relation(drug, protein, "binds", symmetric=True)])
    assert [relation.symmetric for relation in get_relations(doc)] == [True, False, True]


def test_relations_of_the_same_span_with_two_labels(doc: Doc) -> None:
    both = [Span(doc, 0, 1, "drug"), Span(doc, 0, 1, "chemical")]
    doc.spans["entities"] = both
    set_relations(doc, [Relation(both[1], both[0], "is_a")])
    (relation,) = get_relations(doc)
    assert (relation.head.label_, relation.tail.label_) == ("chemical", "drug")


def test_relation_of_a_span_outside_the_group(doc: Doc) -> None:
    drug = doc.spans["entities"][0]
    for stranger in (doc[1:2], Span(doc, 0, 1, "protein")):
        with pytest.raises(
            ValueError, match=r"The tail of the relation 'FK506 --x--> .*' .* is not in doc.spans\['ent"
        ):
            set_relations(doc, [Relation(drug, stranger, "x")])
    with pytest.raises(ValueError, match=r"The head .* is not in doc.spans\['sc'\]"):
        set_relations(doc, [Relation(drug, drug, "x")], spans_key="sc")


def test_doc_without_the_spans_key(nlp: Language) -> None:
    doc = nlp("Nothing.")
    assert get_relations(doc) == []
    set_relations(doc, [])
    assert list(doc.spans["entities"]) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"label": "binds"}, [0, 3]),
        ({"label": {"part_of", "self"}}, [1, 2]),
        ({"label": ()}, []),
        ({"head": "drug"}, [0, 2]),
        ({"head": ["protein"]}, [1, 3, 0]),  # nothing tells the ends of a symmetric relation apart
        ({"head": "protein", "tail": "drug"}, [0]),
        ({"label": "binds", "head": "protein", "tail": {"DNA", "protein"}, "min_score": 0.5}, [3]),
        ({"min_score": 0.6}, [1, 2]),
    ],
)
def test_relations_of_a_kind(doc: Doc, wanted: dict, expected: list[int]) -> None:
    drug, protein, fusion, tag = doc.spans["entities"]
    doc.spans["entities"].attrs["symmetric"] = ["binds"]
    doc.vocab.strings.add("DNA")
    relations = [Relation(drug, fusion, "binds", 0.5), Relation(tag, fusion, "part_of"), Relation(drug, drug, "self")]
    relations.append(Relation(protein, fusion, "binds", 0.5))
    set_relations(doc, relations)
    assert filter_relations(get_relations(doc), **wanted) == [relations[i] for i in sorted(expected)]


def test_span_graph(doc: Doc) -> None:
    doc.spans["entities"].attrs |= {"scores": [0.9, 0.8, 0.7, 0.6]}
    drug, protein, fusion, _ = doc.spans["entities"]
    set_relations(
        doc, [Relation(drug, protein, "binds", 0.75), Relation(fusion, drug, "x"), Relation(fusion, drug, "y")]
    )
    graph = span_graph(doc)
    assert graph.nodes[0] == {"text": "FK506", "label": "drug", "kb_id": "", "start": 0, "end": 5, "score": 0.9}
    assert len(graph) == 4
    assert sorted(graph.edges(keys=True)) == [(0, 1, "binds"), (2, 0, "x"), (2, 0, "y")]
    assert graph.edges[0, 1, "binds"] == {"label": "binds", "score": 0.75}
    assert len(span_graph(doc, "other")) == len(span_graph(doc.copy())) - 4 == 0


def test_a_span_of_another_document_is_refused(doc: Doc) -> None:
    other = doc.copy()
    drug, protein = doc.spans["entities"][0], other.spans["entities"][1]
    with pytest.raises(ValueError, match=r"The tail .* \(protein, characters 12-18\) is a span of another document"):
        set_relations(doc, [Relation(drug, protein, "binds")])
    assert "relations" not in doc.spans["entities"].attrs


def test_relations_as_plain_data(doc: Doc) -> None:
    drug, protein, *_ = doc.spans["entities"]
    relation = Relation(drug, protein, "binds", 0.75, symmetric=True)
    assert json.loads(json.dumps(relation.as_dict())) == {
        "head": {"text": "FK506", "label": "drug", "start": 0, "end": 5, "kb_id": ""},
        "tail": {"text": "FKBP12", "label": "protein", "start": 12, "end": 18, "kb_id": ""},
        "label": "binds",
        "score": 0.75,
        "symmetric": True,
    }
    assert repr(relation) == "<Relation FK506 --binds--> FKBP12 0.75>"


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda them: pickle.loads(pickle.dumps(them))])
def test_relations_are_copied(doc: Doc, way: Callable) -> None:
    drug, protein, fusion, _ = doc.spans["entities"]
    set_relations(doc, [Relation(drug, protein, "binds", 0.75, symmetric=True), Relation(fusion, drug, "x")])
    relations = way(get_relations(doc))
    assert [relation.as_dict() for relation in relations] == [relation.as_dict() for relation in get_relations(doc)]
    assert len({id(end.doc) for relation in relations for end in (relation.head, relation.tail)}) == 1
    assert way(relations[0]).symmetric
    assert get_relations(relations[0].head.doc) == relations


def test_labels_that_nothing_has(doc: Doc) -> None:
    drug, protein, *_ = doc.spans["entities"]
    relations = [Relation(drug, protein, "binds")]
    with pytest.raises(ValueError, match=r"The argument 'label' .*: 'bindz'\. The documents have: 'binds'"):
        filter_relations(relations, label=["binds", "bindz"])
    with pytest.raises(ValueError, match=r"The argument 'tail' .*: 'enzymee'\. The documents have: 'drug', 'protein'"):
        filter_relations(relations, tail="enzymee")
    doc.vocab.strings.add("bind")  # as the words of texts are
    with pytest.raises(ValueError, match=r"The argument 'label' .*: 'bind'\. The documents have: 'binds'"):
        filter_relations(relations, label="bind")
    assert filter_relations(relations, label=["bind", "binds"]) == relations
    doc.vocab.strings.add("inhibits")  # as the labels of a pipeline are
    assert filter_relations(relations, label="inhibits") == filter_relations([], label="bindz") == []


def test_relations_of_a_document_are_asked_for(doc: Doc) -> None:
    with pytest.raises(TypeError, match=r"pass doc\._\.relations"):
        filter_relations(doc, label="binds")  # type: ignore[arg-type]


def test_labels_of_other_documents_are_known(doc: Doc) -> None:
    drug, protein, *_ = doc.spans["entities"]
    other = Doc(doc.vocab, words=["a", "b"])
    set_span_graph(other, "entities", [other[:1], other[1:]], [[0, 1, "cures", 1.0]])
    assert filter_relations([Relation(drug, protein, "binds")], label="cures") == []
