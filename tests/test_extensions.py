import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.tokens.underscore import Underscore

from spacy_keci import Concept, Relation, install_concepts_extension, install_extensions, set_relations


@pytest.fixture(autouse=True)
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts aside what is installed, so that a test may install what it likes."""
    monkeypatch.setattr(Underscore, "doc_extensions", {})
    monkeypatch.setattr(Underscore, "span_extensions", {})


@pytest.fixture
def doc(nlp: Language) -> Doc:
    doc = nlp("FK506 binds FKBP12-GFP.")
    spans = [(0, 1, "drug"), (2, 3, "protein"), (2, 5, "protein"), (4, 5, "protein")]
    doc.spans["entities"] = [Span(doc, *span) for span in spans]
    return doc


def test_relations(doc: Doc) -> None:
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


def test_name_of_an_extension_is_taken() -> None:
    Span.set_extension("relations", default=None)
    with pytest.raises(ValueError, match=r"Span\._\.relations is taken already.*relations_attr in the settings"):
        install_extensions()
    assert not Doc.has_extension("relations")
    Span.set_extension("concepts", default=None)
    with pytest.raises(ValueError, match=r"Span\._\.concepts is taken already.*concepts_attr in the settings"):
        install_concepts_extension()


def test_two_pipelines_with_different_spans_keys(doc: Doc) -> None:
    """As many as there are in a process: each document has the group of its own pipeline."""
    install_extensions()
    install_extensions(spans_key="sc")
    install_concepts_extension()
    install_concepts_extension(spans_key="umls")
    drug, protein, *_ = doc.spans["entities"]
    other = doc.copy()
    other.spans["sc"] = list(other.spans.pop("entities"))
    other.spans["umls"] = SpanGroup(other, spans=[Span(other, 0, 1, "T1", kb_id="C:1")], attrs={"scores": [0.5]})
    doc._.relations = [Relation(drug, protein, "binds")]
    other._.relations = [Relation(*list(other.spans["sc"])[:2], "inhibits")]
    assert [relation.label for relation in doc._.relations] == ["binds"]
    assert [relation.label for relation in other._.relations] == ["inhibits"]
    assert [relation.label for relation in other[0:1]._.relations] == ["inhibits"]
    assert other[0:1]._.concepts == [Concept("C:1", "T1", 0.5)]
    assert doc[0:1]._.concepts == []


def test_one_document_with_two_graphs(doc: Doc) -> None:
    install_extensions()
    install_extensions(spans_key="sc")
    doc.spans["sc"] = list(doc.spans["entities"])
    set_relations(doc, [], "sc")
    for read in (lambda: doc._.relations, lambda: doc[0:1]._.relations):
        with pytest.raises(ValueError, match=r"doc.spans\['entities'\] or of doc.spans\['sc'\].*get_relations\("):
            read()
