import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_keci.corpora.split import hold_out


@given(n=st.integers(10, 60), fraction=st.floats(0.1, 0.9), seed=st.integers(0, 5))
def test_parts_are_of_the_size_asked_for(n: int, fraction: float, seed: int) -> None:
    rest, held_out = hold_out(range(n), fraction, seed)
    assert sorted(rest + held_out) == list(range(n))
    assert (rest, held_out) == (sorted(rest), sorted(held_out))
    assert len(held_out) == round(fraction * n)
    assert hold_out(range(n), fraction, seed) == (rest, held_out)


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=4), seed=st.integers(0, 5))
def test_groups_stay_together(groups: list[str], seed: int) -> None:
    assume(len(set(groups)) > 1)
    items = list(enumerate(groups))
    smallest = min(groups.count(group) for group in groups)
    rest, held_out = hold_out(items, (smallest + 0.1) / len(items), seed, group=lambda item: item[1])
    assert sorted(rest + held_out) == items
    assert not {group for _, group in rest} & {group for _, group in held_out}


def test_seeds_differ() -> None:
    assert len({tuple(hold_out(range(100), 0.1, seed)[1]) for seed in range(5)}) == 5


def test_the_split_of_a_seed_is_for_ever() -> None:
    assert hold_out(range(20), 0.25, seed=0)[1] == [0, 10, 14, 16, 18]


def test_bad_splits() -> None:
    for fraction in (0.0, 1.0, 0.01):
        with pytest.raises(ValueError, match=r"leaves one part empty"):
            hold_out(range(10), fraction)
    with pytest.raises(ValueError, match=r"leaves one part empty"):
        hold_out(["a"] * 10, 0.5, group=str)
    with pytest.raises(ValueError, match=r"Item 2 of 3 has no group"):
        hold_out(["a", "", "b"], 0.5, group=str)
