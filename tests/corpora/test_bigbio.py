import json
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.bigbio import read_bigbio
from spacy_keci.reports import Report


def entity(id: str, *offsets: tuple[int, int], text: list[str], normalized: Any = ()) -> dict[str, Any]:
    return {"id": id, "type": "gene", "text": text, "offsets": offsets, "normalized": list(normalized)}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "id": "0",
        "document_id": "227508",
        "passages": [
            {"id": "1", "type": "title", "text": ["A binds B."], "offsets": [[0, 10]]},
            {"id": "2", "type": "abstract", "text": ["C or D-kinase."], "offsets": [[11, 25]]},
        ],
        "entities": [
            entity(
                "3", (0, 1), text=["A"], normalized=[{"db_name": "MESH", "db_id": "D1"}, {"db_name": "", "db_id": "X"}]
            ),
            entity("4", (8, 9), text=["B"], normalized=[{"db_name": "CHEBI", "db_id": "CHEBI:1"}]),
            entity("5", (11, 12), (18, 24), text=["C", "kinase"]),
        ],
        "events": [{"id": "6", "type": "Binding"}],
        "coreferences": [{"id": "7", "entity_ids": ["3", "4"]}],
        "relations": [
            {"id": "8", "type": "binds", "arg1_id": "4", "arg2_id": "3", "normalized": []},
            {
                "id": "9",
                "type": "binds",
                "arg1_id": "4",
                "arg2_id": "6",
                "normalized": [{"db_name": "a", "db_id": "b"}],
            },
        ],
        **changes,
    }


def read(path: Path, content: Any) -> tuple[list[AnnotatedText], Report]:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf8")
    report = Report()
    return list(read_bigbio(path, report)), report


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.JSONL"])
def test_mentions_relations_and_concepts(tmp_path: Path, name: str) -> None:
    documents = [document(), document(document_id="", entities=[], relations=[])]
    content = "\n".join(map(json.dumps, documents)) if name.lower() == "x.jsonl" else json.dumps(documents)
    (text, other), report = read(tmp_path / name, content)
    assert text == AnnotatedText(
        "A binds B. C or D-kinase.",
        [Mention(0, 1, "gene", "MESH:D1,X"), Mention(8, 9, "gene", "CHEBI:1"), Mention(11, 24, "gene")],
        [RelationTriple(1, 0, "binds")],
        id="227508",
    )
    assert other.id == "0"
    assert report.counts == {
        "mentions in several pieces, kept as one from the first to the last": 1,
        "dropped: relation of a missing mention": 1,
        "dropped: concept of a relation": 1,
        "dropped: event": 2,
        "dropped: coreference": 2,
    }


def test_malformed_documents_are_reported(tmp_path: Path) -> None:
    passages = [
        [{"text": ["A"], "offsets": []}],
        [{"text": ["AAA"], "offsets": [[0, 3]]}, {"text": ["B"], "offsets": [[1, 2]]}],
        [{"text": "A", "offsets": [[0, 1]]}],
    ]
    content = [document(passages=p) for p in passages] + [document(note=1, events=[], coreferences=[], relations=[])]
    (overlapping, text), report = read(tmp_path / "x.json", content)
    assert (overlapping.text, len(overlapping.mentions)) == ("AAA", 1)
    assert len(text.mentions) == 3
    assert report.counts["dropped: malformed record"] == 2
    assert report.counts["dropped: passage that overlaps another, or stands far behind it"] == 1
    assert report.counts["documents with the unknown key 'note'"] == 1


def test_what_is_no_bigbio(tmp_path: Path) -> None:
    for name, content, message in [
        ("x.json", {"text": ""}, "is not BigBIO's knowledge base schema. record 1: passages: Field required"),
        ("x.jsonl", {"text": ""}, "record 1: passages: Field required"),
        ("x.json", "", "invalid JSON"),
    ]:
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name, content)
