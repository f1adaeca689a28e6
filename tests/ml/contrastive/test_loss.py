import pytest
import torch

from spacy_keci.ml.contrastive.loss import Contrastive
from spacy_keci.ml.contrastive.settings import ContrastiveSettings, HardNegativesSettings

from .test_negatives import make_vectors

pytest.importorskip("pytorch_metric_learning", reason="needs the extra 'contrastive'")


def make_loss(**settings: object) -> Contrastive:
    return Contrastive(8, ContrastiveSettings(width=5, **settings))  # type: ignore[arg-type]


def every_negative(loss: str, **settings: object) -> Contrastive:
    return make_loss(loss=loss, weight=1.0, negatives=HardNegativesSettings(hardest=0), **settings)


LABELS = [1, 1, 2, 2, 1, 0, 0, 2]


class TestLosses:
    def test_supcon_is_equation_2(self) -> None:
        """Khosla et al. 2020, Eq. 2, summed over anchors; rows of class 0 stand in the denominator only."""
        batch, temperature = make_vectors(LABELS), 0.2
        similar = (batch.vectors @ batch.vectors.T / temperature).exp()
        total = 0.0
        for i, label in enumerate(LABELS):
            positives = [j for j, other in enumerate(LABELS) if other == label and j != i]
            if label and positives:
                below = sum(similar[i, j] for j in range(len(LABELS)) if j != i)
                total -= sum(float((similar[i, j] / below).log()) for j in positives) / len(positives)
        loss = every_negative("supcon", temperature=temperature).loss(batch)
        assert float(loss) == pytest.approx(total, rel=1e-4)

    def test_triplets_have_the_nearest_positive(self) -> None:
        batch, margin = make_vectors(LABELS), 0.5
        similar = batch.vectors @ batch.vectors.T
        losses: list[float] = []
        anchors = 0
        for i, label in enumerate(LABELS):
            positives = [float(similar[i, j]) for j, other in enumerate(LABELS) if other == label and j != i]
            if label and positives:
                anchors += 1
                negatives = [float(similar[i, j]) for j, other in enumerate(LABELS) if other != label]
                losses += [max(each - max(positives) + margin, 0.0) for each in negatives]
        above = [each for each in losses if each > 0]
        loss = every_negative("triplet", margin=margin).loss(batch)
        assert float(loss) == pytest.approx(anchors * sum(above) / len(above), rel=1e-4)

    @pytest.mark.parametrize("loss", ["supcon", "triplet"])
    @pytest.mark.parametrize("labels", [[0, 0, 0], [1, 0, 0], [1, 1, 1], [-1, -1, 1], [1]])
    def test_nothing_to_compare(self, loss: str, labels: list[int]) -> None:
        batch = make_vectors(labels)
        batch.vectors.requires_grad_()
        value = every_negative(loss).loss(batch)
        assert float(value.detach()) == 0.0
        value.backward()

    def test_it_begins_later(self) -> None:
        contrastive = make_loss(begin=2)
        assert [bool(contrastive.loss(make_vectors(LABELS)) > 0) for _ in range(4)] == [False, False, True, True]

    def test_settings(self) -> None:
        with pytest.raises(ValueError, match="temperature"):
            ContrastiveSettings(temperature=0)

    def test_vectors_have_length_1(self) -> None:
        projected = make_loss().of(torch.randn(3, 8))
        torch.testing.assert_close(projected.vectors.norm(dim=1), torch.ones(3))
