import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import NumpyOps

from spacy_keci.suggesters import build_sentence_span_suggester

VOCAB = spacy.blank("en").vocab


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "b", " ", "\n", "\t"]), st.booleans()), max_size=8),
        max_size=4,
    ),
    st.integers(1, 5),
    st.booleans(),
)
def test_suggests_all_spans_inside_sentences(texts: list, max_length: int, with_sentences: bool) -> None:
    docs = []
    for words in texts:
        starts = [i == 0 or is_start for i, (_, is_start) in enumerate(words)] if with_sentences else None
        docs.append(Doc(VOCAB, words=[word for word, _ in words], sent_starts=starts))
    suggested = build_sentence_span_suggester(max_length)(docs, ops=NumpyOps())
    expected, lengths = [], []
    for doc in docs:
        spans = []
        for start in range(len(doc)):
            for end in range(start + 1, len(doc) + 1):
                crosses = with_sentences and any(doc[i].is_sent_start for i in range(start + 1, end))
                crosses |= any(doc[i].text in "\n\t" for i in range(start, end))
                crosses |= sum(not token.is_space for token in doc[start:end]) > max_length
                if not (crosses or doc[start].is_space or doc[end - 1].is_space):
                    spans.append([start, end])
        expected += spans
        lengths.append(len(spans))
    assert suggested.dataXd.reshape(-1, 2).tolist() == expected
    assert suggested.lengths.tolist() == lengths


def test_max_length_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_length"):
        build_sentence_span_suggester(0)


def test_works_in_spancat(nlp: Language) -> None:
    suggester = {"@misc": "spacy_keci.SentenceSpanSuggester.v1", "max_length": 3}
    nlp.add_pipe("spancat", config={"suggester": suggester})
    doc = nlp.make_doc("MDM2 binds p53.")
    doc.spans["sc"] = [doc.char_span(0, 4, "protein")]
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    losses = nlp.update([Example(nlp.make_doc(doc.text), doc)])
    assert np.isfinite(losses["spancat"])
