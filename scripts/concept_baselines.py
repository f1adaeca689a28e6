"""Baselines for relations between concepts that only count mentions, and do not read the text.

    python scripts/concept_baselines.py corpus/biored/train.spacy corpus/biored/dev.spacy corpus/biored/test.spacy

Mentions and identifiers are gold. Every system predicts a label or score for each pair of concepts whose types may be
related; the threshold is chosen on the second corpus, and the third is scored once.

- all pairs: each pair is related, with the most frequent label.
- one sentence: each pair that is mentioned together in a sentence.
- table: the share of related pairs in training, and their most frequent label, by the two types, the sentences between
  the closest mentions, and the smaller number of mentions.
- boosted trees: scikit-learn's, on all features of the model except the text.
"""

from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_keci.corpora.docbin import load_docs
from spacy_keci.ml.concept_pairs.features import PAIR_FEATURES, pair_features
from spacy_keci.ml.concept_pairs.graphs import PredictedPairs
from spacy_keci.ml.concept_pairs.pairs import Bags, Concepts, make_bags
from spacy_keci.pipeline.concept_gold import ConceptGold, gold_relations
from spacy_keci.pipeline.concept_writing import RelationWriter
from spacy_keci.pipeline.concepts import ConceptReader
from spacy_keci.scoring.concept_threshold import choose_threshold, compare_concepts
from spacy_keci.scoring.concepts import ConceptScorer
from spacy_keci.scoring.counts import as_examples
from spacy_keci.scoring.tuning import LOWEST

CLOSEST = list(PAIR_FEATURES).index("sentences between the closest mentions")
# (pairs, features) -> (pairs,) probability of being related, and number of the label
System = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass
class Part:
    """The pairs of a corpus. keys: (pairs, features) types and counts. classes: (pairs,) label, 0 for none."""

    golds: list[Doc]
    mentions: list[list[Span]]
    concepts: Concepts
    bags: Bags
    keys: np.ndarray
    classes: np.ndarray


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    for name in ("train", "dev", "test"):
        parser.add_argument(name, type=Path, help=f"the {name} part, as .spacy")
    paths = parser.parse_args()
    vocab = spacy.blank("en").vocab
    golds = {name: list(load_docs(getattr(paths, name), vocab)) for name in ("train", "dev", "test")}
    spans = [span for doc in golds["train"] for span in doc.spans["entities"]]
    types = {label: i for i, (label, _) in enumerate(Counter(s.label_ for s in spans).most_common(), start=1)}
    reader = ConceptReader("concept", concepts_key=None, type_numbers=types)
    stated = [gold_relations(Example(doc, doc), "entities", "concept") or [] for doc in golds["train"]]
    labels = [label for label, _ in Counter(r.label for of_doc in stated for r in of_doc).most_common()]
    gold = ConceptGold(labels, [], [])
    everything = make_part(golds["train"], reader, gold, None)
    related = everything.keys[everything.classes > 0][:, :2]
    ends, counts = np.unique(np.sort(related, axis=1), axis=0, return_counts=True)
    allowed = {(int(a), int(b)) for a, b in ends[counts >= 0.001 * counts.sum()]}
    parts = {name: make_part(docs, reader, gold, allowed) for name, docs in golds.items()}
    for name, part in parts.items():
        print(f"{name}: {len(part.bags)} pairs, {np.mean(part.classes > 0):.1%} of them related")
    write = RelationWriter("entities", None, reader, labels, labels, [], spell_out=False)
    print(f"{'':16} {'pair P':>7} {'R':>6} {'F':>6} {'typed P':>8} {'R':>6} {'F':>6}  threshold")
    for title, system in make_systems(parts["train"]).items():
        dev = predict(system, parts["dev"], write, LOWEST)
        threshold, *_ = choose_threshold(*compare_concepts(dev, parts["dev"].golds))
        docs = predict(system, parts["test"], write, threshold)
        scores = ConceptScorer()(as_examples(docs, parts["test"].golds))
        pair, typed = ([100 * scores[f"concepts_{table}_{what}"] for what in "prf"] for table in ("pair", "typed"))
        print(f"{title:16} {pair[0]:7.1f} {pair[1]:6.1f} {pair[2]:6.1f}", end="")
        print(f" {typed[0]:8.1f} {typed[1]:6.1f} {typed[2]:6.1f}  {threshold:.2f}")


def make_part(golds: list[Doc], reader: ConceptReader, gold: ConceptGold, allowed: set[tuple[int, int]] | None) -> Part:
    mentions = [list(doc.spans["entities"]) for doc in golds]
    concepts = reader(golds, mentions)
    bags = make_bags(concepts, pair_types=allowed, max_distance=10**6, max_mention_pairs=10**6, by_sentence=False)
    relations = [gold_relations(Example(doc, doc), "entities", "concept") for doc in golds]
    targets = gold(relations, concepts, bags).targets
    types = np.stack([concepts.types[bags.first], concepts.types[bags.second]], axis=1)
    keys = np.concatenate([types, pair_features(concepts, bags)], axis=1)
    return Part(golds, mentions, concepts, bags, keys, targets.argmax(axis=1))


def make_systems(train: Part) -> dict[str, System]:
    frequent = int(np.bincount(train.classes[train.classes > 0]).argmax())
    table: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for key, class_ in zip(_table_keys(train.keys), train.classes.tolist(), strict=True):
        table[key][class_] += 1

    def by_table(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, labels = np.zeros(len(keys)), np.full(len(keys), frequent)
        for i, key in enumerate(_table_keys(keys)):
            counts = table.get(key, Counter())
            if held := Counter({class_: n for class_, n in counts.items() if class_}):
                scores[i], labels[i] = held.total() / counts.total(), held.most_common(1)[0][0]
        return scores, labels

    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(random_state=0, max_iter=100, min_samples_leaf=40)
    trees.fit(train.keys, train.classes)

    def by_trees(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        probabilities = trees.predict_proba(keys)
        return 1 - probabilities[:, 0], trees.classes_[1 + probabilities[:, 1:].argmax(axis=1)]

    return {
        "all pairs": lambda keys: (np.ones(len(keys)), np.full(len(keys), frequent)),
        "one sentence": lambda keys: ((keys[:, 2 + CLOSEST] == 0).astype(float), np.full(len(keys), frequent)),
        "table": by_table,
        "boosted trees": by_trees,
    }


def _table_keys(keys: np.ndarray) -> list[tuple[int, ...]]:
    fewest = np.minimum(keys[:, 2:4].min(axis=1), 3)
    columns = [keys[:, 0], keys[:, 1], keys[:, 2 + CLOSEST], fewest]
    return [*map(tuple, np.stack(columns, axis=1).tolist())]


def predict(system: System, part: Part, write: RelationWriter, threshold: float) -> list[Doc]:
    """Documents with the system's predictions for the pairs of the part."""
    scores, classes = system(part.keys)
    pairs = np.flatnonzero(scores >= threshold)
    first = np.searchsorted(part.bags.pair, pairs)
    docs = [doc.copy() for doc in part.golds]
    mentions: Sequence[Sequence[Span]] = [
        [Span(doc, m.start, m.end, m.label, kb_id=m.kb_id_) for m in given]
        for doc, given in zip(docs, part.mentions, strict=True)
    ]
    predicted = PredictedPairs(
        pairs=pairs,
        labels=classes[pairs] - 1,
        backward=np.zeros(len(pairs), dtype=bool),
        scores=scores[pairs],
        novelty=np.full(len(pairs), -1),
        evidence=[[(int(row), 1.0)] for row in first],
    )
    write(docs, mentions, part.concepts, part.bags, predicted)
    return docs


if __name__ == "__main__":
    main()
