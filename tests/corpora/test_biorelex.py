import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.biorelex import read_biorelex, write_biorelex
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.reports import Report

TEXT = "Fas (CD95) binds FADD; Fas does not bind Bcl-2."


def entity(label: str, **names: list[list[int]]) -> dict[str, Any]:
    return {
        "label": label,
        "names": {name.replace("_", "-"): {"is_mentioned": bool(m), "mentions": m} for name, m in names.items()},
    }


def interaction(a: int, b: int, label: int = 1, implicit: bool = False) -> dict[str, Any]:
    return {"participants": [a, b], "type": "bind", "label": label, "implicit": implicit}


def sentence(**changes: Any) -> dict[str, Any]:
    return {
        "id": "s1",
        "paperid": "123",
        "text": TEXT,
        "entities": [
            entity("protein", Fas=[[0, 3], [23, 26]], CD95=[[5, 9]], APO_1=[]),
            entity("protein", FADD=[[17, 21]]),
            entity("protein", Bcl_2=[[41, 46]]),
        ],
        "interactions": [interaction(1, 0), interaction(0, 2, -1)],
        **changes,
    }


def write(path: Path, *sentences: Any) -> Path:
    path.write_text(json.dumps(sentences), encoding="utf8")
    return path


def read(path: Path) -> tuple[list[AnnotatedText], Report]:
    report = Report()
    return list(read_biorelex(path, report)), report


def test_clusters_interactions_and_relations(tmp_path: Path) -> None:
    (text,), report = read(write(tmp_path / "x.json", sentence()))
    assert (text.id, text.group, text.text) == ("s1", "123", TEXT)
    assert [TEXT[m.start : m.end] for m in text.mentions] == ["Fas", "Fas", "CD95", "FADD", "Bcl-2"]
    assert text.clusters == [[0, 1, 2], [3], [4]]
    assert text.interactions == [Interaction(1, 0, "bind"), Interaction(0, 2, "bind_negative")]
    assert set(text.relations) == {
        RelationTriple(0, 3, "bind"),
        RelationTriple(3, 1, "bind"),
        RelationTriple(2, 3, "bind"),
        RelationTriple(0, 4, "bind_negative"),
        RelationTriple(1, 4, "bind_negative"),
        RelationTriple(2, 4, "bind_negative"),
    }
    assert report.counts == {"names not mentioned in the text": 1}


def test_duplicate_interactions_are_kept_and_their_relations_are_not_doubled(tmp_path: Path) -> None:
    interactions = [interaction(0, 1), interaction(1, 0), interaction(1, 0, 0, implicit=True)]
    (text,), report = read(write(tmp_path / "x.json", sentence(interactions=interactions)))
    assert len(text.interactions or []) == 3
    assert len(text.relations) == 6
    assert {r.label for r in text.relations} == {"bind", "bind_uncertain"}
    assert report.counts["implicit interactions"] == 1


def test_interaction_of_a_cluster_with_itself(tmp_path: Path) -> None:
    (text,), report = read(write(tmp_path / "x.json", sentence(interactions=[interaction(0, 0), interaction(1, 1)])))
    assert text.relations == [RelationTriple(*pair, "bind") for pair in [(0, 2), (0, 1), (2, 1)]]
    assert len(text.interactions or []) == 2
    assert report.counts["interactions without a pair of mentions, kept as interactions only"] == 1


def test_same_mention_in_two_entities(tmp_path: Path) -> None:
    entities = [entity("protein", Fas=[[0, 3]]), entity("protein", Fas=[[0, 3]]), entity("protein", FADD=[[17, 21]])]
    interactions = [interaction(0, 2), interaction(1, 2), interaction(0, 1)]
    (text,), report = read(write(tmp_path / "x.json", sentence(entities=entities, interactions=interactions)))
    assert text.clusters == [[0], [1], [2]]
    assert text.relations == [RelationTriple(0, 2, "bind")]
    assert report.counts["interactions without a pair of mentions, kept as interactions only"] == 1


def test_malformed_parts_are_reported_by_id(tmp_path: Path) -> None:
    bad_offsets = [entity("protein", Fas=[[1, 4], [-3, 0], [0, 3]]), entity("protein", FADD=[[17, 99]])]
    bad_interactions = [interaction(0, 5), interaction(-1, 0), interaction(0, 1, 2), interaction(0, 1)]
    no_text = sentence(id="s2")
    del no_text["text"]
    quoted = sentence(id="s3", entities=[{"label": "protein", "names": {"Fas": {"mentions": [["0", "3"]]}}}])
    path = write(
        tmp_path / "x.json", sentence(entities=bad_offsets, interactions=bad_interactions), no_text, quoted, "sentence"
    )
    (text,), report = read(path)
    assert text.mentions == [Mention(0, 3, "protein")]
    assert text.clusters == [[0], []]
    assert text.interactions == [Interaction(0, 1, "bind")]
    assert text.relations == []
    assert report.counts["dropped: mention whose offsets do not hold its name"] == 3
    assert report.counts["dropped: interaction whose participants are not two of the entities"] == 2
    assert report.counts["dropped: interaction whose label is not 1, 0 or -1"] == 1
    assert report.counts["dropped: malformed record"] == 3
    lines = "\n".join(report.lines())
    assert "s1: 'FADD' at 17-99" in lines
    assert "record 2 (id s2): text: Field required" in lines
    assert "record 3 (id s3)" in lines and "record 4" in lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "invalid JSON"),
        ('{"id": 1}', "record 1 .id 1.: id: Input should be a valid string"),
        ('[{"tokens": []}]', "record 1: id: Field required"),
        ("\xff", "not UTF-8"),
    ],
)
def test_what_is_no_biorelex(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=message):
        read(path)


def test_gold_comes_back(tmp_path: Path) -> None:
    texts, _ = read(write(tmp_path / "x.json", sentence(interactions=[interaction(0, 1, i) for i in (1, 0, -1)])))
    write_biorelex(texts, tmp_path / "y.json", Report())
    assert read(tmp_path / "y.json")[0] == texts


def test_predictions_have_an_entity_for_each_mention(tmp_path: Path) -> None:
    text = AnnotatedText(
        "A binds B, not A.",
        [Mention(0, 1, "protein"), Mention(8, 9, "DNA"), Mention(15, 16, "protein")],
        [RelationTriple(0, 1, "bind", 0.7), RelationTriple(1, 2, "bind_negative", 0.9)],
        id="p1",
    )
    write_biorelex([text, AnnotatedText("No more.")], tmp_path / "y.json", Report())
    first, second = json.loads((tmp_path / "y.json").read_text(encoding="utf8"))
    assert (first["id"], first["text"], second["id"]) == ("p1", text.text, "1")
    assert [e["names"] for e in first["entities"]] == [
        {"A": {"is_mentioned": True, "mentions": [[0, 1]]}},
        {"B": {"is_mentioned": True, "mentions": [[8, 9]]}},
        {"A": {"is_mentioned": True, "mentions": [[15, 16]]}},
    ]
    assert [e["label"] for e in first["entities"]] == ["protein", "DNA", "protein"]
    assert first["interactions"] == [
        {"participants": [0, 1], "type": "bind", "label": 1, "implicit": False},
        {"participants": [1, 2], "type": "bind", "label": -1, "implicit": False},
    ]
    assert second["entities"] == second["interactions"] == []


def test_interactions_have_no_direction(tmp_path: Path) -> None:
    mentions = [Mention(0, 1, "x"), Mention(8, 9, "x"), Mention(14, 15, "x")]
    relations = [(0, 1, "acts"), (1, 0, "acts"), (2, 1, "causes"), (2, 1, "binds"), (0, 0, "acts")]
    text = AnnotatedText("A binds B and C", mentions, [RelationTriple(*each) for each in relations], id="1")
    report = Report()
    write_biorelex([text], tmp_path / "y.json", report)
    assert report.counts == {
        "dropped: second relation of one pair and label": 1,
        "dropped: direction of a relation whose tail comes first": 2,
        "dropped: relation of a mention with itself": 1,
    }
    assert read(tmp_path / "y.json")[0][0].relations == [
        RelationTriple(0, 1, "acts"),
        RelationTriple(1, 2, "causes"),
        RelationTriple(1, 2, "binds"),
    ]


def test_what_biorelex_cannot_hold_is_counted(tmp_path: Path) -> None:
    text = AnnotatedText(
        "A binds B",
        [Mention(0, 1, "protein"), Mention(8, 9, "DNA"), Mention(2, 7, "word")],
        [RelationTriple(1, 0, "bind"), RelationTriple(0, 1, "cut")],
        clusters=[[0, 1], [1]],
        interactions=[Interaction(0, 1, "bind")],
    )
    report = Report()
    write_biorelex([text], tmp_path / "y.json", report)
    assert report.counts == {
        "dropped: type of a mention that its entity does not have": 1,
        "mentions of several entities, written once for each": 1,
        "dropped: mention of no entity": 1,
        "dropped: relation between mentions that no interaction states": 1,
        "dropped: direction of a relation whose tail comes first": 1,
    }


@pytest.mark.parametrize(
    ("grounding", "concept"),
    [
        (None, ""),
        ({"hgnc_symbol": "GGA1", "source": "uniprot", "link": "https://www.uniprot.org/uniprot/Q9UJY5"}, "HGNC:GGA1"),
        ({"hgnc_symbol": "NA", "source": "uniprot", "link": "https://www.uniprot.org/uniprot/P09119"}, "UP:P09119"),
        ({"source": "pubchem:compound", "link": "https://pubchem.ncbi.nlm.nih.gov/compound/5957"}, "PUBCHEM:5957"),
        ({"source": "pubchem:substance", "link": "https://pubchem.ncbi.nlm.nih.gov/substance/5957"}, ""),
        ({"source": "pfam", "link": "http://pfam.xfam.org/family/PF16601"}, "PFAM:PF16601"),
        (
            {"source": "interpro", "link": "http://www.ebi.ac.uk/interpro/entry/IPR000742?q=EGF-like%20domain"},
            "IPR:IPR000742",
        ),
        ({"source": "uniprot", "link": "https://www.uniprot.org/uniprot/"}, ""),
    ],
)
def test_groundings_are_concepts_of_mentions(tmp_path: Path, grounding: Any, concept: str) -> None:
    entity = {
        "label": "protein",
        "names": {"GGA1": {"is_mentioned": True, "mentions": [[0, 4]]}},
        "grounding": grounding,
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"id": "1", "text": "GGA1.", "entities": [entity], "interactions": []}]))
    texts, report = read(path)
    assert report.dropped == 0
    assert [mention.kb_id for mention in texts[0].mentions] == [concept]


@pytest.mark.parametrize(
    ("part", "mentions", "clusters", "interactions"), [("train", 6925, 5520, 2226), ("dev", 955, 742, 294)]
)
def test_real_corpus_comes_back(
    data_dir: Path, tmp_path: Path, nlp: Any, part: str, mentions: int, clusters: int, interactions: int
) -> None:
    texts, report = read(data_dir / "biorelex" / f"{part}.json")
    assert report.dropped == 0
    assert sum(len(t.mentions) for t in texts) == mentions
    assert sum(len(t.clusters or []) for t in texts) == clusters
    assert sum(len(t.interactions or []) for t in texts) == interactions
    docs = [to_doc(text, nlp.make_doc, report) for text in texts]
    assert report.dropped == 0
    write_biorelex((from_doc(doc) for doc in docs), tmp_path / "y.json", report)
    without_concepts = [
        replace(text, mentions=[mention._replace(kb_id="") for mention in text.mentions]) for text in texts
    ]
    assert read(tmp_path / "y.json")[0] == without_concepts
    for text in texts:
        spans = [(m.start, m.end) for m in text.mentions]
        assert all(
            spans[r.head] < spans[r.tail] or text.mentions[r.head] < text.mentions[r.tail] for r in text.relations
        )
        assert all(a != b for a, b in pairwise(sorted(text.relations)))
