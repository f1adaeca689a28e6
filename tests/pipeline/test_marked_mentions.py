"""The encoder reads marks in place of mentions: types, and the numbers of their concepts."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.util import registry

from spacy_keci.pipeline.marked_mentions import mark_mentions

pytest.importorskip("spacy_transformers")

from .test_transformer import save_small_bert

TEXT = "BRCA1 , breast cancer 1 gene , causes breast cancer . TP53 does not ."
# begin, end, label, identifier
MENTIONS = [
    (0, 1, "Gene", "672"),
    (2, 6, "Gene", "672"),
    (2, 4, "Disease", "D001943"),  # inside of another
    (8, 10, "Disease", "D001943"),
    (11, 12, "Gene", ""),
]
WORDS = {"Gene": "gene"}
VOCAB = spacy.blank("en").vocab


def make_doc(text: str = TEXT, mentions: list[tuple[int, int, str, str]] = MENTIONS) -> Doc:
    words = text.split()
    doc = Doc(VOCAB, words, sent_starts=[i == 0 or words[i - 1] == "." for i in range(len(words))])
    doc.spans["entities"] = [Span(doc, start, end, label, kb_id=id) for start, end, label, id in mentions]
    return doc


def marked(doc: Doc, keep_text: bool = False) -> str:
    return " ".join(mark_mentions(doc, "entities", WORDS, keep_text).text.split())


def test_marks() -> None:
    doc = make_doc()
    assert marked(doc) == "gene 1 , gene 1 , causes Disease 1 . gene 2 does not ."
    assert marked(doc, keep_text=True) == (
        "gene 1 BRCA1 , gene 1 breast cancer 1 gene , causes Disease 1 breast cancer . gene 2 TP53 does not ."
    )
    assert doc.text.startswith("BRCA1 , breast cancer 1 gene")


def test_mentions_without_identifiers_have_a_number_by_text() -> None:
    doc = make_doc("MDM2 binds p53 and mdm2 .", [(0, 1, "Gene", ""), (2, 3, "Gene", ""), (4, 5, "Gene", "")])
    assert marked(doc) == "gene 1 binds gene 2 and gene 1 ."
    doc.ents = list(doc.spans["entities"])[1:2]
    assert mark_mentions(doc, "ents", WORDS, False).text == "MDM2 binds gene 1 and mdm2 . "
    del doc.spans["entities"]
    assert marked(doc) == doc.text.strip()  # none are set


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(1, 5), st.sampled_from(["Gene", "Disease"]))), st.booleans())
def test_tokens_and_sentences_stay(spans: list[tuple[int, int, str]], keep_text: bool) -> None:
    n = len(TEXT.split())
    doc = make_doc(mentions=[(start, min(start + length, n), label, "") for start, length, label in spans if start < n])
    copy = mark_mentions(doc, "entities", WORDS, keep_text)
    assert len(copy) == len(doc)
    assert [t.is_sent_start for t in copy] == [t.is_sent_start for t in doc]
    covered = {t.i for span in doc.spans["entities"] for t in span}
    assert [copy[i].text for i in range(n) if i not in covered] == [doc[i].text for i in range(n) if i not in covered]


def test_the_encoder_reads_marks(tmp_path: Path) -> None:
    """The names do not change the vectors of masked mentions, but those of marked ones; identifiers change both."""
    encoder = save_small_bert(tmp_path / "bert")

    def vectors(doc: Doc, keep_text: bool = False) -> np.ndarray:
        windows = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 8, "stride": 6}
        marks = {"@span_getters": "spacy_keci.MarkedMentions.v1", "source": "entities", "words": WORDS}
        config = {
            "@architectures": "spacy_keci.Tok2VecTransformer.v1",
            "name": str(encoder),
            "get_spans": {**marks, "keep_text": keep_text, "get_spans": windows},
            "pooling": {"@layers": "reduce_mean.v1"},
        }
        model = registry.resolve({"model": config})["model"]
        model.initialize(X=[doc])
        return model.predict([doc])[0]

    doc, other = make_doc(), make_doc(TEXT.replace("BRCA1", "KRAS").replace("cancer", "tumour"))
    two = make_doc(mentions=[(*MENTIONS[0][:3], "7157"), *MENTIONS[1:]])
    expected = vectors(doc)
    assert len(expected) == len(doc)
    assert np.allclose(vectors(other), expected, atol=1e-6)
    assert not np.allclose(vectors(two), expected, atol=1e-3)
    assert not expected[3:6].any() and expected[2].any()  # the rest of a masked mention has no word pieces
    assert not np.allclose(vectors(other, keep_text=True), vectors(doc, keep_text=True), atol=1e-3)
    del doc.spans["entities"]
    with pytest.warns(UserWarning, match=r"\['entities'\] is not set, so 'transformer' has no mentions to mark"):
        assert vectors(doc)[3:6].any()
