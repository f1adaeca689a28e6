"""The official score against a slow plain version that reads BioRelEx's own JSON records."""

from typing import Any

import hypothesis.strategies as st
import pytest
import spacy
from hypothesis import given
from spacy.training import Example

from spacy_keci.corpora.biorelex import read_biorelex
from spacy_keci.corpora.documents import from_doc, to_docs
from spacy_keci.reports import Report
from spacy_keci.scoring.biorelex import BioRelExScorer, is_annotated_by_names, make_biorelex_scorer

from .graphs import make_doc, make_example

TEXT = "A B AB A C B"
PLACES = [(0, 1), (2, 3), (4, 6), (7, 8), (9, 10), (11, 12), (0, 3)]
NLP = spacy.blank("en")


def test_registered():
    assert spacy.registry.scorers.get("spacy_keci.biorelex_scorer.v1")() == BioRelExScorer()


def test_types_and_labels_are_ignored(nlp):
    gold = [(0, 1, "protein"), (2, 3, "protein")], [(0, 1, "1")]
    predicted = [(0, 1, "chemical"), (2, 3, "DNA")], [(1, 0, "-1")]
    scores = make_biorelex_scorer()([make_example(nlp, TEXT, gold, predicted)])
    assert scores["biorelex_mentions_f"] == scores["biorelex_relations_f"] == 1.0
    assert scores["entities_micro_f"] == scores["relations_micro_f"] == 0.0


def test_every_name_of_the_cluster_is_needed(nlp):
    """The first cluster has two names; a pair found of an interaction that is missed is no false positive."""
    gold = make_doc(
        nlp,
        TEXT,
        [(0, 1, "protein"), (4, 6, "protein"), (9, 10, "protein")],
        clusters=[[0, 1], [2]],
        interactions=[(0, 1, "1")],
    )
    mentions = [(0, 1, "protein"), (4, 6, "protein"), (9, 10, "protein"), (2, 3, "protein")]
    counts = {
        "nothing": ([], (0, 0, 1)),
        "one of the two": ([(0, 2, "1")], (0, 0, 1)),
        "all": ([(0, 2, "1"), (2, 1, "0")], (1, 0, 0)),
        "all and a wrong one": ([(0, 2, "1"), (1, 2, "1"), (3, 2, "1")], (1, 1, 0)),
    }
    for relations, expected in counts.values():
        example = Example(make_doc(nlp, TEXT, mentions, relations), gold)
        table = make_biorelex_scorer().tables([example])["biorelex_relations"]
        assert tuple(table.counts[0, 0]) == expected


def test_nothing_to_score_is_zero(nlp):
    for examples in ([], [make_example(nlp, TEXT)]):
        scores = make_biorelex_scorer()(examples)
        assert {scores[name] for name in scores if name[-2:] in ("_p", "_r", "_f")} == {0.0}


@st.composite
def records(draw) -> dict[str, Any]:
    """A sentence as BioRelEx writes it: clusters of names, each with its mentions, and interactions of clusters."""
    entities = []
    for places in draw(st.lists(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4), max_size=4)):
        names: dict[str, Any] = {}
        for start, end in places:
            name = names.setdefault(TEXT[start:end], {"is_mentioned": True, "mentions": []})
            name["mentions"].append([start, end])
        if draw(st.booleans()):
            names.setdefault("elsewhere", {"is_mentioned": False, "mentions": []})
        entities.append({"label": draw(st.sampled_from(["protein", "DNA"])), "names": names})
    interactions = []
    if entities:
        ends = st.integers(0, len(entities) - 1)
        for pair in draw(st.lists(st.tuples(ends, ends), max_size=4)):
            interactions.append({"participants": list(pair), "label": draw(st.sampled_from([1, 0, -1]))})
    return {"text": TEXT, "entities": entities, "interactions": interactions}


def doc_of(record: dict[str, Any]):
    mentions, clusters = [], []
    for entity in record["entities"]:
        places = [place for name in entity["names"].values() for place in name["mentions"]]
        clusters.append(list(range(len(mentions), len(mentions) + len(places))))
        mentions += [(*place, entity["label"]) for place in places]
    interactions = [(*i["participants"], str(i["label"])) for i in record["interactions"]]
    return make_doc(NLP, record["text"], mentions, clusters=clusters, interactions=interactions)


@st.composite
def predictions(draw):
    """Mentions and relations of a system: (start, end, label), and (head, tail, label)."""
    places = draw(st.lists(st.sampled_from(PLACES), max_size=5))
    ends = st.integers(0, len(places) - 1)
    relations = draw(st.lists(st.tuples(ends, ends), max_size=5)) if places else []
    return [(*place, "protein") for place in places], [(*pair, "1") for pair in relations]


def record_of(mentions, relations) -> dict[str, Any]:
    names = [{TEXT[s:e]: {"is_mentioned": True, "mentions": [[s, e]]}} for s, e, _ in mentions]
    return {
        "text": TEXT,
        "entities": [{"label": "protein", "names": each} for each in names],
        "interactions": [{"participants": list(pair), "label": 1} for *pair, _ in relations],
    }


def plain_mentions(record) -> list[tuple]:
    found = []
    for entity in record["entities"]:
        for name, details in entity["names"].items():
            for start, end in details["mentions"] if details["is_mentioned"] else []:
                if (name, start, end) not in found:
                    found.append((name, start, end))
    return found


def plain_pairs(record, interaction) -> list[list[str]]:
    first, second = (record["entities"][i]["names"] for i in interaction["participants"])
    pairs = []
    for a in first:
        for b in second:
            if first[a]["is_mentioned"] and second[b]["is_mentioned"] and sorted([a, b]) not in pairs:
                pairs.append(sorted([a, b]))
    return pairs


def plain_counts(gold, predicted) -> dict[str, list[int]]:
    truth, guess = plain_mentions(gold), plain_mentions(predicted)
    hits = [mention for mention in guess if mention in truth]
    guesses: list[list[str]] = []
    for interaction in predicted["interactions"]:
        guesses += [pair for pair in plain_pairs(predicted, interaction) if pair not in guesses]
    wanted = [plain_pairs(gold, interaction) for interaction in gold["interactions"]]
    found = sum(all(pair in guesses for pair in pairs) for pairs in wanted)
    wrong = sum(not any(pair in pairs for pairs in wanted) for pair in guesses)
    return {
        "biorelex_mentions": [len(hits), len(guess) - len(hits), len(truth) - len(hits)],
        "biorelex_relations": [found, wrong, len(wanted) - found],
    }


@given(st.lists(st.tuples(records(), predictions()), min_size=1, max_size=4))
def test_against_slow_plain_version(pairs):
    examples = [Example(make_doc(NLP, TEXT, *predicted), doc_of(gold)) for gold, predicted in pairs]
    scores = make_biorelex_scorer()(examples)
    counts = [plain_counts(gold, record_of(*predicted)) for gold, predicted in pairs]
    for name, table in make_biorelex_scorer().tables(examples).items():
        if name.startswith("biorelex"):
            assert table.counts.sum(axis=1).tolist() == [count[name] for count in counts]
            tp, fp, fn = (sum(count[name][i] for count in counts) for i in range(3))
            p, r = tp / (tp + fp) if tp + fp else 0, tp / (tp + fn) if tp + fn else 0
            assert scores[f"{name}_p"] == pytest.approx(p)
            assert scores[f"{name}_r"] == pytest.approx(r)
            assert scores[f"{name}_f"] == pytest.approx(2 * p * r / (p + r) if p + r else 0)


def test_gold_against_itself(data_dir, nlp):
    report = Report()
    docs = list(to_docs(read_biorelex(data_dir / "biorelex" / "dev.json", report), nlp.make_doc, report))
    assert is_annotated_by_names(docs)
    scores = make_biorelex_scorer()([Example(doc, doc) for doc in docs])
    assert scores["biorelex_mentions_f"] == scores["entities_micro_f"] == scores["relations_micro_f"] == 1.0
    assert scores["biorelex_relations_gold"] == 294
    assert scores["biorelex_relations_f"] == 1.0
    # as a pipeline predicts: relations between mentions, of which one that has a single mention has none with itself
    predicted = [make_doc(nlp, doc.text, from_doc(doc).mentions, from_doc(doc).relations) for doc in docs]
    scores = make_biorelex_scorer()([Example(*pair) for pair in zip(predicted, docs, strict=True)])
    assert scores["biorelex_relations_p"] == 1.0
    assert scores["biorelex_relations_r"] == pytest.approx(293 / 294)


def test_predictions_with_clusters_are_scored_by_their_interactions(nlp):
    """Of a name with itself there is no pair of mentions, and the program finds it all the same."""
    gold = make_doc(nlp, "FKBP12 binds FKBP12.", [(0, 6, "protein")], clusters=[[0]], interactions=[(0, 0, "bind")])
    (counts,) = make_biorelex_scorer().tables([Example(gold.copy(), gold)])["biorelex_relations"].counts
    assert counts.tolist() == [[1, 0, 0]]


@given(record=records(), other=records())
def test_records_as_predictions(record, other):
    """What another system writes, as the program reads it: interactions of clusters."""
    gold, predicted = doc_of(record), doc_of(other)
    (counts,) = make_biorelex_scorer().tables([Example(predicted, gold)])["biorelex_relations"].counts
    assert counts[0].tolist() == plain_counts(record, other)["biorelex_relations"]


def test_corpora_of_concepts_are_not_scored_by_names(nlp):
    def gold(*kb_ids, interactions=((0, 1, "x"),)):
        mentions = [(i, i + 1, "protein", kb_id) for i, kb_id in zip((0, 2, 9), kb_ids, strict=True)]
        return make_doc(nlp, TEXT, mentions, clusters=[[0], [1], [2]], interactions=interactions)

    without = make_doc(nlp, TEXT, [(0, 1, "protein", "C:1")], [])
    by_concepts = gold("C:1", "C:2", "")
    assert not is_annotated_by_names([without, by_concepts])
    assert is_annotated_by_names([by_concepts, gold("C:1", "", "C:3")])
    assert is_annotated_by_names([gold("", "", "", interactions=())])
    assert not is_annotated_by_names([by_concepts, gold("", "", "", interactions=())])
