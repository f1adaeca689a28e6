"""Bootstrap: how much a score depends on the choice of test documents."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .counts import CountTable, Statistic


def confidence_intervals(
    tables: Mapping[str, CountTable],
    statistics: Mapping[str, tuple[str, Statistic]],
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals (Efron and Tibshirani 1993, ch. 13) of each score, by resampling documents.

    tables, statistics: of a scorer, see :class:`~spacy_keci.scoring.strict.StrictScorer`.
    RETURNS: lower and upper end under ``{name}_p``, ``{name}_r``, ``{name}_f``.
    Raises ValueError if there are no documents.
    """
    weights = _weights(tables, samples, seed)
    intervals: dict[str, tuple[float, float]] = {}
    for name, (table, statistic) in statistics.items():
        values = statistic(_totals(tables[table], weights))
        ends = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
        intervals |= {f"{name}_{what}": (low, high) for what, (low, high) in zip("prf", ends.T.tolist(), strict=True)}
    return intervals


def paired_p_values(
    ours: Mapping[str, CountTable],
    theirs: Mapping[str, CountTable],
    statistics: Mapping[str, tuple[str, Statistic]],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Two-sided p values of the difference in F between two systems on the same documents, under ``{name}_f``.

    The share of resamples, including the observed one, whose difference is at least as far from the observed difference
    as the observed difference is from zero (the shifted null of Berg-Kirkpatrick et al. 2012; the counting of Davison
    and Hinkley 1997, eq. 4.11). Raises ValueError if the gold of the two differs, or if there are no documents.
    """
    for name, (table, _) in statistics.items():
        if not np.array_equal(_gold(ours[table]), _gold(theirs[table])):
            raise ValueError(f"Cannot compare {name}: the two systems were not scored on the same documents.")
    weights = _weights(ours, samples, seed)
    p_values = {}
    for name, (table, statistic) in statistics.items():
        observed = statistic(ours[table].totals)[2] - statistic(theirs[table].totals)[2]
        ours_f, theirs_f = (statistic(_totals(tables[table], weights))[:, 2] for tables in (ours, theirs))
        extreme = np.abs(ours_f - theirs_f - observed) >= abs(observed)
        p_values[f"{name}_f"] = float((1 + extreme.sum()) / (1 + samples))
    return p_values


def _weights(tables: Mapping[str, CountTable], samples: int, seed: int) -> NDArray[np.float64]:
    """(samples, documents): how often each document is drawn, the same for all tables, so that scores are paired."""
    documents = len(next(iter(tables.values())).counts)
    if not documents:
        raise ValueError("Cannot resample: there are no documents.")
    draws = np.random.default_rng(seed).multinomial(documents, np.full(documents, 1 / documents), size=samples)
    return draws.astype(np.float64)


def _totals(table: CountTable, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(samples, labels, 3): counts of each resampled corpus."""
    return np.einsum("sd,dlk->slk", weights, table.counts.astype(np.float64), optimize=True)


def _gold(table: CountTable) -> NDArray[np.int64]:
    """(documents,): number of gold items."""
    return table.counts[:, :, [0, 2]].sum(axis=(1, 2))
