"""Groups that are edited after relations and scores were stored: nothing is read of the wrong mentions."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span, SpanGroup

import spacy_keci
from spacy_keci import Relation, get_concepts, get_relations, select_mentions, set_relations, set_span_graph, span_graph
from spacy_keci.corpora.documents import from_doc
from spacy_keci.doc_operations import doc_from_json, doc_to_json, merge_docs, span_to_doc
from spacy_keci.export import corpus_graph, relation_rows
from spacy_keci.report.findings import Graph
from spacy_keci.scoring.attention import attention_by_type
from spacy_keci.span_groups import per_mention, positions_at
from spacy_keci.tokens import get_span_relations

from .ways import WAYS
from .work import count_lines

NLP = spacy.blank("en")
READERS: dict[str, Callable[[Doc], Any]] = {
    "get_relations": get_relations,
    "span_graph": span_graph,
    "render": lambda doc: spacy_keci.render(doc, jupyter=False),
    "from_doc": from_doc,
    "span_to_doc": lambda doc: span_to_doc(doc[:]),
    "merge_docs": lambda doc: merge_docs([doc]),
    "relation_rows": lambda doc: list(relation_rows([doc])),
    "corpus_graph": lambda doc: corpus_graph([doc]),
    "report": lambda doc: Graph.of(doc, "entities"),
    "set_relations": lambda doc: set_relations(doc, []),
}


def make_doc() -> Doc:
    doc = NLP("Aspirin and Imatinib inhibit ABL unlike Celecoxib")
    spans = [Span(doc, i, i + 1, label) for i, label in ((0, "drug"), (2, "drug"), (4, "protein"), (6, "drug"))]
    set_span_graph(doc, "entities", spans, [[1, 2, "inhibits", 0.9]], scores=[0.1, 0.2, 0.3, 0.4], symmetric=[])
    return doc


def edit(doc: Doc, *spans: Span) -> None:
    """What ``del`` and sorting leave: other spans beside the old attributes. (``del`` itself makes spaCy 3.8 abort at
    the end of the program.)"""
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=spans, attrs=doc.spans["entities"].attrs)


@pytest.mark.parametrize("reader", READERS)
def test_scores_of_spancat(reader: str) -> None:
    """spaCy's own component stores an array."""
    doc = make_doc()
    spans, scores = list(doc.spans["entities"]), np.array([0.5, 0.25, 0.75, 1.0], dtype="float32")
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=spans, attrs={"scores": scores})
    doc.user_data.clear()
    READERS[reader](doc)
    copy = doc_from_json(NLP.vocab, json.loads(json.dumps(doc_to_json(doc))))
    assert per_mention(copy.spans["entities"], "scores", None) == [0.5, 0.25, 0.75, 1.0]
    assert [concept.score for concept in get_concepts(spans[1], "entities")] == [0.25]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("way", [None, *WAYS])
def test_an_appended_mention_has_no_relations_and_the_score_1(way: str | None, reader: str) -> None:
    doc = make_doc()
    doc.spans["entities"].append(Span(doc, 3, 4, label="verb"))
    if way is not None:
        doc = WAYS[way](doc)
    READERS[reader](doc)
    if reader != "set_relations":
        assert [str(relation) for relation in get_relations(doc)] == ["Imatinib --inhibits--> ABL"]
    assert per_mention(doc.spans["entities"], "scores", None) == [0.1, 0.2, 0.3, 0.4, 1.0]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("order", [(1, 2, 3), (1, 0, 2, 3), (0, 1, 2, 2), (3, 0, 1, 2), ()])
def test_any_other_edit_is_an_error_with_the_way_out(order: tuple[int, ...], reader: str) -> None:
    doc = make_doc()
    spans = list(doc.spans["entities"])
    edit(doc, *(spans[i] for i in order))
    with pytest.raises(ValueError, match=r"doc.spans\['entities'\] was edited .* spacy_keci.select_mentions\(doc"):
        READERS[reader](WAYS["to_bytes"](doc))


def test_another_span_in_the_place_of_a_mention_is_an_error() -> None:
    doc = make_doc()
    doc.spans["entities"][0] = Span(doc, 2, 3, label="drug")
    with pytest.raises(ValueError, match="these belong to 4 mentions, of which some have gone or moved"):
        get_relations(doc)


def test_a_mention_may_get_another_type_or_concept() -> None:
    doc = make_doc()
    doc.spans["entities"][1] = Span(doc, 2, 3, "chemical", kb_id="C:1")
    (relation,) = get_relations(doc)
    assert (relation.head.label_, relation.head.kb_id_) == ("chemical", "C:1")
    select_mentions(doc, lambda mention: mention.start > 0)
    assert [str(relation) for relation in get_relations(doc)] == ["Imatinib --inhibits--> ABL"]


def test_mentions_of_the_same_characters_must_not_change_places() -> None:
    doc = make_doc()
    both = [Span(doc, 0, 1, "drug"), Span(doc, 0, 1, "chemical"), Span(doc, 4, 5, "protein")]
    set_span_graph(doc, "entities", both, [[0, 2, "inhibits", 1.0]])
    edit(doc, both[1], both[0], both[2])
    with pytest.raises(ValueError, match="was edited"):
        get_relations(doc)


def test_a_group_that_was_replaced_is_noticed() -> None:
    doc = make_doc()
    doc.spans["entities"] = [span for span in doc.spans["entities"] if span.label_ == "drug"]
    for each in (doc, WAYS["to_bytes"](doc)):
        drawn = READERS["render"]
        for read in (get_relations, span_graph, drawn, lambda doc: get_span_relations(doc.spans["entities"][0])):
            with pytest.warns(UserWarning, match=r"The relations in .* are lost: .*select_mentions"):
                read(each)
    set_relations(doc, [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_relations(doc) == []


def test_tokens_that_were_changed() -> None:
    doc = make_doc()
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:3])
    for reader in ("get_relations", "from_doc", "render"):
        with pytest.raises(ValueError, match=r"tokens of the document were changed .* retokenize before the pipeline"):
            READERS[reader](doc)


def old_doc() -> Doc:
    """As it was stored before there were ``members``."""
    doc = make_doc()
    del doc.spans["entities"].attrs["members"]
    return doc


def test_documents_from_before_are_read() -> None:
    doc = WAYS["DocBin"](old_doc())
    for read in READERS.values():
        read(doc.copy())
    assert [str(relation) for relation in get_relations(doc)] == ["Imatinib --inhibits--> ABL"]
    assert [str(relation) for relation in get_span_relations(doc[2:3])] == ["Imatinib --inhibits--> ABL"]
    select_mentions(doc, lambda mention: mention.start > 0)
    assert [str(relation) for relation in get_relations(doc)] == ["Imatinib --inhibits--> ABL"]


def test_edits_of_documents_from_before_are_errors_where_the_numbers_tell() -> None:
    doc = old_doc()
    edit(doc, *list(doc.spans["entities"])[:3])
    for read in (get_relations, lambda doc: select_mentions(doc, lambda mention: True)):
        with pytest.raises(ValueError, match=r"was edited .* instead of editing the group"):
            read(doc)
    doc.spans["entities"].attrs = {"relations": [[0, 4, "x", 1.0]]}
    with pytest.raises(ValueError, match=r"The relation \[0, 4, 'x'\] .* refers to a missing mention: there are 3"):
        get_relations(doc)


def test_what_is_written_must_fit() -> None:
    doc = make_doc()
    with pytest.raises(ValueError, match="There are 1 scores for the 2 mentions of 'x'"):
        set_span_graph(doc, "x", [doc[:1], doc[1:2]], None, scores=[0.5])
    with pytest.raises(ValueError, match="refers to a missing mention"):
        set_span_graph(doc, "x", [doc[:1]], [[0, 1, "binds", 1.0]])
    assert "x" not in doc.spans


def test_concepts_and_attention_of_an_edited_group() -> None:
    doc = make_doc()
    spans = [Span(doc, 0, 1, "T1", kb_id="C:1"), Span(doc, 0, 1, "T1", kb_id="C:2"), Span(doc, 2, 3, "T2", kb_id="C:3")]
    set_span_graph(doc, "concepts", spans, None, scores=[1.0, 0.9, 0.8], attention=[0.5, None, 0.25])
    doc.spans["concepts"].append(Span(doc, 0, 1, "T3", kb_id="C:4"))
    assert [(c.id, c.score, c.attention) for c in get_concepts(doc[0:1])] == [
        ("C:1", 1.0, 0.5),
        ("C:2", 0.9, None),
        ("C:4", 1.0, None),
    ]
    assert [(each.type, each.mean) for each in attention_by_type([doc])] == [("T2", 0.25), ("T1", 0.5)]
    attrs = doc.spans["concepts"].attrs
    doc.spans["concepts"] = SpanGroup(doc, name="concepts", spans=spans[1:], attrs=attrs)
    for read in (lambda: get_concepts(doc[2:3]), lambda: attention_by_type([doc])):
        with pytest.raises(ValueError, match=r"doc.spans\['concepts'\] was edited"):
            read()
    select_mentions(doc, doc.spans["concepts"], "concepts")
    assert [(c.id, c.score) for c in get_concepts(doc[0:1])] == [("C:2", 0.9)]


def test_positions_in_logarithmic_time() -> None:
    """All relations and concepts, span by span: the work grows with the number of spans, not with its square."""

    def work(n: int) -> int:
        doc = Doc(NLP.vocab, words=["a"] * n)
        spans = [Span(doc, i, i + 1, "x", kb_id=f"C:{i}") for i in range(n)]
        set_span_graph(doc, "entities", spans, [[i, i + 1, "x", 1.0] for i in range(n - 1)])
        set_span_graph(doc, "concepts", spans, None, scores=[0.5] * n)

        def read_all() -> None:
            for span in spans:
                get_span_relations(span)
                get_concepts(span)

        return count_lines(read_all)

    assert work(2000) < 5 * work(500)  # the square would be 16 times as much
    doc = make_doc()
    assert [positions_at(doc.spans["entities"], *offsets) for offsets in ((0, 7), (12, 20), (1, 7))] == [[0], [1], []]


def test_relation_of_a_member(nlp: Any) -> None:
    doc = make_doc()
    _, imatinib, abl, _ = doc.spans["entities"]
    set_relations(doc, [Relation(imatinib, abl, "inhibits"), Relation(abl, abl, "self")])
    assert [relation.label for relation in get_span_relations(abl)] == ["inhibits", "self"]
    doc.spans["entities"][1] = Span(doc, 6, 7, "drug")
    with pytest.raises(ValueError, match="was edited"):
        get_span_relations(abl)
