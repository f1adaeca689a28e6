import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.latent.contexts import FIRST, N_SPECIAL, PADDING, SECOND, make_batch, make_context


def context(
    n: int, first: tuple[int, int], second: tuple[int, int], masks: str = "different", limit: int = 140
) -> list:
    """The context of a text whose words are its positions, as positions and masks."""
    masked = make_context(np.arange(n) + N_SPECIAL, first, second, masks=masks, max_length=limit)  # type: ignore[arg-type]
    return [{FIRST: "<1>", SECOND: "<2>"}.get(word, word - N_SPECIAL) for word in masked.tolist()]


def test_masks() -> None:
    assert context(6, (1, 3), (4, 5)) == [0, "<1>", 3, "<2>", 5]
    assert context(6, (1, 3), (4, 5), "single") == [0, "<1>", 3, "<1>", 5]
    assert context(2, (0, 1), (1, 2)) == ["<1>", "<2>"]


def test_mentions_that_overlap() -> None:
    assert context(6, (1, 4), (2, 3)) == [0, "<1>", "<2>", 4, 5]
    assert context(6, (1, 3), (2, 5)) == [0, "<1>", "<2>", 5]
    assert context(6, (1, 2), (1, 4)) == [0, "<1>", "<2>", 4, 5]


def test_of_a_long_text_the_part_around_the_mentions_is_read() -> None:
    assert context(100, (50, 51), (53, 54), limit=8) == [48, 49, "<1>", 51, 52, "<2>", 54, 55]
    assert context(100, (0, 1), (3, 4), limit=6) == ["<1>", 1, 2, "<2>", 4, 5]
    assert context(100, (96, 97), (99, 100), limit=6) == [94, 95, "<1>", 97, 98, "<2>"]
    with pytest.raises(ValueError, match="8 tokens apart"):
        context(100, (50, 51), (59, 60), limit=8)


@given(st.data())
def test_both_masks_are_there_whatever_the_place(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 30))
    places = [sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2).filter(lambda p: p[0] != p[1]))) for _ in range(2)]
    first, second = sorted((start, end) for start, end in places)
    limit = data.draw(st.integers(max(3, second[0] - first[1] + 2), 40))
    found = context(n, first, second, limit=limit)
    assert len(found) <= limit
    assert found.index("<1>") < found.index("<2>") and found.count("<1>") == found.count("<2>") == 1
    inside = {*range(*first), *range(*second)}
    rest = [word for word in found if isinstance(word, int)]
    assert rest == sorted(rest) and not inside & set(rest)
    assert len(found) == limit or set(rest) == set(range(n)) - inside


def test_many_words_and_entities() -> None:
    """Numbers are not those of 16 bits: 70,000 stays 70,000."""
    batch = make_batch([np.array([70_000, 5]), np.array([7])], [70_000, 1], [2, 100_000])
    assert batch.tokens.tolist() == [[70_000, 5], [7, PADDING]]
    assert batch.first.tolist() == [70_000, 1] and batch.second.tolist() == [2, 100_000]
    assert all(array.dtype == np.int64 for array in batch)
