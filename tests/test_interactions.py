from collections.abc import Callable

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.tokens.underscore import Underscore
from spacy.vocab import Vocab

from spacy_keci import (
    Interaction,
    get_interactions,
    get_relations,
    install_interactions_extension,
    select_mentions,
    set_interactions,
    set_span_graph,
)
from spacy_keci.corpora.annotation import AnnotatedText, Mention
from spacy_keci.corpora.annotation import Interaction as CorpusInteraction
from spacy_keci.corpora.clusters import ConceptRelation, relate_concepts
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.doc_operations import doc_from_json, doc_to_json, merge_docs
from spacy_keci.interactions import concept_members
from spacy_keci.reports import Report

from .ways import WAYS

KB_IDS = ("D1", "1,2", "D1", "", "D3000|D4000")
INTERACTIONS = [
    Interaction("D1", "2", "Association", 0.75, "Novel", ((0, 1, 0.75), (2, 1, 0.25))),
    Interaction("D4000", "D1", "Bind", 0.5),
    Interaction("1", "1", "Bind", 1.0, "No"),
]


@pytest.fixture
def doc(nlp: Language) -> Doc:
    doc = nlp("aspirin MEK1/2 ASA thing hyperinsulinemia")
    starts = [0, doc.char_span(8, 14).start, *(doc.char_span(*at).start for at in ((15, 18), (19, 24), (25, 41)))]
    ends = [*starts[1:], len(doc)]
    spans = [Span(doc, *each, label="x", kb_id=kb_id) for *each, kb_id in zip(starts, ends, KB_IDS, strict=True)]
    set_span_graph(doc, "entities", spans, [[0, 1, "binds", 0.5]], scores=[0.1, 0.2, 0.3, 0.4, 0.5])
    return doc


def test_mentions_of_each_concept() -> None:
    """A composite one of two MeSH identifiers is also both; the parts of a variant are no concepts."""
    assert concept_members(["D007674|D006937", "1,2;-", "-", "c|INS|5382|C", "2"]) == {
        "D007674|D006937": [0],
        "D007674": [0],
        "D006937": [0],
        "1": [1],
        "2": [1, 4],
        "c|INS|5382|C": [3],
    }


@pytest.mark.parametrize("way", [*WAYS.values(), lambda doc: doc_from_json(Vocab(), doc_to_json(doc))])
def test_interactions_survive(doc: Doc, way: Callable[[Doc], Doc]) -> None:
    set_interactions(doc, INTERACTIONS)
    other = way(doc)
    assert get_interactions(other) == INTERACTIONS
    assert [relation.score for relation in get_relations(other)] == [0.5]
    assert other.spans["entities"].attrs["scores"] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert from_doc(other).interactions is not None


def test_interactions_of_unknown_concepts(doc: Doc) -> None:
    with pytest.raises(ValueError, match="The tail 'D9' of the interaction 'Bind' is not the identifier"):
        set_interactions(doc, [Interaction("D1", "D9", "Bind")])
    with pytest.raises(ValueError, match="has a missing mention as evidence: there are 5"):
        set_interactions(doc, [Interaction("D1", "1", "Bind", evidence=((0, 5),))])
    assert "interactions" not in doc.spans["entities"].attrs


def test_parts_of_composite_concepts(nlp: Language) -> None:
    doc = nlp("a b")
    spans = [Span(doc, 0, 1, "x", kb_id="D007674|D006937"), Span(doc, 1, 2, "x", kb_id="D1")]
    set_span_graph(doc, "entities", spans, None)
    interactions = [Interaction("D006937", "D1", "x"), Interaction("D007674|D006937", "D1", "x")]
    set_interactions(doc, interactions)
    assert get_interactions(doc) == interactions
    assert "relations" not in doc.spans["entities"].attrs


def test_interactions_of_selected_and_merged_mentions(doc: Doc) -> None:
    set_interactions(doc, [INTERACTIONS[0]])
    merged = merge_docs([doc, doc])
    again = Interaction("D1", "2", "Association", 0.75, "Novel", ((5, 6, 0.75), (7, 6, 0.25)))
    assert get_interactions(merged) == [INTERACTIONS[0], again]
    select_mentions(doc, lambda mention: mention.text != "aspirin")
    assert get_interactions(doc) == [Interaction("D1", "2", "Association", 0.75, "Novel", ((1, 0, 0.25),))]
    select_mentions(doc, lambda mention: mention.text != "ASA")
    assert get_interactions(doc) == []


def test_interactions_of_corpora_have_the_identifiers_of_their_concepts(nlp: Language) -> None:
    """Gold has clusters and no list of their identifiers."""
    mentions = [Mention(0, 1, "x", "D007674|D006937"), Mention(2, 3, "x", "1"), Mention(4, 5, "x")]
    relations = [ConceptRelation("1", "D006937", "Bind", 1.0, "No"), ConceptRelation("1", "1", "Bind")]
    text = relate_concepts(AnnotatedText("a b c", mentions), relations, Report())
    assert get_interactions(to_doc(text, nlp.make_doc, Report())) == [
        Interaction("1", "D006937", "Bind", 1.0, "No"),
        Interaction("1", "1", "Bind"),
    ]
    text.clusters = [[0, 1], [2]]  # of names, not of identifiers
    text.interactions = [CorpusInteraction(0, 0, "Bind")]
    assert get_interactions(to_doc(text, nlp.make_doc, Report())) == []


def test_extension(doc: Doc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Underscore, "doc_extensions", {})
    install_interactions_extension()
    assert doc._.interactions == []
    doc._.interactions = [INTERACTIONS[0]]
    assert doc._.interactions == [INTERACTIONS[0]]
    Doc.set_extension("taken", default=None)
    with pytest.raises(ValueError, match=r"Doc\._\.taken is taken already.*interactions_attr"):
        install_interactions_extension("taken")
