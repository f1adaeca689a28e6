"""The official measure of BioRED, on cases made by hand."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, SpanGroup
from spacy.training import Example

from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.interactions import read_concept_relations
from spacy_keci.corpora.pubtator import read_pubtator
from spacy_keci.interactions import cluster_ids
from spacy_keci.reports import Report
from spacy_keci.scoring.concepts import ConceptScorer, best_threshold, make_concept_scorer

NLP = spacy.blank("en")
TEXT = "A B A C D"
IDS = ["1", "2", "1", "3", "4,5"]


def make_doc(interactions: list | None = None, relations: list | None = None, text: str = TEXT) -> Doc:
    doc = NLP(text)
    spans = [doc[i : i + 1] for i in range(5)]
    for span, id in zip(spans, IDS, strict=True):
        span.label_, span.kb_id_ = "Gene", id
    attrs: dict = {}
    if interactions is not None:
        attrs = {"clusters": [[0, 2], [1], [3], [4], [4]], "interactions": interactions}
    if relations is not None:
        attrs["relations"] = relations
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=spans, attrs=attrs)
    return doc


def score(gold: Doc, found: Doc) -> dict:
    return make_concept_scorer()([Example(found, gold)])


class TestMeasure:
    def test_pairs_have_no_order(self) -> None:
        gold = make_doc([[0, 1, "Bind", 1.0, "Novel"]], [])
        found = make_doc([[1, 0, "Bind", 0.7, "Novel"]], [])
        values = score(gold, found)
        assert [values[f"concepts_{table}_f"] for table in ("pair", "typed", "novel")] == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize(
        ("label", "novelty", "expected"),
        [("Bind", "No", [1.0, 1.0, 0.0]), ("Other", "Novel", [1.0, 0.0, 0.0]), ("Bind", "Novel", [1.0, 1.0, 1.0])],
    )
    def test_columns(self, label: str, novelty: str, expected: list[float]) -> None:
        values = score(make_doc([[0, 1, "Bind", 1.0, "Novel"]], []), make_doc([[0, 1, label, 1.0, novelty]], []))
        assert [values[f"concepts_{table}_f"] for table in ("pair", "typed", "novel")] == expected

    def test_micro_averages(self) -> None:
        gold = make_doc([[0, 1, "Bind", 1.0], [0, 2, "Bind", 1.0], [1, 2, "Other", 1.0]], [])
        found = make_doc([[0, 1, "Bind", 1.0], [0, 2, "Other", 1.0]], [])
        values = score(gold, found)
        assert (values["concepts_pair_p"], values["concepts_pair_r"]) == (1.0, pytest.approx(2 / 3))
        assert (values["concepts_typed_p"], values["concepts_typed_r"]) == (0.5, pytest.approx(1 / 3))
        assert values["concepts_per_type"]["Other"] == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 1}
        assert values["concepts_pair_gold"] == 3 and values["concepts_pair_predicted"] == 2

    def test_relations_of_mentions_are_collapsed(self) -> None:
        """What KECI predicts: two mentions of one concept make one relation, and a mention of two makes two."""
        gold = make_doc([[0, 1, "Bind", 1.0], [1, 3, "Bind", 1.0], [1, 4, "Bind", 1.0]], [])
        found = make_doc(None, [[0, 1, "Bind", 0.9], [1, 2, "Bind", 0.8], [1, 4, "Bind", 0.7]])
        values = score(gold, found)
        assert values["concepts_pair_f"] == values["concepts_typed_f"] == 1.0
        assert values["concepts_pair_predicted"] == 3

    def test_documents_count_by_themselves(self) -> None:
        gold = [make_doc([[0, 1, "Bind", 1.0]], []), make_doc([], [])]
        found = [make_doc([], []), make_doc([[0, 1, "Bind", 1.0]], [])]
        values = ConceptScorer()([Example(f, g) for f, g in zip(found, gold, strict=True)])
        assert values["concepts_pair_f"] == 0.0

    def test_texts_that_were_not_annotated_do_not_count(self) -> None:
        values = score(make_doc(), make_doc([[0, 1, "Bind", 1.0]], []))
        assert values["concepts_pair_predicted"] == 0

    def test_biored_against_itself(self, data_dir: Path, tmp_path: Path) -> None:
        """As many relations as its test files have."""
        path = data_dir / "biored" / "BIORED.zip"
        if not path.exists():
            pytest.skip("needs BioRED's BIORED.zip")
        with ZipFile(path) as archive:
            corpus = Path(archive.extract("BioRED/Test.PubTator", tmp_path))
        report = Report()
        docs = [to_doc(text, NLP.make_doc, report) for text in read_pubtator(corpus, report)]
        values = make_concept_scorer()([Example(doc, doc) for doc in docs])
        assert len(docs) == 100 and values["concepts_typed_gold"] == 1163
        assert values["concepts_pair_f"] == values["concepts_novel_f"] == 1.0
        assert values["concepts_per_type"]["Association"]["support"] == 635

    def test_the_strict_scores_stand_beside_them(self) -> None:
        values = score(make_doc(None, [[0, 1, "Bind", 1.0]]), make_doc(None, [[0, 1, "Bind", 1.0]]))
        assert values["relations_micro_f"] == values["concepts_typed_f"] == 1.0


class TestReading:
    def test_clusters_are_named_by_what_their_mentions_share(self) -> None:
        doc = make_doc([[3, 4, "Bind", 1.0]], [])
        group = doc.spans["entities"]
        assert cluster_ids(group) == ["1", "2", "3", "4", "5"]
        group.attrs["cluster_ids"] = list("abcde")
        assert read_concept_relations(group)[0][:2] == ("d", "e")

    def test_concepts_without_an_identifier_are_left_out(self) -> None:
        doc = make_doc([[0, 1, "Bind", 1.0]], [])
        spans = list(doc.spans["entities"])
        spans[1].kb_id_ = ""
        attrs = doc.spans["entities"].attrs
        doc.spans["entities"] = SpanGroup(doc, spans=spans, attrs=attrs)
        assert read_concept_relations(doc.spans["entities"]) == []


class TestThreshold:
    @given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=8))
    def test_no_threshold_is_better(self, rows: list[tuple[int, bool]]) -> None:
        golds, docs = [], []
        for score_, right in rows:
            golds.append(make_doc([[0, 1, "Bind", 1.0]] if right else [], []))
            docs.append(make_doc([[0, 1, "Bind", score_ / 100]], []))
        threshold, pair, typed = best_threshold(golds, docs)

        def f(minimum: float) -> float:
            kept = sum(s / 100 >= minimum for s, _ in rows)
            right = sum(s / 100 >= minimum for s, is_right in rows if is_right)
            return 2 * right / max(kept + sum(is_right for _, is_right in rows), 1)

        best = max(f(t) for t in np.arange(2, 99) / 100)
        assert pair == pytest.approx(typed) == pytest.approx(f(threshold)) == pytest.approx(best)
