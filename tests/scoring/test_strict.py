from collections import Counter

import hypothesis.strategies as st
import pytest
import spacy
from hypothesis import given
from spacy.training import Example

from spacy_keci.scoring.strict import StrictScorer, make_strict_scorer
from spacy_keci.tokens import SPANS_KEY

from .graphs import make_doc, make_example

TEXT = "aa bb cc dd"
A, B, C = (0, 2, "GENE"), (3, 5, "GENE"), (6, 8, "DRUG")


def f1(p: float, r: float) -> float:
    return 2 * p * r / (p + r) if p + r else 0.0


def test_registered():
    scorer = spacy.registry.scorers.get("spacy_keci.strict_scorer.v1")(symmetric=["binds"])
    assert scorer == StrictScorer("entities", frozenset({"binds"}))


def test_hand_computed(nlp):
    """Two of three gold mentions found, one with a wrong type; one relation right, one with a wrong label."""
    gold = [A, B, C, (0, 5, "COMPLEX")], [(0, 1, "binds"), (1, 2, "inhibits")]
    predicted = [A, B, (6, 8, "GENE"), (0, 5, "COMPLEX")], [(0, 1, "binds"), (1, 2, "inhibits"), (0, 2, "inhibits")]
    scores = make_strict_scorer()([make_example(nlp, TEXT, gold, predicted)], nlp=nlp)
    assert scores["entities_micro_p"] == scores["entities_micro_r"] == scores["entities_micro_f"] == 0.75
    assert scores["entities_per_type"] == {
        "COMPLEX": {"p": 1.0, "r": 1.0, "f": 1.0, "support": 1},
        "DRUG": {"p": 0.0, "r": 0.0, "f": 0.0, "support": 1},
        "GENE": {"p": pytest.approx(2 / 3), "r": 1.0, "f": pytest.approx(0.8), "support": 2},
    }
    assert scores["entities_macro_p"] == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert scores["entities_macro_r"] == pytest.approx(2 / 3)
    assert scores["entities_macro_f"] == pytest.approx((1 + 0 + 0.8) / 3)
    # inhibits(B, C): C has the wrong type, so it counts only where types are ignored
    assert scores["relations_micro_p"] == pytest.approx(1 / 3)
    assert scores["relations_micro_r"] == pytest.approx(1 / 2)
    assert scores["relations_micro_f"] == pytest.approx(0.4)
    assert scores["relations_macro_f"] == pytest.approx(0.5)
    assert scores["relations_untyped_micro_p"] == pytest.approx(2 / 3)
    assert scores["relations_untyped_micro_r"] == 1.0
    sizes = {name: scores[name] for name in scores if name.endswith(("gold", "predicted", "unreachable"))}
    assert sizes == {
        "entities_gold": 4,
        "entities_predicted": 4,
        "relations_gold": 2,
        "relations_predicted": 3,
        "relations_untyped_gold": 2,
        "relations_untyped_predicted": 3,
        "entities_unreachable": 0,
        "relations_unreachable": 0,
    }


@pytest.mark.parametrize(("symmetric", "expected"), [([], 0.0), (["inhibits"], 0.0), (["binds"], 1.0)])
def test_direction(nlp, symmetric, expected):
    example = make_example(nlp, TEXT, ([A, C], [(0, 1, "binds")]), ([A, C], [(1, 0, "binds")]))
    scores = make_strict_scorer(symmetric=symmetric)([example])
    assert scores["relations_micro_f"] == scores["relations_untyped_micro_f"] == expected


def test_settings_of_the_component_win(nlp):
    example = make_example(nlp, TEXT, ([A, C], [(0, 1, "binds")]), ([A, C], [(1, 0, "binds")]))
    for doc in (example.reference, example.predicted):
        doc.spans["mine"] = doc.spans.pop("entities")
    scores = make_strict_scorer()([example], spans_key="mine", symmetric=["binds"], labels=("GENE",))
    assert scores["relations_micro_f"] == 1.0


def test_gold_beyond_the_tokens_is_missed():
    """spaCy's own tokenizer keeps "x.y" whole, so gold inside it cannot be predicted."""
    nlp = spacy.blank("en")
    gold = make_doc(nlp, "x.y z", [(0, 1, "GENE"), (4, 5, "GENE")], [(0, 1, "binds")])
    predicted = make_doc(nlp, "x.y z", [(4, 5, "GENE")])
    assert (len(gold), len(predicted)) == (3, 2)
    scores = make_strict_scorer()([Example(predicted, gold)])
    assert scores["entities_micro_p"] == 1.0 and scores["entities_micro_r"] == 0.5
    assert scores["relations_micro_r"] == 0.0
    assert (scores["entities_unreachable"], scores["relations_unreachable"]) == (1, 1)


def test_tokenised_differently_but_reachable(nlp):
    gold = make_doc(spacy.blank("en"), "x.y p53", [(4, 7, "GENE")])
    predicted = make_doc(nlp, "x.y p53", [(4, 7, "GENE")])
    assert [t.text for t in gold] != [t.text for t in predicted]
    scores = make_strict_scorer()([Example(predicted, gold)])
    assert scores["entities_micro_f"] == 1.0 and scores["entities_unreachable"] == 0


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [(([], []), ([], [])), (([A, B], [(0, 1, "binds")]), ([], [])), (([], []), ([A, B], [(0, 1, "binds")]))],
)
def test_nothing_to_score_is_zero(nlp, gold, predicted):
    scores = make_strict_scorer()([make_example(nlp, TEXT, gold, predicted)])
    assert {scores[name] for name in scores if name[-2:] in ("_p", "_r", "_f")} == {0.0}


def test_missing_key_in_the_prediction_is_no_prediction(nlp):
    scores = make_strict_scorer()([Example(nlp.make_doc(TEXT), make_doc(nlp, TEXT, [A]))])
    assert scores["entities_predicted"] == 0 and scores["entities_micro_r"] == 0.0


def test_relations_that_nobody_has_annotated_are_not_scored(nlp):
    example = make_example(nlp, TEXT, ([A, B], []), ([A, B], [(0, 1, "binds")]))
    assert make_strict_scorer()([example])["relations_predicted"] == 1
    del example.reference.spans[SPANS_KEY].attrs["relations"]
    scores = make_strict_scorer()([example])
    assert scores["relations_predicted"] == 0 and scores["entities_micro_f"] == 1.0


def test_missing_key_in_the_gold_is_an_error(nlp):
    gold = nlp.make_doc(TEXT)
    gold.user_data["id"] = "pmid-7"
    examples = [make_example(nlp, TEXT), Example(nlp.make_doc(TEXT), gold)]
    with pytest.raises(ValueError, match=r"document 2 \(pmid-7\).*doc.spans\['entities'\]"):
        make_strict_scorer()(examples)
    with pytest.raises(ValueError, match=r"document 1 .*doc.spans\['mine'\]"):
        make_strict_scorer(spans_key="mine")(examples)


def test_other_text_is_an_error(nlp):
    with pytest.raises(ValueError, match="has other text"):
        make_strict_scorer()([Example(nlp.make_doc("aa bb"), make_doc(nlp, "aa cc", [A]))])


offsets = st.sampled_from([(0, 2), (3, 5), (0, 5), (6, 8)])
mentions = st.lists(st.builds(lambda at, label: (*at, label), offsets, st.sampled_from("XY")), max_size=5)


@st.composite
def graphs(draw):
    found = draw(mentions)
    ends = st.integers(0, len(found) - 1)
    triple = st.tuples(ends, ends, st.sampled_from(["binds", "inhibits"]))
    return found, draw(st.lists(triple, max_size=6)) if found else []


NLP = spacy.blank("en")


@given(st.lists(st.tuples(graphs(), graphs()), max_size=4))
def test_against_slow_plain_version(pairs):
    """Counts item by item, and macro scores by averaging what a plain loop finds for each label."""
    examples = [make_example(NLP, TEXT, gold, predicted) for gold, predicted in pairs]
    scores = make_strict_scorer(symmetric=["binds"])(examples)
    counts = {kind: {what: Counter() for what in ("tp", "gold", "predicted")} for kind in ("entities", "relations")}
    for gold, predicted in pairs:
        for kind, read in (("entities", lambda graph: graph[0]), ("relations", plain_relations)):
            truth, guess = unique(read(gold)), unique(read(predicted))
            for item in truth:
                counts[kind]["gold"][item[-1]] += 1
                counts[kind]["tp"][item[-1]] += any(item == other for other in guess)
            for item in guess:
                counts[kind]["predicted"][item[-1]] += 1
    for kind, count in counts.items():
        tp, gold, predicted = (sum(count[what].values()) for what in ("tp", "gold", "predicted"))
        assert scores[f"{kind}_gold"] == gold and scores[f"{kind}_predicted"] == predicted
        p, r = tp / predicted if predicted else 0, tp / gold if gold else 0
        assert scores[f"{kind}_micro_p"] == pytest.approx(p)
        assert scores[f"{kind}_micro_r"] == pytest.approx(r)
        assert scores[f"{kind}_micro_f"] == pytest.approx(f1(p, r))
        rows = []
        for label in sorted(set(count["gold"]) | set(count["predicted"])):
            tp, gold, predicted = (count[what][label] for what in ("tp", "gold", "predicted"))
            p, r = tp / predicted if predicted else 0, tp / gold if gold else 0
            rows.append((p, r, f1(p, r)))
            assert scores[f"{kind}_per_type"][label]["support"] == gold
            assert scores[f"{kind}_per_type"][label]["f"] == pytest.approx(f1(p, r))
        for i, what in enumerate("prf"):
            mean = sum(row[i] for row in rows) / len(rows) if rows else 0
            assert scores[f"{kind}_macro_{what}"] == pytest.approx(mean)


def plain_relations(graph):
    found, relations = graph
    items = []
    for head, tail, label in relations:
        a, b = found[head], found[tail]
        if label == "binds" and b < a:
            a, b = b, a
        items.append((a, b, label))
    return items


def unique(items):
    return [item for i, item in enumerate(items) if item not in items[:i]]
