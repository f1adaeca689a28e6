import pickle
from collections.abc import Callable

import pytest
import spacy
from hypothesis import given
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.underscore import Underscore
from spacy.vocab import Vocab

from spacy_keci import Relation, filter_relations, get_relations, install_extensions, set_relations, span_graph
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.reports import Report

from .corpora.strategies import annotated_texts

NLP = spacy.blank("en")


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    return next(DocBin().from_bytes(data).get_docs(Vocab()))


WAYS: dict[str, Callable[[Doc], Doc]] = {
    "to_bytes": lambda doc: Doc(Vocab()).from_bytes(doc.to_bytes()),
    "DocBin": through_docbin,
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),
    "copy": lambda doc: doc.copy(),
}


@pytest.fixture
def doc(nlp: Language) -> Doc:
    doc = nlp("FK506 binds FKBP12-GFP.")
    spans = [(0, 1, "drug"), (2, 3, "protein"), (2, 5, "protein"), (4, 5, "protein")]
    doc.spans["entities"] = [Span(doc, *span) for span in spans]
    return doc


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts aside what is installed, so that a test may install what it likes."""
    monkeypatch.setattr(Underscore, "doc_extensions", {})
    monkeypatch.setattr(Underscore, "span_extensions", {})


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
    relations = [Relation(drug, fusion, "binds", 0.5), Relation(tag, fusion, "part_of"), Relation(drug, drug, "self")]
    relations.append(Relation(protein, fusion, "binds", 0.5))
    set_relations(doc, relations)
    assert filter_relations(get_relations(doc), **wanted) == [relations[i] for i in sorted(expected)]


def test_span_graph(extensions: None, doc: Doc) -> None:
    doc.spans["entities"].attrs |= {"scores": [0.9, 0.8, 0.7, 0.6]}
    drug, protein, fusion, _ = doc.spans["entities"]
    set_relations(
        doc, [Relation(drug, protein, "binds", 0.75), Relation(fusion, drug, "x"), Relation(fusion, drug, "y")]
    )
    install_extensions()
    graph = doc._.span_graph
    assert graph.nodes[0] == {"text": "FK506", "label": "drug", "kb_id": "", "start": 0, "end": 5, "score": 0.9}
    assert len(graph) == 4
    assert sorted(graph.edges(keys=True)) == [(0, 1, "binds"), (2, 0, "x"), (2, 0, "y")]
    assert graph.edges[0, 1, "binds"] == {"label": "binds", "score": 0.75}
    assert len(span_graph(doc, "other")) == len(doc.copy()._.span_graph) - 4 == 0


def test_extensions(extensions: None, doc: Doc) -> None:
    install_extensions()
    install_extensions()
    drug, protein, fusion, tag = doc.spans["entities"]
    doc._.relations = [Relation(drug, fusion, "binds"), Relation(tag, fusion, "part_of")]
    assert [relation.label for relation in doc._.relations] == ["binds", "part_of"]
    assert [relation.label for relation in fusion._.relations] == ["binds", "part_of"]
    assert [relation.label for relation in drug._.relations] == ["binds"]
    assert protein._.relations == []
    assert [relation.label for relation in doc[0:1]._.relations] == ["binds"]
    assert Span(doc, 0, 1, "protein")._.relations == []


def test_name_of_an_extension_is_taken(extensions: None) -> None:
    Span.set_extension("relations", default=None)
    with pytest.raises(ValueError, match=r"Span\._\.relations is taken already"):
        install_extensions()
    assert not Doc.has_extension("relations")
    install_extensions("edges", spans_key="sc", span_graph="graph")
    with pytest.raises(ValueError, match=r"Doc\._\.edges is taken already, .* or for another spans key"):
        install_extensions("edges", spans_key="entities")
    with pytest.raises(ValueError, match=r"Doc\._\.graph is taken .* a free name: span_graph_attr in the settings"):
        install_extensions("others", spans_key="entities", span_graph="graph")
    assert not Doc.has_extension("others")
