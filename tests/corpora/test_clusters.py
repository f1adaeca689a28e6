from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.clusters import ConceptRelation, concept_relations, relate_concepts
from spacy_keci.interactions import concept_clusters
from spacy_keci.reports import Report

MENTIONS = [
    Mention(0, 4, "gene", "5604,5605"),
    Mention(5, 9, "gene", "5604"),
    Mention(10, 14, "disease"),
    Mention(15, 19, "disease", "D007674|D006937"),
    Mention(20, 24, "variant", "p|SUB|V|600|E"),
]


def text() -> AnnotatedText:
    return AnnotatedText("x" * 24, list(MENTIONS), id="d1")


def test_a_concept_has_all_mentions_that_carry_it() -> None:
    ids, clusters = concept_clusters([mention.kb_id for mention in MENTIONS])
    assert list(zip(ids, clusters, strict=True)) == [
        ("5604", [0, 1]),
        ("5605", [0]),
        ("D007674|D006937", [3]),
        ("D007674", [3]),
        ("D006937", [3]),
        ("p|SUB|V|600|E", [4]),
        ("", [2]),
    ]


def test_relations_of_concepts_come_back() -> None:
    relations = [
        ConceptRelation("5604", "D006937", "Association", novelty="Novel"),
        ConceptRelation("D007674", "5605", "Association", 0.5),
        ConceptRelation("5604", "5604", "Bind"),
    ]
    report = Report()
    related = relate_concepts(text(), relations, report)
    assert related.relations == [
        RelationTriple(0, 3, "Association"),
        RelationTriple(1, 3, "Association"),
        RelationTriple(3, 0, "Association", 0.5),
        RelationTriple(0, 1, "Bind"),
    ]
    assert len(related.interactions or []) == 3
    assert concept_relations(related) == (relations, [])
    related.relations.append(RelationTriple(4, 2, "Cause"))
    assert concept_relations(related) == (relations, [RelationTriple(4, 2, "Cause")])
    assert not report.counts


def test_relations_that_hold_of_nothing_are_counted() -> None:
    report = Report()
    related = relate_concepts(
        text(),
        [ConceptRelation("5604", "99", "x"), ConceptRelation("", "5604", "x"), ConceptRelation("5604", "5605", "")],
        report,
    )
    assert related == text()
    assert report.counts == {
        "dropped: relation of a concept that no mention has": 2,
        "dropped: relation without a label": 1,
    }


def test_clusters_without_identifiers_leave_their_relations() -> None:
    relations = [RelationTriple(0, 2, "x"), RelationTriple(1, 2, "x")]
    interactions = [Interaction(0, 1, "x")]
    clustered = AnnotatedText("x" * 24, MENTIONS[:3], relations, clusters=[[0, 1], [2]], interactions=interactions)
    assert concept_relations(clustered) == ([], relations)
