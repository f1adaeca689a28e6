from collections.abc import Container
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.concept_pairs.features import (
    MENTION_PAIR_FEATURES,
    PAIR_FEATURES,
    mention_pair_features,
    pair_features,
)
from spacy_keci.ml.concept_pairs.pairs import Bags, Concepts, make_bags

Mention = tuple[int, int, int]


def make_concepts(docs: list[list[tuple[int, list[Mention]]]]) -> Concepts:
    """docs: of each, concepts of a type with mentions of start, length and sentence."""
    mentions, sentences, doc, types, members = [], [], [], [], []
    for d, concepts in enumerate(docs):
        for type_, named in concepts:
            for start, length, sentence in named:
                members.append((len(doc), len(mentions)))
                mentions.append((d, start, start + length))
                sentences.append(sentence)
            doc.append(d)
            types.append(type_)
    rows = np.array(members, dtype="int64").reshape(-1, 2)
    return Concepts(
        mentions=np.array(mentions, dtype="int64").reshape(-1, 3),
        sentences=np.array(sentences, dtype="int64"),
        doc=np.array(doc, dtype="int64"),
        types=np.array(types, dtype="int64"),
        member_concept=rows[:, 0],
        member_mention=rows[:, 1],
        ids=[str(i) for i in range(len(doc))],
    )


mention = st.tuples(st.integers(0, 30), st.integers(1, 3), st.integers(0, 3))
concept = st.tuples(st.integers(0, 2), st.lists(mention, min_size=1, max_size=4))
batches = st.lists(st.lists(concept, max_size=4), max_size=3).map(make_concepts)


def plain(
    concepts: Concepts, allowed: set | None, distance: int, limit: int, by_sentence: bool, ordered: Container
) -> dict:
    """The same with loops: (first, second) -> mention pairs, the closest first."""
    members: dict[int, list[int]] = {}
    for c, m in zip(concepts.member_concept.tolist(), concepts.member_mention.tolist(), strict=True):
        members.setdefault(c, []).append(m)
    start = concepts.mentions[:, 1].tolist()
    bags = {}
    for pair in combinations(range(len(concepts.doc)), 2):
        if concepts.doc[pair[0]] != concepts.doc[pair[1]]:
            continue
        key = [(int(concepts.types[c]), min(start[m] for m in members[c])) for c in pair]
        if key[0] == key[1]:  # either may be the first
            first, second = pair if pair in ordered else pair[::-1]
        else:
            first, second = pair if key[0] < key[1] else pair[::-1]
        if allowed is not None and (int(concepts.types[first]), int(concepts.types[second])) not in allowed:
            continue
        named = [
            (abs(start[a] - start[b]), start[a], start[b], a, b)
            for a, b in product(members[first], members[second])
            if abs(start[a] - start[b]) <= distance
            and tuple(concepts.mentions[a]) != tuple(concepts.mentions[b])
            and (not by_sentence or concepts.sentences[a] == concepts.sentences[b])
        ]
        if named:
            bags[first, second] = [each[0] for each in sorted(named)][:limit]
    return bags


class TestBags:
    @given(batches, st.none() | st.just({(0, 1), (1, 1)}), st.integers(1, 40), st.integers(1, 5), st.booleans())
    def test_the_same_as_with_loops(
        self, concepts: Concepts, allowed: set | None, distance: int, limit: int, by_sentence: bool
    ) -> None:
        bags = make_bags(
            concepts, pair_types=allowed, max_distance=distance, max_mention_pairs=limit, by_sentence=by_sentence
        )
        start = concepts.mentions[:, 1]
        found: dict = {}
        for pair, left, right in zip(bags.pair.tolist(), bags.left.tolist(), bags.right.tolist(), strict=True):
            ends = int(bags.first[pair]), int(bags.second[pair])
            found.setdefault(ends, []).append(abs(int(start[left]) - int(start[right])))
        assert found == plain(concepts, allowed, distance, limit, by_sentence, found)
        assert len(bags) == len(found)
        assert (np.diff(concepts.doc[bags.first]) >= 0).all() and (np.diff(bags.pair) >= 0).all()

    @given(batches, st.data())
    def test_parts_hold_everything_once(self, concepts: Concepts, data: st.DataObject) -> None:
        bags = bags_of(concepts)
        cut = data.draw(st.integers(0, len(bags)))
        parts = [bags.part(0, cut), bags.part(cut, len(bags))]
        for name in ("first", "second", "left", "right"):
            whole = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(whole, getattr(bags, name))
        np.testing.assert_array_equal(np.concatenate([parts[0].pair, parts[1].pair + cut]), bags.pair)

    def test_the_order_does_not_depend_on_the_text_where_types_differ(self) -> None:
        for order in (1, -1):
            concepts = make_concepts([[(2, [(0, 1, 0)]), (1, [(5, 1, 0)])][::order]])
            bags = bags_of(concepts)
            assert concepts.types[bags.first].tolist() == [1]

    def test_cost_is_linear_in_the_pairs_within_reach(self) -> None:
        """200,000 mentions, each a concept, would be 20 billion pairs."""
        concepts = make_concepts([[(1, [(10 * i, 1, i)]) for i in range(200_000)]])
        bags = make_bags(concepts, pair_types=None, max_distance=20, max_mention_pairs=4, by_sentence=False)
        assert len(bags) == 199_999 + 199_998


def bags_of(concepts: Concepts) -> Bags:
    return make_bags(concepts, pair_types=None, max_distance=100, max_mention_pairs=9, by_sentence=False)


class TestFeatures:
    @given(batches)
    def test_they_stay_within_their_sizes(self, concepts: Concepts) -> None:
        bags = bags_of(concepts)
        for values, sizes in (
            (pair_features(concepts, bags), PAIR_FEATURES),
            (mention_pair_features(concepts, bags), MENTION_PAIR_FEATURES),
        ):
            assert values.shape[1] == len(sizes)
            assert ((values >= 0) & (values < list(sizes.values()))).all()

    def test_by_hand(self) -> None:
        # the first concept in sentences 0 and 2, the second in 2 and 3, of four sentences
        concepts = make_concepts([[(1, [(0, 2, 0), (20, 1, 2)]), (2, [(22, 1, 2), (40, 1, 3)])]])
        bags = bags_of(concepts)
        values = dict(zip(PAIR_FEATURES, pair_features(concepts, bags)[0].tolist(), strict=True))
        assert values == {
            "mentions of the first": 2,
            "mentions of the second": 2,
            "sentences between the closest mentions": 0,
            "sentences with both": 1,
            "the first is in the first sentence": 1,
            "the second is in the first sentence": 0,
            "the first is in the last sentence": 0,
            "the second is in the last sentence": 1,
        }
        closest = mention_pair_features(concepts, bags)[0].tolist()
        assert closest == [2, 0, 0]  # one token between, one sentence, in order

    @pytest.mark.parametrize(("gap", "bucket"), [(-1, 0), (0, 1), (1, 2), (2, 2), (3, 3), (7, 4), (1000, 8)])
    def test_distances_are_counted_in_powers_of_two(self, gap: int, bucket: int) -> None:
        concepts = make_concepts([[(1, [(0, 2, 0)]), (2, [(2 + gap, 2, 0)])]])
        bags = make_bags(concepts, pair_types=None, max_distance=2000, max_mention_pairs=9, by_sentence=False)
        assert mention_pair_features(concepts, bags)[0, 0] == bucket
