"""Tags against spaCy's own functions for them, and Viterbi against all sequences."""

from itertools import product

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.training import iob_utils
from spacy.util import filter_spans

from spacy_keci.ml.joint.tags import PLACES, Spans, is_legal, spans_of_tags, tags_of_spans
from spacy_keci.ml.joint.targets import longest_flat, tag_targets
from spacy_keci.ml.joint.viterbi import best_legal_tags

LABELS = ["drug", "protein"]
NAMES = ["O", *(f"{place}-{label}" for label in LABELS for place in PLACES)]
VOCAB = spacy.blank("en").vocab

# length of each span, space before it, type
flat_texts = st.lists(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.integers(0, 1)), max_size=4), min_size=1, max_size=3
)
any_spans = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5), st.integers(0, 1)), max_size=6)


def as_spans(rows: list[tuple[int, int, int]]) -> Spans:
    return Spans(*np.array(rows, dtype="int64").reshape(-1, 3).T)


def legal(tags: tuple[int, ...]) -> bool:
    """By spaCy: only legal sequences are what their mentions are written as."""
    names = [NAMES[tag] for tag in tags]
    doc = Doc(VOCAB, words=["a"] * len(names))
    try:
        mentions = iob_utils.tags_to_entities(names)
        offsets = [(doc[start].idx, doc[end].idx + 1, label) for label, start, end in mentions]
        return iob_utils.offsets_to_biluo_tags(doc, offsets) == names
    except ValueError:
        return False


@given(flat_texts)
def test_tags_are_those_of_spacy_and_lead_back_to_the_spans(texts: list) -> None:
    rows, expected, text, position = [], [], [], 0
    for number, spans in enumerate(texts):
        begin = position
        for length, space, label in spans:
            rows.append((position + space, position + space + length, label))
            position += space + length
        doc = Doc(VOCAB, words=["a"] * (position - begin))
        own = [(start - begin, end - begin, label) for start, end, label in rows if start >= begin]
        offsets = [(doc[start].idx, doc[end - 1].idx + 1, LABELS[label]) for start, end, label in own]
        expected += iob_utils.offsets_to_biluo_tags(doc, offsets)
        text += [number] * (position - begin)
    tags = tags_of_spans(as_spans(rows), position)
    assert [NAMES[tag] for tag in tags] == expected
    assert is_legal(tags, np.array(text)).all()
    assert [tuple(map(int, span)) for span in zip(*spans_of_tags(tags, np.array(text)), strict=True)] == rows


@pytest.mark.parametrize("length", [1, 2, 3])
def test_what_is_legal_and_whole(length: int) -> None:
    """All sequences of that length."""
    text = np.zeros(length, dtype="int64")
    for tags in product(range(len(NAMES)), repeat=length):
        array = np.array(tags)
        assert is_legal(array, text).all() == legal(tags)
        found = [tuple(map(int, span)) for span in zip(*spans_of_tags(array, text), strict=True)]
        whole = [
            (start, end, label)
            for start in range(length)
            for end in range(start + 1, length + 1)
            for label in range(len(LABELS))
            if tags[start:end] == tuple(tags_of_spans(as_spans([(0, end - start, label)]), end - start))
        ]
        assert found == whole


def test_texts_are_apart() -> None:
    """What begins in one text does not go on in the next."""
    tags, text = np.array([1, 2, 3]), np.array([0, 0, 1])
    assert is_legal(tags, text).tolist() == [True, False, False]
    assert not len(spans_of_tags(tags, text).starts)
    assert len(spans_of_tags(tags, np.zeros(3, dtype="int64")).starts) == 1


@given(st.integers(1, 4), st.integers(0, 5))
def test_viterbi_finds_the_best_of_all_legal_sequences(length: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(3, length, len(NAMES)))
    best = best_legal_tags(scores)
    sequences = [tags for tags in product(range(len(NAMES)), repeat=length) if legal(tags)]
    for of_text, found in zip(scores, best, strict=True):
        sums = [sum(of_text[t, tag] for t, tag in enumerate(tags)) for tags in sequences]
        assert tuple(found) == sequences[int(np.argmax(sums))]


@given(any_spans)
def test_of_nested_mentions_the_longest_is_learned_as_in_spacy(rows: list) -> None:
    spans = as_spans([(start, start + length, label) for start, length, label in rows])
    doc = Doc(VOCAB, words=["a"] * 12)
    mentions = [doc[start:end] for start, end, _ in zip(*spans, strict=True)]
    expected = sorted({(m.start, m.end) for m in filter_spans(mentions)})
    rows = np.flatnonzero(longest_flat(spans.starts, spans.ends)).tolist()
    assert sorted({(int(spans.starts[i]), int(spans.ends[i])) for i in rows}) == expected


def test_mentions_that_no_tags_can_say_are_not_learned() -> None:
    """Those of no word, those over two texts, and those inside of another."""
    text = np.array([0, 0, 0, 0, 1, 1])
    spans = as_spans([(0, 3, 1), (1, 2, 0), (3, 3, 0), (2, 5, 0), (5, 6, 0)])
    assert [NAMES[tag] for tag in tag_targets(spans, text)] == [
        "B-protein",
        "I-protein",
        "L-protein",
        "O",
        "O",
        "U-drug",
    ]
