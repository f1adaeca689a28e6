import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_keci.interactions import Interaction, set_interactions
from spacy_keci.scoring.concept_threshold import compare_concepts
from spacy_keci.scoring.concepts import ConceptScorer
from spacy_keci.span_groups import set_span_graph

NLP = spacy.blank("en")


def make_doc(interactions: list[Interaction] | None = None, relations: list | None = None) -> Doc:
    """Mentions of the concepts 1, 2, and 3 and 4 together."""
    doc = NLP("A B CD")
    spans = [Span(doc, i, i + 1, "Gene", kb_id=kb_id) for i, kb_id in enumerate(("1", "2", "3,4"))]
    set_span_graph(doc, "entities", spans, relations)
    if interactions is not None:
        set_interactions(doc, interactions)
    return doc


def test_pairs_labels_and_novelty() -> None:
    gold = make_doc([Interaction("2", "1", "Bind", novelty="Novel"), Interaction("3", "1", "Bind", novelty="No")])
    found = make_doc([Interaction("1", "2", "Bind", novelty="No"), Interaction("1", "3", "Other", novelty="No")])
    scores = ConceptScorer()([Example(found, gold)])
    assert scores["concepts_pair_f"] == 1.0 and scores["concepts_typed_f"] == scores["concepts_novelty_f"] == 0.5
    assert scores["concepts_full_f"] == 0.0 and scores["concepts_full_gold"] == 2


def test_each_concept_of_a_mention_is_related() -> None:
    gold = make_doc([Interaction("1", "3", "Bind"), Interaction("1", "4", "Bind")])
    scores = ConceptScorer()([Example(make_doc(relations=[[0, 2, "Bind", 0.9], [2, 0, "Bind", 0.8]]), gold)])
    assert scores["concepts_typed_f"] == 1.0 and scores["concepts_typed_predicted"] == 2
    assert "concepts_novelty_f" not in scores


def test_gold_without_identifiers_is_counted() -> None:
    gold = make_doc()
    spans, rows = list(gold.spans["entities"]), [[0, 1, "Bind", 1.0], [0, 2, "Bind", 1.0]]
    spans[1] = Span(gold, 1, 2, "Gene", kb_id="-")
    set_span_graph(gold, "entities", spans, rows)
    scores = ConceptScorer()([Example(gold, gold)])
    assert scores["concepts_pair_gold"] == 2 and scores["concepts_unidentified"] == 1
    rows = [[0, 2, "Bind", 1.0], [1, 2, "Bind", 1.0], [0, 1, "Bind", 1.0]]
    clusters = {"clusters": [[0], [1], [2]], "cluster_ids": ["1", "", "3"]}
    set_span_graph(gold, "entities", spans, [], interactions=rows, **clusters)
    scores = ConceptScorer()([Example(gold, gold)])
    assert scores["concepts_pair_gold"] == 1 and scores["concepts_unidentified"] == 2


def test_where_nothing_is_annotated_nothing_is_wrong() -> None:
    found = make_doc([Interaction("1", "2", "Bind")])
    for gold, n_predicted in ((make_doc(), 0), (make_doc(relations=[]), 1), (make_doc([]), 1)):
        assert ConceptScorer()([Example(found, gold)])["concepts_pair_predicted"] == n_predicted
        pairs, _ = compare_concepts([found], [gold])
        assert len(pairs.scores) == n_predicted
