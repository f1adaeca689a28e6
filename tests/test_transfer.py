import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.reports import Report
from spacy_keci.tokenizer import biomedical_tokenizer
from spacy_keci.tokens import get_relations
from spacy_keci.transfer import doc_from_json, doc_to_json, merge_docs, span_to_doc

from .corpora.strategies import annotated_texts

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


def test_merged_documents_keep_their_relations() -> None:
    first, second = docs_of(FIRST, SECOND)
    first.spans["entities"].attrs["scores"] = [0.9, 0.8]
    first.spans["concepts"] = SpanGroup(first, attrs={"scores": [0.7]}, spans=[Span(first, 0, 1, kb_id="C:1")])
    second.spans["concepts"] = SpanGroup(second, attrs={"attention": [0.3]}, spans=[Span(second, 0, 1, kb_id="C:2")])
    for doc in (first, second):
        doc.spans["entities"].attrs["symmetric"] = ["x"]
    merged = merge_docs([first, second])
    assert merged.text == "A binds B. C, not D, binds A"
    assert [str(relation) for relation in get_relations(merged)] == [
        "A --binds--> B",
        "C --binds--> A",
        "D --binds_negative--> A",
    ]
    assert merged.spans["entities"].attrs == {
        "relations": [[0, 1, "binds", 0.5], [3, 2, "binds", 1.0], [4, 2, "binds_negative", 1.0]],
        "scores": [0.9, 0.8, 1.0, 1.0, 1.0],
        "clusters": [[0], [1], [2, 3], [4]],
        "interactions": [[0, 1, "binds", 0.5], [3, 2, "binds_negative", 1.0]],
        "symmetric": ["x"],
    }
    assert merged.spans["concepts"].attrs == {"scores": [0.7, 1.0], "attention": [None, 0.3]}
    assert merged.user_data == {"group": "g"}


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
    assert span_to_doc(doc[2:3]).spans["entities"].attrs == {
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
