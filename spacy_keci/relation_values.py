"""What a model says about relations besides their scores: how uncertain it is, and a vector of each."""

from typing import Any

import numpy as np
from spacy.tokens import Doc

from .span_groups import SPANS_KEY, UNCERTAINTIES, VECTORS, relation_rows_of


def relation_vectors(doc: Doc, spans_key: str = SPANS_KEY) -> np.ndarray:
    """(relations, width) a vector of each relation in ``doc._.relations``, in this order: the mean of z (RELVM,
    Eq. 13), for clustering and search. A component ``latent_relations`` with ``vectors = true`` stores them.

    Raises ValueError if relations have no vectors.
    """
    return np.array(_values(doc, spans_key, VECTORS, "vectors = true"), dtype="float32")


def relation_uncertainties(doc: Doc, spans_key: str = SPANS_KEY) -> np.ndarray:
    """(relations,) how unsure a component ``latent_relations`` is of each relation in ``doc._.relations``, in this
    order: the standard deviation of its score over samples of z.

    Raises ValueError if relations have no uncertainty.
    """
    return np.array(_values(doc, spans_key, UNCERTAINTIES, "samples above 0"), dtype="float32")


def _values(doc: Doc, spans_key: str, name: str, setting: str) -> list[Any]:
    group = doc.spans.get(spans_key)
    rows = [] if group is None else relation_rows_of(group)
    stored = {} if group is None else {tuple(row[:3]): row[3] for row in group.attrs.get(name, [])}
    if missing := [row for row in rows if tuple(row[:3]) not in stored]:
        raise ValueError(
            f"{len(missing)} of {len(rows)} relations in doc.spans[{spans_key!r}] have no {name.split('_')[1]}: they "
            f"come from a component 'latent_relations' with {setting}, and go where relations are set by hand."
        )
    return [stored[tuple(row[:3])] for row in rows]
