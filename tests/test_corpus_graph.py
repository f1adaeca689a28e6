import json
from pathlib import Path
from typing import Any

import networkx
import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.parquet import to_row, write_rows
from spacy_keci.corpus_graph import corpus_graph_of_rows
from spacy_keci.export import corpus_graph_of_files, write_graph


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    first = AnnotatedText(
        "Intro. FK506 binds FKBP12. MEK1/2 is inhibited by FK506! Not so.",
        [
            Mention(7, 12, "drug", "CHEBI:61049"),
            Mention(19, 25, "protein"),
            Mention(27, 33, "protein", "HGNC:1,HGNC:2"),
            Mention(50, 55, "drug", "CHEBI:61049"),
        ],
        [RelationTriple(0, 1, "binds", 0.75), RelationTriple(3, 2, "inhibits"), RelationTriple(3, 1, "binds", 0.5)],
        id="d1",
    )
    second = AnnotatedText(
        "Tacrolimus binds the gene FKBP-12\x1b and FKBP12.",
        [Mention(0, 10, "chemical", "CHEBI:61049"), Mention(26, 33, "gene"), Mention(39, 45, "protein")],
        [RelationTriple(2, 0, "binds", 0.9)],
    )
    rows = [to_row(first), to_row(second), {**to_row(AnnotatedText("x")), "mentions": None, "relations": None}]
    rows[0]["sentences"] = [0, 7, 27, 57]
    for row in rows:
        for relation in row["relations"] or ():
            relation["symmetric"] = relation["label"] == "binds"
    return rows


def test_what_is_said_of_the_same_concepts_comes_together(rows: list[dict[str, Any]]) -> None:
    graph = corpus_graph_of_rows(rows)
    assert set(graph) == {"CHEBI:61049", "HGNC:1", "HGNC:2", "name:protein:fkbp12", "name:gene:fkbp12"}
    assert graph.nodes["CHEBI:61049"] == {
        "concept": "CHEBI:61049",
        "name": "FK506",
        "types": ["chemical", "drug"],
        "mentions": 3,
    }
    ends = "CHEBI:61049", "name:protein:fkbp12", "binds"
    binds = graph.edges[ends]
    assert (binds["count"], binds["documents"], binds["score"]) == (3, 2, 0.9)
    assert binds["sentences"] == [
        "FK506 binds FKBP12.",
        "FK506 binds FKBP12. MEK1/2 is inhibited by FK506!",
        "Tacrolimus binds the gene FKBP-12\x1b and FKBP12.",
    ]
    assert graph.has_edge("CHEBI:61049", "HGNC:2", "inhibits") and not graph.has_edge("HGNC:2", "CHEBI:61049")
    assert corpus_graph_of_rows(rows, max_sentences=1).edges[ends]["sentences"] == ["FK506 binds FKBP12."]


def test_files_and_folders(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.parquet files"):
        corpus_graph_of_files(tmp_path)
    (tmp_path / "parts").mkdir()
    write_rows(rows[:1], tmp_path / "parts" / "part-1.parquet")
    write_rows(rows[1:], tmp_path / "parts" / "part-2.PARQUET")
    (tmp_path / "parts" / ".unfinished-part-3.parquet").write_bytes(b"PAR1")
    whole = corpus_graph_of_rows(rows)
    found = corpus_graph_of_files(tmp_path / "parts")
    assert networkx.utils.graphs_equal(found, whole)
    assert networkx.utils.graphs_equal(corpus_graph_of_files(*sorted((tmp_path / "parts").glob("p*"))), whole)
    with pytest.raises(FileNotFoundError):
        corpus_graph_of_files(tmp_path / "nothing.parquet")


@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
def test_files_for_graph_viewers(rows: list[dict[str, Any]], tmp_path: Path, suffix: str) -> None:
    graph, path = corpus_graph_of_rows(rows), tmp_path / f"graph{suffix}"
    write_graph(graph, path)
    found = {".graphml": networkx.read_graphml, ".gexf": networkx.read_gexf}[suffix](path)
    assert set(found) == set(graph) and found.number_of_edges() == graph.number_of_edges()
    assert found.nodes["CHEBI:61049"]["types"] == "chemical | drug"
    assert found.nodes["CHEBI:61049"]["label"] == "FK506"
    counts = sorted((data["label"], data["count"], data["score"]) for *_, data in found.edges(data=True))
    assert counts == sorted((data["label"], data["count"], data["score"]) for *_, data in graph.edges(data=True))
    assert "FKBP-12␛ and" in path.read_text(encoding="utf8")


def test_node_link_json(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    graph = corpus_graph_of_rows(rows)
    write_graph(graph, tmp_path / "graph.json")
    data = json.loads((tmp_path / "graph.json").read_text(encoding="utf8"))
    assert networkx.utils.graphs_equal(networkx.node_link_graph(data, edges="edges"), graph)
    with pytest.raises(ValueError, match=r"must end in \.graphml, \.gexf or \.json"):
        write_graph(graph, tmp_path / "graph.png")
