import pickle
from collections.abc import Callable

import pytest
import spacy
from hypothesis import given
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.underscore import Underscore
from spacy.vocab import Vocab

from spacy_keci import Relation, get_relations, install_extensions, set_relations
from spacy_keci.corpora.annotation import AnnotatedText, Report, from_doc, to_doc

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
    install_extensions("graph", spans_key="sc")
    with pytest.raises(ValueError, match=r"Doc\._\.graph is taken already, .* or for another spans key"):
        install_extensions("graph", spans_key="entities")
