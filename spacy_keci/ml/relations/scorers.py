"""Classifiers of pairs of spans by their names in settings. All have the same interface."""

from .biaffine import BiaffineClassifier
from .classifier import RelationClassifier

PAIR_SCORERS: dict[str, type[RelationClassifier] | type[BiaffineClassifier]] = {
    "concat": RelationClassifier,
    "biaffine": BiaffineClassifier,
}
