"""One character for those that mean the same."""

import pytest
from hypothesis import given
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.sentence_rule import find_sentences
from spacy_keci.typography import unify, unify_doc

from .corpora.strategies import TEXTS


@pytest.mark.parametrize(
    ("texts", "unified"),
    [
        (["c-Src", "c–Src", "c‐Src", "c\u2011Src", "c−Src", "c—Src", "c－Src"], "c-Src"),
        (["5'-end", "5’-end", "5‘-end", "5′-end", "5´-end"], "5'-end"),
        (['"a"', "“a”", "„a‟", "″a″", "＂a＂"], '"a"'),
        (["1 a", "1\u00a0a", "1\u2009a", "1\u202fa", "1\u3000a"], "1 a"),
        (["μ", "µ"], "μ"),
        (["ε", "ɛ", "ϵ"], "ε"),
        (["(a)/[b]; c", "（a）⁄［b］； c"], "(a)/[b]; c"),
        (["CO2", "CO₂"], "CO2"),
        # what is more than one character, a power, a citation, another word, or a break
        (["ﬁ…½"], "ﬁ…½"),
        (["10⁵ p53¹² p53①"], "10⁵ p53¹² p53①"),
        (["β·é\n\u2028\u0085"], "β·é\n\u2028\u0085"),
    ],
)
def test_what_means_the_same(texts: list[str], unified: str) -> None:
    assert {unify(text) for text in texts} == {unified}


@given(TEXTS)
def test_the_length_stays_and_once_is_enough(text: str) -> None:
    assert len(unify(text)) == len(text)
    assert unify(unify(text)) == unify(text)


def test_a_document_keeps_its_tokens_and_sentences(nlp: Language) -> None:
    plain = nlp.make_doc("EGFR-GRB2 binds.")
    assert unify_doc(plain) is plain
    doc = nlp.make_doc("EGFR–GRB2\u00a0binds. So does “p53”.")
    for token in doc:
        token.is_sent_start = token.i in (0, 6)
    read = unify_doc(doc)
    assert read.text == 'EGFR-GRB2 binds. So does "p53".' and doc.text != read.text
    assert [token.idx for token in read] == [token.idx for token in doc]
    assert [sentence.start for sentence in read.sents] == [0, 6]
    assert not unify_doc(Doc(nlp.vocab, ["–", "a"])).has_annotation("SENT_START")


@pytest.mark.parametrize(
    ("characters", "others"), [("-'", "–’"), ("-'", "−′"), ("- ", "\u2011\u00a0"), ("().:?", "（）．：？")]
)
def test_sentences_are_the_same(characters: str, others: str) -> None:
    text = "Is it 'MDM2'? c-Myc binds.[1-3] 'So it is.' HEAD AND-NECK MESSAGE: 2 kg-1. d-1. (It is.) So.1-3 c-fos is."
    starts = find_sentences(text)
    assert len(starts) == 8
    assert find_sentences(text.translate(str.maketrans(characters, others))) == starts
