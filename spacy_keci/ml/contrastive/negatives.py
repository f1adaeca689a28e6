"""Hard negatives: the vectors of other labels that are closest to a vector.

Independent of texts: any system with thousands of negative pairs in a batch can choose or weight them with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .settings import HardNegativesSettings

# rows of the similarity matrix that are computed at once
CHUNK = 512


@dataclass
class Vectors:
    """Vectors with their labels, groups and keys.

    vectors: (rows, width), of length 1. labels: (rows,) class from 1, 0 for none, -1 for unknown. groups: (rows,) rows
        of the same group do not repel, such as two texts on the same two concepts. keys: (rows,) identifies the pair of
        the vector.
    """

    vectors: Tensor
    labels: Tensor
    groups: Tensor
    keys: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor | slice) -> Vectors:
        return Vectors(self.vectors[rows], self.labels[rows], self.groups[rows], self.keys[rows])

    def and_then(self, others: Vectors) -> Vectors:
        """The concatenation of both."""
        return Vectors(*(torch.cat(pair) for pair in zip(vars(self).values(), vars(others).values(), strict=True)))


def is_negative(anchors: Vectors, others: Vectors) -> Tensor:
    """(anchors, others) of bool: the labels are known and differ, and so do the groups."""
    differ = anchors.labels.unsqueeze(1) != others.labels
    known = (anchors.labels >= 0).unsqueeze(1) & (others.labels >= 0)
    return differ & known & (anchors.groups.unsqueeze(1) != others.groups)


def is_positive(anchors: Vectors, others: Vectors) -> Tensor:
    """(anchors, others) of bool: the labels are equal and not none, and it is not an earlier vector of the same
    pair."""
    same = (anchors.labels.unsqueeze(1) == others.labels) & (anchors.labels > 0).unsqueeze(1)
    return same & (anchors.keys.unsqueeze(1) != others.keys)


@torch.no_grad()
def hardest_negatives(anchors: Vectors, others: Vectors, hardest: int) -> Tensor:
    """(anchors, k) rows of the k most similar negatives of each, hardest first, padded with -1; k is ``hardest``, or
    all for 0."""
    k = min(hardest, len(others)) if hardest else len(others)
    found = []
    for begin in range(0, len(anchors), CHUNK):
        part = anchors[begin : begin + CHUNK]
        similar = (part.vectors @ others.vectors.T).masked_fill(~is_negative(part, others), float("-inf"))
        values, rows = similar.topk(k, dim=1)
        found.append(rows.masked_fill(values == float("-inf"), -1))
    return torch.cat(found) if found else torch.zeros((0, k), dtype=torch.int64, device=others.labels.device)


class HardNegatives:
    """Chooses negatives from a batch, or from a memory of earlier batches.

    ``choose`` is called once per update, and stores the batch in the memory.
    """

    def __init__(self, settings: HardNegativesSettings) -> None:
        self.settings = settings
        self.memory: Vectors | None = None
        self._row_of_key: dict[int, int] = {}
        self._key_of_row: dict[int, int] = {}
        self._next = 0
        self._updates = 0
        self._mined: Tensor | None = None

    def choose(self, batch: Vectors) -> tuple[Vectors, Tensor]:
        """The vectors to compare a batch with, starting with the batch itself, and (batch, k) their rows that are the
        negatives of each related pair, -1 for none."""
        settings = self.settings
        if settings.source == "batch":
            return batch, self._hardest(batch, batch)
        everything = batch if self.memory is None else batch.and_then(self.memory)
        find = self._look_up if settings.source == "mined" else self._hardest
        chosen = find(batch, everything)
        self._remember(batch)
        self._updates += 1
        if settings.source == "mined" and self._updates % settings.refresh_every == 0:
            self._mine()
        return everything, chosen

    def _hardest(self, batch: Vectors, others: Vectors) -> Tensor:
        chosen = hardest_negatives(batch, others, self.settings.hardest)
        return chosen.masked_fill((batch.labels <= 0).unsqueeze(1), -1)

    def _look_up(self, batch: Vectors, everything: Vectors) -> Tensor:
        """The mined negatives of each pair; if it has none, the hardest of the batch and the memory."""
        chosen = self._hardest(batch, everything)
        if self._mined is None:
            return chosen
        rows = torch.tensor([self._row_of_key.get(key, -1) for key in batch.keys.tolist()], device=chosen.device)
        mined = self._mined[rows.clamp(min=0)]
        known = (rows >= 0) & (mined >= 0).any(dim=1)
        places = torch.where(mined >= 0, mined + len(batch), 0)
        # a row of the memory may hold another pair by now
        still = (mined >= 0) & is_negative(batch, everything).gather(1, places)
        mined = torch.where(still, places, -1)
        chosen = torch.nn.functional.pad(chosen, (0, max(mined.shape[1] - chosen.shape[1], 0)), value=-1)
        mined = torch.nn.functional.pad(mined, (0, chosen.shape[1] - mined.shape[1]), value=-1)
        use = known & still.any(dim=1) & (batch.labels > 0)
        return torch.where(use.unsqueeze(1), mined, chosen)

    def _remember(self, batch: Vectors) -> None:
        """Each pair replaces its earlier vector or, if it has none, the oldest vector."""
        size = self.settings.memory_size
        if self.memory is None:
            self.memory = Vectors(
                batch.vectors.new_zeros(size, batch.vectors.shape[1]),
                *(torch.full((size,), -1, device=batch.labels.device) for _ in range(3)),
            )
        places = []
        for key in batch.keys.tolist():
            if key not in self._row_of_key:
                self._row_of_key.pop(self._key_of_row.get(self._next, -1), None)
                self._row_of_key[key], self._key_of_row[self._next] = self._next, key
                self._next = (self._next + 1) % size
            places.append(self._row_of_key[key])
        last = {place: row for row, place in enumerate(places)}
        to, rows = torch.tensor([*last.items()], dtype=torch.long).reshape(-1, 2).T
        for kept, new in zip(vars(self.memory).values(), vars(batch).values(), strict=True):
            kept[to] = new.detach()[rows]

    def _mine(self) -> None:
        assert self.memory is not None
        related = torch.nonzero(self.memory.labels > 0).squeeze(1)
        chosen = hardest_negatives(self.memory[related], self.memory, self.settings.hardest)
        mined = torch.full((len(self.memory), chosen.shape[1]), -1, dtype=torch.int64, device=chosen.device)
        mined[related] = chosen
        self._mined = mined
