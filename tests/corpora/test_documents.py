import pytest
import spacy
from hypothesis import given
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.documents import from_doc, to_doc, to_docs
from spacy_keci.reports import Report
from spacy_keci.tokenizer import create_biomedical_tokenizer
from spacy_keci.tokens import get_relations

from .strategies import annotated_texts

TOKENIZERS = {
    "English": spacy.blank("en").make_doc,
    "Chinese by character": spacy.blank("zh").make_doc,
    "biomedical": create_biomedical_tokenizer()(spacy.blank("en")),
}


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@given(text=annotated_texts())
def test_round_trip(tokenizer: str, text: AnnotatedText) -> None:
    report = Report()
    doc = to_doc(text, TOKENIZERS[tokenizer], report)
    assert doc.text == text.text
    assert from_doc(doc) == text
    assert not report.counts


def test_tokens_are_split_at_gold_boundaries_only() -> None:
    nlp = spacy.blank("en")
    assert [token.text for token in nlp.make_doc("IκBα-p65")] == ["IκBα", "-", "p65"]
    text = AnnotatedText("IκBα-p65 binds X", [Mention(0, 3, "protein"), Mention(5, 8, "protein")])
    doc = to_doc(text, nlp.make_doc, Report())
    assert [(token.text, token.whitespace_) for token in doc] == [
        ("IκB", ""),
        ("α", ""),
        ("-", ""),
        ("p65", " "),
        ("binds", " "),
        ("X", ""),
    ]
    assert [(span.text, span.label_) for span in doc.spans["entities"]] == [("IκB", "protein"), ("p65", "protein")]


def test_relations_point_to_mentions(nlp: Language) -> None:
    text = AnnotatedText(
        "A binds B", [Mention(8, 9, "x"), Mention(0, 1, "y", "C1")], [RelationTriple(1, 0, "binds", 0.25)], id="7"
    )
    doc = to_doc(text, nlp.make_doc, Report(), spans_key="graph")
    (relation,) = get_relations(doc, "graph")
    assert (relation.head.text, relation.head.kb_id_, relation.tail.text) == ("A", "C1", "B")
    assert (relation.label, relation.score) == ("binds", 0.25)
    assert doc.user_data["id"] == "7"


@pytest.mark.parametrize("start", [4, 5, 6])
def test_sentence_that_begins_with_a_blank_or_inside_a_token(nlp: Language, start: int) -> None:
    doc = to_doc(AnnotatedText("A b. Cd e.", sentences=[0, start]), nlp.make_doc, Report())
    assert [sentence.text for sentence in doc.sents] == ["A b.", "Cd e."]


def test_bad_mentions_are_dropped_with_their_relations(nlp: Language) -> None:
    text = AnnotatedText(
        "A  binds B",
        [
            Mention(0, 11, "outside"),
            Mention(-1, 1, "outside"),
            Mention(3, 3, "empty"),
            Mention(1, 3, "whitespace"),
            Mention(0, 1, "good"),
            Mention(8, 10, "trimmed"),
        ],
        [RelationTriple(4, 5, "binds"), RelationTriple(0, 4, "lost")],
        id="d1",
        clusters=[[0, 4], [3], [5]],
        interactions=[Interaction(0, 2, "binds")],
    )
    report = Report()
    doc = to_doc(text, nlp.make_doc, report)
    assert report.counts == {
        "dropped: mention outside the text or empty": 3,
        "dropped: mention of whitespace only": 1,
        "dropped: relation of a dropped mention": 1,
        "mentions whose white space at the edges was cut off": 1,
    }
    assert report.dropped == 5
    assert "d1: whitespace at 1-3" in "\n".join(report.lines())
    assert from_doc(doc) == AnnotatedText(
        text.text,
        [Mention(0, 1, "good"), Mention(9, 10, "trimmed")],
        [RelationTriple(0, 1, "binds")],
        id="d1",
        clusters=[[0], [], [1]],
        interactions=[Interaction(0, 2, "binds")],
    )


def test_doc_without_spans_key(nlp: Language) -> None:
    doc = nlp("No key.")
    assert from_doc(doc) == AnnotatedText("No key.")
    doc.user_data |= {"id": 7, "group": None, "meta": None}  # as a table may have them
    assert from_doc(doc) == AnnotatedText("No key.", id="7")


def test_tokenizer_that_changes_the_text(nlp: Language) -> None:
    def make_doc(text: str) -> Doc:
        return Doc(nlp.vocab, words=text.split())

    with pytest.raises(ValueError, match="Use a tokenizer that preserves the text"):
        to_doc(AnnotatedText("two  spaces"), make_doc, Report())


def test_to_docs_is_lazy(nlp: Language) -> None:
    texts = iter([AnnotatedText("one"), AnnotatedText("two")])
    docs = iter(to_docs(texts, nlp.make_doc, Report()))
    assert next(docs).text == "one"
    assert next(texts).text == "two"
