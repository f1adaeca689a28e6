from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from spacy_keci.ml.contrastive.negatives import HardNegatives, Vectors, hardest_negatives, is_positive
from spacy_keci.ml.contrastive.settings import HardNegativesSettings


def make_vectors(labels: list[int], groups: list[int] | None = None, first_key: int = 0, seed: int = 0) -> Vectors:
    n = len(labels)
    vectors = F.normalize(torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)), dim=1)
    keys = torch.arange(first_key, first_key + n)
    return Vectors(vectors, torch.tensor(labels), torch.tensor(groups or keys.tolist()), keys)


class TestHardest:
    @given(
        st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 3)), min_size=1, max_size=12),
        st.integers(0, 5),
    )
    def test_the_same_as_with_loops(self, rows: list[tuple[int, int]], hardest: int) -> None:
        labels, groups = [label for label, _ in rows], [group for _, group in rows]
        batch = make_vectors(labels, groups)
        found = hardest_negatives(batch, batch, hardest)
        for i, chosen in enumerate(found.tolist()):
            allowed = [
                j
                for j in range(len(rows))
                if labels[i] >= 0 and labels[j] >= 0 and labels[i] != labels[j] and groups[i] != groups[j]
            ]
            expected = sorted(allowed, key=lambda j: -float(batch.vectors[i] @ batch.vectors[j]))
            assert [j for j in chosen if j >= 0] == expected[: hardest or None]

    def test_none_attracts_nothing(self) -> None:
        batch = make_vectors([0, 0, 1, 1, -1])
        assert is_positive(batch, batch).tolist() == [
            [False] * 5,
            [False] * 5,
            [False, False, False, True, False],
            [False, False, True, False, False],
            [False] * 5,
        ]


class TestSources:
    def test_batch_alone(self) -> None:
        negatives = HardNegatives(HardNegativesSettings(hardest=1))
        for seed in range(3):
            batch = make_vectors([1, 0, 2], seed=seed)
            others, chosen = negatives.choose(batch)
            assert others is batch and chosen.shape == (3, 1)
            assert chosen[1].item() == -1  # what is unrelated is no anchor

    def test_memory_keeps_the_newest_vector_of_each_pair(self) -> None:
        negatives = HardNegatives(HardNegativesSettings(source="memory", memory_size=5, hardest=0))
        negatives.choose(make_vectors([1, 0, 2]))
        again = make_vectors([1, 0, 2], seed=1)
        others, _ = negatives.choose(again)
        assert len(others) == 3 + 5
        assert negatives.memory is not None
        torch.testing.assert_close(negatives.memory.vectors[:3], again.vectors)
        assert negatives.memory.labels.tolist() == [1, 0, 2, -1, -1]
        # the oldest go
        negatives.choose(make_vectors([0, 0, 0, 0], first_key=10))
        assert sorted(negatives.memory.keys.tolist()) == [2, 10, 11, 12, 13]

    def test_an_earlier_vector_of_the_same_pair_attracts_nothing(self) -> None:
        negatives = HardNegatives(HardNegativesSettings(source="memory", memory_size=5))
        negatives.choose(make_vectors([1, 0]))
        batch = make_vectors([1, 0])
        others, _ = negatives.choose(batch)
        assert not is_positive(batch, others).any()

    def test_memory_has_no_gradient_and_the_batch_has(self) -> None:
        negatives = HardNegatives(HardNegativesSettings(source="memory"))
        for _ in range(2):
            batch = make_vectors([1, 0, 2])
            batch.vectors.requires_grad_()
            others, _ = negatives.choose(batch)
        assert negatives.memory is not None and not negatives.memory.vectors.requires_grad
        others.vectors.sum().backward()
        assert batch.vectors.grad is not None

    def test_mined_stay_until_they_are_mined_again(self) -> None:
        settings = HardNegativesSettings(source="mined", memory_size=20, hardest=2, refresh_every=2)
        negatives = HardNegatives(settings)
        batch = make_vectors([1, 0, 2, 0, 0, 0])
        negatives.choose(batch)
        negatives.choose(batch)
        mined = hardest_negatives(batch, batch, 2)
        turned = make_vectors([1, 0, 2, 0, 0, 0], seed=7)
        others, chosen = negatives.choose(turned)
        for anchor in (0, 2):
            assert (chosen[anchor] - len(turned)).tolist() == mined[anchor].tolist()
            assert others.keys[chosen[anchor]].tolist() == batch.keys[mined[anchor]].tolist()
        assert (chosen[1] == -1).all()
        negatives.choose(turned)  # mined again
        _, chosen = negatives.choose(turned)
        again = hardest_negatives(turned, turned, 2)
        assert (chosen[0] - len(turned)).tolist() == again[0].tolist()

    @pytest.mark.parametrize("source", ["batch", "memory", "mined"])
    def test_a_batch_without_pairs(self, source: Any) -> None:
        chooser = HardNegatives(HardNegativesSettings(source=source))
        everything, chosen = chooser.choose(make_vectors([1])[:0])
        assert len(everything) == len(chosen) == 0

    def test_settings(self) -> None:
        with pytest.raises(ValueError, match="hardest"):
            HardNegativesSettings(source="mined", hardest=0)
