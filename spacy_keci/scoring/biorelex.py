"""The official score of BioRelEx (Khachatrian et al. 2019), as its authors' evaluation program computes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example

from ..corpora.annotation import AnnotatedText, RelationTriple
from ..tokens import SPANS_KEY
from .counts import CountTable, Statistic, micro, read_graphs
from .strict import StrictScorer

NamePair = tuple[str, ...]  # in the order of the alphabet


def make_biorelex_scorer(spans_key: str = SPANS_KEY, symmetric: list[str] | None = None) -> "BioRelExScorer":
    """Registered as ``spacy_keci.biorelex_scorer.v1``.

    symmetric: relation labels whose head and tail may be swapped, for the strict scores.
    """
    return BioRelExScorer(spans_key, frozenset(symmetric or ()))


@dataclass(frozen=True)
class BioRelExScorer(StrictScorer):
    """The official scores ``biorelex_mentions_*`` and ``biorelex_relations_*`` (``_p``, ``_r``, ``_f``), and the strict
    scores.

    Mentions are compared by name and offsets, without their type. A gold interaction between two clusters of mentions
    is found if every unordered pair of names across them is predicted, whatever the label; a predicted pair of names
    that belongs to no gold interaction is a false positive. Clusters are ``attrs["clusters"]`` and
    ``attrs["interactions"]`` of the SpanGroup; without them, as in predictions of a pipeline, each mention is a
    cluster, and the relations are the interactions.
    """

    statistics: ClassVar[dict[str, tuple[str, Statistic]]] = {
        **StrictScorer.statistics,
        "biorelex_mentions": ("biorelex_mentions", micro),
        "biorelex_relations": ("biorelex_relations", micro),
    }

    def tables(self, examples: Iterable[Example]) -> dict[str, CountTable]:
        """The tables of the strict scores, ``biorelex_mentions`` and ``biorelex_relations``; the latter have only one
        label."""
        examples = list(examples)
        graphs = read_graphs(examples, self.spans_key)
        interactions = [_count_interactions(gold, predicted) for gold, predicted in graphs]
        return {
            **super().tables(examples),
            "biorelex_mentions": CountTable.from_sets(
                [_names(gold) for gold, _ in graphs], [_names(predicted) for _, predicted in graphs]
            ),
            "biorelex_relations": CountTable(["interaction"], np.array(interactions, np.int64).reshape(-1, 1, 3)),
        }


def is_annotated_by_names(golds: Iterable[Doc], spans_key: str = SPANS_KEY) -> bool:
    """Whether the gold clusters are clusters of names, as in BioRelEx, so that its official score applies. Other
    corpora, such as BioRED, cluster by concept identifiers, and have an identifier for each interaction."""
    related = anonymous = False
    for group in (doc.spans[spans_key] for doc in golds):
        clusters = group.attrs.get("clusters", [])
        named = [any(group[i].kb_id for i in cluster) for cluster in clusters]
        for first, second, *_ in group.attrs.get("interactions", ()) if clusters else ():
            related = True
            if not (named[first] and named[second]):
                return True
        anonymous = anonymous or (bool(clusters) and not any(named))
    return anonymous and not related


def _names(graph: AnnotatedText) -> set[tuple[int, int, str]]:
    # The name is the text at the offsets, so offsets alone identify a mention.
    return {(mention.start, mention.end, "mention") for mention in graph.mentions}


def _count_interactions(gold: AnnotatedText, predicted: AnnotatedText) -> tuple[int, int, int]:
    """True positives, false positives, false negatives. As in the program, each gold interaction counts, including
    duplicates and interactions of a cluster with itself; each predicted pair of names counts once."""
    guesses = set().union(*_name_pairs(predicted))
    matched: set[NamePair] = set()
    found = missed = 0
    for pairs in _name_pairs(gold):
        matched |= pairs & guesses
        if pairs <= guesses:
            found += 1
        else:
            missed += 1
    return found, len(guesses - matched), missed


def _name_pairs(graph: AnnotatedText) -> list[set[NamePair]]:
    """For each interaction, the unordered pairs of names across its two clusters."""
    names = [graph.text[mention.start : mention.end] for mention in graph.mentions]
    if graph.clusters is None:
        clusters, interactions = [{name} for name in names], graph.relations
    else:
        clusters = [{names[i] for i in cluster} for cluster in graph.clusters]
        interactions = [RelationTriple(*each[:4]) for each in graph.interactions or []]
    ends = ((clusters[first], clusters[second]) for first, second, *_ in interactions)
    return [{tuple(sorted(pair)) for pair in product(*each)} for each in ends]
