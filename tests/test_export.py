import csv
import math
import sys
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

import spacy_keci
from spacy_keci import set_span_graph
from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.documents import to_doc
from spacy_keci.export import (
    COLUMNS,
    MENTION_COLUMNS,
    corpus_graph,
    mention_rows,
    mentions_frame,
    relation_rows,
    relations_frame,
    write_mentions,
    write_relations,
)
from spacy_keci.reports import Report


@pytest.fixture
def docs(nlp: Language) -> list[Doc]:
    texts = [
        AnnotatedText(
            "At 0.5 mM, FK506 binds FKBP12. MEK1/2 is e.g. inhibited by FK506! Not so.",
            [
                Mention(11, 16, "drug", "CHEBI:61049"),
                Mention(23, 29, "protein"),
                Mention(31, 37, "protein", "HGNC:1,HGNC:2"),
                Mention(59, 64, "drug", "CHEBI:61049"),
            ],
            [RelationTriple(0, 1, "binds", 0.75), RelationTriple(3, 2, "inhibits"), RelationTriple(3, 1, "binds")],
            id="d1",
            group="g1",
        ),
        AnnotatedText(
            "Tacrolimus binds FKBP-12.",
            [Mention(0, 10, "chemical", "CHEBI:61049"), Mention(17, 24, "protein")],
            [RelationTriple(0, 1, "binds", 0.5)],
        ),
        AnnotatedText("Nothing here."),
    ]
    return [to_doc(text, nlp.make_doc, Report()) for text in texts]


def test_a_row_for_each_relation(docs: list[Doc]) -> None:
    rows = list(relation_rows(docs))
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert rows[0] == {
        "doc": "d1",
        "group": "g1",
        "head": "FK506",
        "head_type": "drug",
        "head_concept": "CHEBI:61049",
        "head_start": 11,
        "head_end": 16,
        "label": "binds",
        "tail": "FKBP12",
        "tail_type": "protein",
        "tail_concept": "",
        "tail_start": 23,
        "tail_end": 29,
        "score": 0.75,
        "sentence": "At 0.5 mM, FK506 binds FKBP12.",
        "sentence_start": 0,
        "sentence_end": 30,
    }
    assert [row["sentence"] for row in rows[1:]] == [
        "MEK1/2 is e.g. inhibited by FK506!",
        "At 0.5 mM, FK506 binds FKBP12. … MEK1/2 is e.g. inhibited by FK506!",
        "Tacrolimus binds FKBP-12.",
    ]


def test_ids_are_those_of_every_format(docs: list[Doc]) -> None:
    docs[0].user_data.update(id=None, group=34567890.0)  # as pandas has them where some of a column are missing
    row = next(relation_rows(docs))
    assert (row["doc"], row["group"]) == ("", "34567890")


def test_sentences_of_the_pipeline_come_first(docs: list[Doc]) -> None:
    for token in docs[0]:
        token.is_sent_start = token.i == 0
    assert {row["sentence"] for row in relation_rows(docs[:1])} == {docs[0].text}


def test_tables(docs: list[Doc], tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra 'export'")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'export'")
    frame = relations_frame(docs)
    assert frame.to_dict("records") == list(relation_rows(docs))
    write_relations(docs, tmp_path / "x.csv")
    write_relations(docs, tmp_path / "x.parquet")
    assert pandas.read_csv(tmp_path / "x.csv", keep_default_na=False).to_dict("records") == frame.to_dict("records")
    assert parquet.read_table(tmp_path / "x.parquet").to_pylist() == frame.to_dict("records")
    empty = relations_frame([])
    assert (list(empty.columns), len(empty)) == (list(COLUMNS), 0)
    assert empty.dtypes.equals(frame.dtypes)
    write_relations([], tmp_path / "empty.parquet")
    assert parquet.read_schema(tmp_path / "empty.parquet") == parquet.read_schema(tmp_path / "x.parquet")


def test_csv_needs_no_library(docs: list[Doc], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    write_relations(docs, tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf8", newline="") as file:
        assert [row["tail"] for row in csv.DictReader(file)] == ["FKBP12", "MEK1/2", "FKBP12", "FKBP-12"]
    for write, library in (
        (lambda: relations_frame(docs), "pandas"),
        (lambda: write_relations(docs, tmp_path / "x.parquet"), "pyarrow"),
    ):
        with pytest.raises(ImportError, match=rf"needs {library}: pip install pandas pyarrow"):
            write()


def test_case_of_endings(docs: list[Doc], tmp_path: Path) -> None:
    write_relations(docs, tmp_path / "x.csv")
    write_relations(docs, str(tmp_path / "y.CSV"))
    assert (tmp_path / "y.CSV").read_bytes() == (tmp_path / "x.csv").read_bytes()


def test_unknown_kind_of_table(docs: list[Doc], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"its name must end in .csv or .parquet"):
        write_relations(docs, tmp_path / "x.xlsx")


def test_graph_of_a_corpus(docs: list[Doc]) -> None:
    graph = corpus_graph(docs)
    assert dict(graph.nodes(data=True)) == {
        "CHEBI:61049": {"concept": "CHEBI:61049", "types": ["chemical", "drug"], "mentions": 3, "name": "FK506"},
        "name:protein:fkbp12": {"concept": "", "types": ["protein"], "mentions": 2, "name": "FKBP-12"},
        "HGNC:1": {"concept": "HGNC:1", "types": ["protein"], "mentions": 1, "name": "MEK1/2"},
        "HGNC:2": {"concept": "HGNC:2", "types": ["protein"], "mentions": 1, "name": "MEK1/2"},
    }
    assert sorted(graph.edges(keys=True)) == [
        ("CHEBI:61049", "HGNC:1", "inhibits"),
        ("CHEBI:61049", "HGNC:2", "inhibits"),
        ("CHEBI:61049", "name:protein:fkbp12", "binds"),
    ]
    edge = graph.edges["CHEBI:61049", "name:protein:fkbp12", "binds"]
    assert (edge["count"], edge["documents"], edge["score"]) == (3, 2, 1.0)
    assert edge["sentences"] == [
        "At 0.5 mM, FK506 binds FKBP12.",
        "At 0.5 mM, FK506 binds FKBP12. MEK1/2 is e.g. inhibited by FK506!",
        "Tacrolimus binds FKBP-12.",
    ]


def test_relations_without_direction_are_one_edge(nlp: Language) -> None:
    docs = []
    for text in ("Raf binds Mek", "Mek binds Raf"):
        relations = [RelationTriple(0, 1, "binds"), RelationTriple(0, 1, "before")]
        mentions = [Mention(0, 3, "protein"), Mention(10, 13, "protein")]
        docs.append(to_doc(AnnotatedText(text, mentions, relations), nlp.make_doc, Report()))
        docs[-1].spans["entities"].attrs["symmetric"] = ["binds"]
    graph = corpus_graph(docs)
    assert sorted(graph.edges(keys=True)) == [
        ("name:protein:mek", "name:protein:raf", "before"),
        ("name:protein:mek", "name:protein:raf", "binds"),
        ("name:protein:raf", "name:protein:mek", "before"),
    ]
    assert graph.edges["name:protein:mek", "name:protein:raf", "binds"]["count"] == 2


def test_one_relation_of_the_same_concepts_counts_once(nlp: Language) -> None:
    mentions = [Mention(0, 6, "protein", "1,2"), Mention(13, 19, "protein", "1,2")]
    text = AnnotatedText("MEK1/2 binds MEK1/2", mentions, [RelationTriple(0, 1, "binds")])
    doc = to_doc(text, nlp.make_doc, Report())
    doc.spans["entities"].attrs["symmetric"] = ["binds"]
    edges = corpus_graph([doc]).edges(data="count")
    assert sorted(edges) == [("1", "1", 1), ("1", "2", 1), ("2", "2", 1)]


def test_predicted_mentions_without_words(nlp: Language) -> None:
    """A mention of marks alone has no normalised name: its text stands for it."""
    doc = nlp("+ or -")
    spans = [Span(doc, 0, 1, label="x"), Span(doc, 2, 3, label="x")]
    doc.spans["entities"] = SpanGroup(doc, spans=spans, attrs={"relations": [[0, 1, "x", math.inf]]})
    assert set(corpus_graph([doc])) == {"name:x:+", "name:x:-"}


def test_a_row_for_each_mention(docs: list[Doc], tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="needs the extra 'export'")
    docs[0].spans["entities"].attrs["scores"] = [0.5, 0.6, 0.7, 0.8]
    rows = list(mention_rows(docs))
    assert all(set(row) == set(MENTION_COLUMNS) for row in rows)
    assert [(row["mention"], row["type"], row["score"]) for row in rows[2:5]] == [
        ("MEK1/2", "protein", 0.7),
        ("FK506", "drug", 0.8),
        ("Tacrolimus", "chemical", 1.0),
    ]
    assert (rows[2]["concept"], rows[2]["start"], rows[2]["end"]) == ("HGNC:1,HGNC:2", 31, 37)
    assert (rows[2]["sentence"], rows[2]["sentence_start"]) == ("MEK1/2 is e.g. inhibited by FK506!", 31)
    assert mentions_frame(docs).to_dict("records") == rows
    write_mentions(docs, tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf8", newline="") as file:
        assert [row["mention"] for row in csv.DictReader(file)] == [row["mention"] for row in rows]


def test_one_document_or_many(docs: list[Doc]) -> None:
    for function in (relations_frame, mentions_frame, corpus_graph, spacy_keci.render):
        for one, many in ((docs[0], docs[:1]), (docs[0], iter(docs[:1]))):
            first, second = function(one), function(many)
            assert len(first) == len(second)
        for text in ("FK506 binds FKBP12.", ["FK506 binds FKBP12."], 7):
            with pytest.raises(TypeError, match=r"Expected a Doc.*got the (str|int) .*: call nlp\(text\)"):
                function(text)
    for function in (relations_frame, mentions_frame, corpus_graph):
        with pytest.raises(TypeError, match=r"Expected a Doc.*got the Span .*: call span_to_doc\(span\) first"):
            function(docs[0][:1])


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_spreadsheets_run_no_formulas(cell: str, nlp: Language, tmp_path: Path) -> None:
    doc = nlp("a binds b")
    spans = [Span(doc, 0, 1, label=cell, kb_id=cell), Span(doc, 2, 3, label=cell)]
    set_span_graph(doc, "entities", spans, [[0, 1, cell, 1.0]])
    doc.user_data |= {"id": cell, "group": cell}
    write_relations(doc, tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [name for name, value in row.items() if value == f"'{cell}"] == [
        *("doc", "group", "head_type", "head_concept", "label", "tail_type"),
    ]
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row.values())
