import json
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.doc_operations import (
    add_mentions,
    doc_from_json,
    doc_to_json,
    merge_docs,
    select_mentions,
    set_ents,
    span_to_doc,
)
from spacy_keci.reports import Report
from spacy_keci.tokenizer import biomedical_tokenizer
from spacy_keci.tokens import get_relations, set_span_graph

from .corpora.strategies import annotated_texts
from .test_span_groups import edit

FIRST = AnnotatedText(
    "A binds B.",
    [Mention(0, 1, "x", "C:1"), Mention(8, 9, "y")],
    [RelationTriple(0, 1, "binds", 0.5)],
    id="1",
    group="g",
)
SECOND = AnnotatedText(
    "C, not D, binds A",
    [Mention(16, 17, "x"), Mention(0, 1, "y"), Mention(7, 8, "y")],
    [RelationTriple(1, 0, "binds"), RelationTriple(2, 0, "binds_negative")],
    group="g",
    clusters=[[0, 1], [2]],
    interactions=[Interaction(1, 0, "binds_negative")],
)


def docs_of(*texts: AnnotatedText) -> list[Doc]:
    tokenizer = biomedical_tokenizer()
    return [to_doc(text, tokenizer, Report()) for text in texts]


def attrs_of(doc: Doc, key: str = "entities") -> dict[str, Any]:
    """What lies beside the mentions, without what these are."""
    return {name: value for name, value in doc.spans[key].attrs.items() if name != "members"}


def test_merged_documents_keep_their_relations() -> None:
    first, second = docs_of(FIRST, SECOND)
    first.spans["entities"].attrs["scores"] = [0.9, 0.8]
    first.spans["concepts"] = SpanGroup(first, attrs={"scores": [0.7]}, spans=[Span(first, 0, 1, kb_id="C:1")])
    second.spans["concepts"] = SpanGroup(second, attrs={"attention": [0.3]}, spans=[Span(second, 0, 1, kb_id="C:2")])
    first.spans["entities"].attrs["symmetric"] = ["x"]
    second.spans["entities"].attrs["symmetric"] = ["binds", "x"]
    merged = merge_docs([first, second])
    assert merged.text == "A binds B. C, not D, binds A"
    assert [str(relation) for relation in get_relations(merged)] == [
        "A --binds--> B",
        "C --binds--> A",
        "D --binds_negative--> A",
    ]
    assert attrs_of(merged) == {
        "relations": [[0, 1, "binds", 0.5], [3, 2, "binds", 1.0], [4, 2, "binds_negative", 1.0]],
        "scores": [0.9, 0.8, 1.0, 1.0, 1.0],
        "clusters": [[0], [1], [2, 3], [4]],
        "interactions": [[0, 1, "binds", 0.5], [3, 2, "binds_negative", 1.0]],
        "symmetric": ["binds", "x"],  # in one of the groups is enough
    }
    assert attrs_of(merged, "concepts") == {"scores": [0.7, 1.0], "attention": [None, 0.3]}
    assert merged.user_data == {"group": "g", "span_graphs": ["entities"]}


@given(texts=st.lists(annotated_texts(), min_size=1, max_size=4))
def test_parts_of_merged_documents_are_what_they_were(texts: list[AnnotatedText]) -> None:
    for text in texts:
        text.id = text.group = ""
        text.meta = {}
    docs = docs_of(*texts)
    merged = merge_docs(docs, ensure_whitespace=False)
    assert merged.text == "".join(text.text for text in texts)
    start = 0
    for text, doc in zip(texts, docs, strict=True):
        if text.text:
            part = from_doc(span_to_doc(merged[start : start + len(doc)]))
            if text.clusters is None:
                part.clusters = part.interactions = None
            assert part == text
        start += len(doc)


def test_what_reaches_outside_of_a_span_is_left_out() -> None:
    (doc,) = docs_of(SECOND)
    doc.user_data["id"] = "7"
    doc.spans["entities"].attrs |= {"scores": [0.1, 0.2, 0.3], "symmetric": ["x"]}
    part = span_to_doc(doc[2:])  # "not D, binds A"
    assert from_doc(part) == AnnotatedText(
        "not D, binds A",
        [Mention(13, 14, "x", score=0.1), Mention(4, 5, "y", score=0.3)],
        [RelationTriple(1, 0, "binds_negative")],
        id="7",
        group="g",
        clusters=[[0], [1]],
        interactions=[Interaction(1, 0, "binds_negative")],
    )
    assert part.spans["entities"].attrs["scores"] == [0.1, 0.3]
    assert part.spans["entities"].attrs["symmetric"] == ["x"]
    assert attrs_of(span_to_doc(doc[2:3])) == {
        "relations": [],
        "scores": [],
        "clusters": [],
        "interactions": [],
        "symmetric": ["x"],
    }


@given(text=annotated_texts())
def test_json_comes_back(text: AnnotatedText) -> None:
    (doc,) = docs_of(text)
    data = json.loads(json.dumps(doc_to_json(doc)))
    assert from_doc(doc_from_json(Vocab(), data)) == text
    assert from_doc(doc_from_json(Vocab(), data)) == text  # the first document shares nothing with the data


def test_json_of_spacy_is_read(nlp: Language) -> None:
    doc = nlp("A binds B")
    doc.spans["entities"] = [doc[:1]]
    read = doc_from_json(Vocab(), doc.to_json())
    assert [span.text for span in read.spans["entities"]] == ["A"]
    assert get_relations(read) == []


def test_documents_that_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="No documents to merge"):
        merge_docs([])
    with pytest.raises(ValueError, match="E999"):
        merge_docs([spacy.blank("en")("A"), spacy.blank("en")("B")])


def make_abcd() -> Doc:
    """Four mentions, each with its own score and cluster, but for the last two."""
    doc = spacy.blank("en")("A B C D E")
    spans = [Span(doc, i, i + 1, label=label) for i, label in enumerate("wxyz")]
    rows = [[0, 1, "binds", 0.9], [1, 2, "inhibits", 0.8], [3, 1, "binds", 0.7]]
    set_span_graph(
        doc,
        "entities",
        spans,
        rows,
        scores=[0.1, 0.2, 0.3, 0.4],
        symmetric=["binds"],
        attention=[None, 0.5, None, 0.6],
        clusters=[[0], [1], [2, 3]],
        cluster_ids=["C:0", "C:1", "C:2"],
        interactions=[[0, 1, "binds", 0.9], [1, 2, "inhibits", 0.8, "Novel", [[1, 2], [1, 3]]]],
    )
    return doc


def graph_of(doc: Doc) -> tuple[list[str], list[str]]:
    return [span.text for span in doc.spans["entities"]], [str(relation) for relation in get_relations(doc)]


def test_selected_mentions_keep_what_is_theirs() -> None:
    doc = make_abcd()
    group = select_mentions(doc, lambda mention: mention.label_ != "y")
    assert doc.spans["entities"] is group
    assert graph_of(doc) == (["A", "B", "D"], ["A --binds--> B", "D --binds--> B"])
    assert attrs_of(doc) == {
        "relations": [[0, 1, "binds", 0.9], [2, 1, "binds", 0.7]],
        "scores": [0.1, 0.2, 0.4],
        "symmetric": ["binds"],
        "attention": [None, 0.5, 0.6],
        "clusters": [[0], [1], [2]],
        "cluster_ids": ["C:0", "C:1", "C:2"],
        "interactions": [[0, 1, "binds", 0.9], [1, 2, "inhibits", 0.8, "Novel", [[1, 2]]]],
    }


def test_selected_mentions_may_be_put_in_another_order() -> None:
    doc = make_abcd()
    a, b, _, d = doc.spans["entities"]
    select_mentions(doc, [d, b, a])
    assert graph_of(doc) == (["D", "B", "A"], ["A --binds--> B", "D --binds--> B"])
    assert doc.spans["entities"].attrs["scores"] == [0.4, 0.2, 0.1]
    assert doc.spans["entities"].attrs["clusters"] == [[2], [1], [0]]


def test_added_mentions_leave_the_others_as_they_are() -> None:
    doc = make_abcd()
    before = graph_of(doc)
    add_mentions(doc, [Span(doc, 4, 5, label="v")], scores=[0.5])
    add_mentions(doc, [Span(doc, 0, 2, label="v")])
    assert graph_of(doc) == ([*before[0], "E", "A B"], before[1])
    attrs = attrs_of(doc)
    assert attrs["scores"] == [0.1, 0.2, 0.3, 0.4, 0.5, 1.0]
    assert attrs["attention"] == [None, 0.5, None, 0.6, None, None]
    assert (attrs["clusters"], attrs["cluster_ids"][3:]) == ([[0], [1], [2, 3], [4], [5]], ["", ""])
    with pytest.raises(ValueError, match="There are 2 scores for 1 mentions"):
        add_mentions(doc, [doc[:1]], scores=[0.1, 0.2])


def test_mentions_are_added_to_a_document_without_any(nlp: Language) -> None:
    doc = nlp("A B")
    add_mentions(doc, [Span(doc, 0, 1, label="v")])
    assert graph_of(doc) == (["A"], [])
    assert "relations" not in doc.spans["entities"].attrs  # which would mean that somebody looked for them


def test_what_still_holds_after_an_edit_is_kept() -> None:
    doc = make_abcd()
    _, b, _, d = doc.spans["entities"]
    edit(doc, d, b, Span(doc, 4, 5, label="v"))
    with pytest.raises(ValueError, match=r"was edited .*select_mentions\(doc, doc.spans\['entities'\]"):
        get_relations(doc)
    select_mentions(doc, doc.spans["entities"])
    assert graph_of(doc) == (["D", "B", "E"], ["D --binds--> B"])
    assert doc.spans["entities"].attrs["scores"] == [0.4, 0.2, 1.0]


def test_mentions_of_the_same_words_are_told_apart() -> None:
    doc = spacy.blank("en")("A B")
    both = [
        Span(doc, 0, 1, label="x", kb_id="C:1"),
        Span(doc, 0, 1, label="x", kb_id="C:2"),
        Span(doc, 1, 2, label="y"),
    ]
    set_span_graph(doc, "entities", both, [[1, 2, "binds", 1.0]], scores=[0.1, 0.2, 0.3])
    select_mentions(doc, lambda mention: mention.kb_id_ != "C:1")
    assert doc.spans["entities"].attrs["scores"] == [0.2, 0.3]
    assert [relation.head.kb_id_ for relation in get_relations(doc)] == ["C:2"]


def test_mentions_of_a_group_that_is_not_there(nlp: Language) -> None:
    with pytest.raises(ValueError, match=r"There is no doc.spans\['entities'\], only no spans at all"):
        select_mentions(nlp("A"), lambda mention: True)


@given(text=annotated_texts(), data=st.data())
def test_relations_of_selected_mentions_are_those_among_them(text: AnnotatedText, data: st.DataObject) -> None:
    (doc,) = docs_of(text)
    spans = list(doc.spans["entities"])
    keep = data.draw(st.lists(st.sampled_from(range(len(spans))), unique=True)) if spans else []
    before = from_doc(doc)
    positions = iter(range(len(spans)))
    select_mentions(doc, lambda mention: next(positions) in keep)
    after = from_doc(doc)
    place = sorted(keep)
    assert after.mentions == [before.mentions[i] for i in place]
    kept = [r for r in before.relations if r.head in keep and r.tail in keep]
    assert after.relations == [r._replace(head=place.index(r.head), tail=place.index(r.tail)) for r in kept]


def test_ents_are_the_longest_mentions_that_do_not_overlap() -> None:
    doc = make_abcd()
    add_mentions(doc, [Span(doc, 1, 3, label="v", kb_id="C:1"), Span(doc, 2, 4, label="u")])
    doc.ents = [Span(doc, 4, 5, label="old")]
    set_ents(doc)
    assert [(ent.text, ent.label_, ent.kb_id_) for ent in doc.ents] == [
        ("A", "w", ""),
        ("B C", "v", "C:1"),
        ("D", "z", ""),
    ]
    with pytest.raises(ValueError, match=r"There is no doc.spans\['sc'\], only \['entities'\]"):
        set_ents(doc, "sc")
