"""Classifiers of pairs of spans by the name that settings have for them. All are made and called alike."""

from .biaffine import BiaffineClassifier
from .classifier import RelationClassifier

PAIR_SCORERS: dict[str, type[RelationClassifier] | type[BiaffineClassifier]] = {
    "concat": RelationClassifier,
    "biaffine": BiaffineClassifier,
}
