import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, SpanGroup

from spacy_keci import Relation, set_relations
from spacy_keci.scoring.concept_threshold import choose_threshold, compare_concepts

NLP = spacy.blank("en")


def make_doc(rows: list) -> Doc:
    doc = NLP("A B C")
    spans = [doc[i : i + 1] for i in range(3)]
    for i, span in enumerate(spans):
        span.kb_id_ = str(i)
    attrs = {"clusters": [[0], [1], [2]], "interactions": rows}
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=spans, attrs=attrs)
    return doc


def choose(docs: list[Doc], golds: list[Doc]) -> tuple[float, float, float]:
    return choose_threshold(*compare_concepts(docs, golds))


class TestThreshold:
    @given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=8))
    def test_none_is_better(self, rows: list[tuple[int, bool]]) -> None:
        golds = [make_doc([[0, 1, "Bind", 1.0]] if right else []) for _, right in rows]
        docs = [make_doc([[1, 0, "Bind", score / 100]]) for score, _ in rows]
        threshold, pair, typed = choose(docs, golds)

        def f(minimum: float) -> float:
            kept = sum(score / 100 >= minimum for score, _ in rows)
            right = sum(score / 100 >= minimum for score, is_right in rows if is_right)
            return 2 * right / max(kept + sum(is_right for _, is_right in rows), 1)

        best = max(f(minimum) for minimum in np.arange(5, 100) / 100)
        assert pair == pytest.approx(typed) == pytest.approx(f(threshold)) == pytest.approx(best)

    def test_labels_count_in_one_of_the_two(self) -> None:
        golds = [make_doc([[0, 1, "Bind", 1.0], [1, 2, "Bind", 1.0]])]
        docs = [make_doc([[0, 1, "Bind", 0.9], [1, 2, "Other", 0.8], [0, 2, "Bind", 0.3]])]
        threshold, pair, typed = choose(docs, golds)
        assert 0.3 < threshold <= 0.8 and (pair, typed) == (1.0, 0.5)

    def test_relations_between_mentions_state_some_too(self) -> None:
        doc = make_doc([])
        doc.spans["entities"] = list(doc.spans["entities"])
        head, tail, _ = doc.spans["entities"]
        set_relations(doc, [Relation(head, tail, "Bind", 0.7)])
        _, items = compare_concepts([doc], [make_doc([[0, 1, "Bind", 1.0]])])
        assert (items.scores.tolist(), items.correct.tolist()) == ([pytest.approx(0.7)], [True])

    def test_items_that_reach_it(self) -> None:
        docs = [make_doc([[0, 1, "Bind", 0.9], [1, 2, "Other", 0.8], [0, 2, "Bind", 0.3]])]
        _, items = compare_concepts(docs, [make_doc([[0, 1, "Bind", 1.0], [1, 2, "Bind", 1.0]])])
        assert (items.reaching(0.5).correct.tolist(), items.reaching(0.5).gold) == ([True, False], 2)
        assert items.reaching(0.3).scores.tolist() == pytest.approx([0.9, 0.8, 0.3])
