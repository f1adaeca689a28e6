import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.vocab import Vocab

from spacy_keci.arrow import graph_row
from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.docbin import load_docs, save_docs
from spacy_keci.corpora.documents import from_doc, to_doc
from spacy_keci.corpora.formats import FORMATS, get_format, read_any, write_any, write_docs
from spacy_keci.corpora.losses import CONCEPTS, GROUPS, MENTION_SCORES, META, SCORES, Loss
from spacy_keci.reports import Report

from ..conftest import ROOT
from .strategies import annotated_texts

TEXT = AnnotatedText(
    "FK506 binds FKBP12-GFP .",
    [
        Mention(0, 5, "drug", "CHEBI:61049"),
        Mention(12, 22, "protein", score=0.5),
        Mention(12, 18, "protein", "HGNC:3711,HGNC:3712"),
    ],
    [RelationTriple(0, 1, "binds"), RelationTriple(0, 2, "binds", 0.75)],
    id="1",
    group="7",
    meta={"year": 1994},
)
ONE_WAY = {"bigbio", "bionlp", "chemprot", "csv", "ddi", "relations"}
# conll has no relations, masked has pairs: tests of their own
BOTH_WAYS = sorted(FORMATS.keys() - ONE_WAY - {"conll", "masked"})
WHOLE = ["bioc-json", "jsonl", "parquet", "spacy"]  # what hold every text, whatever the characters
COLUMNS = (CONCEPTS, SCORES, MENTION_SCORES, GROUPS, META)
COUNTS = {"texts", "mentions", "relations", "interactions between entities"}


def without(text: AnnotatedText, lacks: tuple[Loss, ...]) -> AnnotatedText:
    mentions = [m._replace(kb_id="") for m in text.mentions] if CONCEPTS in lacks else text.mentions
    return AnnotatedText(
        text.text,
        [m._replace(score=1.0) for m in mentions] if MENTION_SCORES in lacks else mentions,
        [r._replace(score=1.0) for r in text.relations] if SCORES in lacks else text.relations,
        id=text.id,
        group="" if GROUPS in lacks else text.group,
        meta={} if META in lacks else text.meta,
    )


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "fresh"
    yield path
    assert path.exists()


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_every_format_comes_back(fresh: Path, name: str) -> None:
    report, lacks = Report(), FORMATS[name].lacks
    texts = [TEXT, AnnotatedText("Nothing here .", id="2")]
    write_any(texts, fresh, name, report)
    lost = {loss.name: len(list(loss.cases(TEXT))) for loss in lacks if any(loss.cases(TEXT))}
    counted = {f"dropped: {what}: no place in this format": n for what, n in lost.items()}
    found = list(read_any(fresh, name))
    for text in found:
        text.clusters = text.interactions = text.sentences = None
    if name in ("spert", "dygie"):  # these keep tokens instead of the text
        counted["texts whose spacing is not kept"] = 1
        assert [text.text for text in found] == ["FK506 binds FKBP12 -GFP .", "Nothing here ."]
        assert [text.relations for text in found] == [without(text, lacks).relations for text in texts]
    elif name == "pubtator":  # this one relates concepts
        counted |= {
            "dropped: relation of a mention without an identifier": 1,
            "relations between mentions, written as relations between their concepts": 1,
        }
        assert [text.mentions for text in found] == [without(text, lacks).mentions for text in texts]
        assert found[0].relations == [RelationTriple(0, 2, "binds")]
    else:
        assert found == [without(text, lacks) for text in texts]
    assert report.counts == counted


def round_trip(texts: list[AnnotatedText], name: str, folder: Path) -> tuple[list[AnnotatedText], Report]:
    path, report = folder / "round_trip", Report()
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    write_any(texts, path, name, report)
    return list(read_any(path, name, report)), report


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=25)
@given(texts=st.lists(annotated_texts(), min_size=1, max_size=3))
def test_whatever_the_text(tmp_path_factory: pytest.TempPathFactory, name: str, texts: list[AnnotatedText]) -> None:
    found, report = round_trip(texts, name, tmp_path_factory.getbasetemp())
    if name == "bioc-json":  # clusters without identifiers are kept as relations only; texts get an id
        kept = [without(text, FORMATS[name].lacks) for text in texts]
        assert [(t.text, t.mentions, t.group) for t in found] == [(t.text, t.mentions, t.group) for t in kept]
        assert all(set(t.relations) <= set(f.relations) for t, f in zip(texts, found, strict=True))
        assert all("score of a mention" in what or "meta" in what for what in report.examples)
    else:
        assert found == texts
        assert set(report.counts) <= COUNTS


@pytest.mark.parametrize("name", BOTH_WAYS)
@settings(max_examples=40)
@given(texts=st.lists(annotated_texts(), min_size=1, max_size=3))
def test_a_second_read_is_equal(
    tmp_path_factory: pytest.TempPathFactory, name: str, texts: list[AnnotatedText]
) -> None:
    """What a format cannot hold is counted the first time it is written; then nothing changes any more."""
    first, report = round_trip(texts, name, tmp_path_factory.getbasetemp())
    for lost in (
        sum(len(t.mentions) for t in texts) - sum(len(t.mentions) for t in first),
        sum(len(t.relations) for t in texts) - sum(len(t.relations) for t in first),
    ):
        assert lost <= report.dropped
    assert len(first) == len(texts)
    second, report = round_trip(first, name, tmp_path_factory.getbasetemp())
    assert second == first
    assert not report.dropped


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("x.spacy", "spacy"),
        ("x.jsonl", "jsonl"),
        ("Train.PubTator", "pubtator"),
        ("Train.BioC.JSON", "bioc-json"),
        ("Train.BioC.XML", "bioc-xml"),
        ("x.xml", "bioc-xml"),
        ("x.csv", "csv"),
        ("x.parquet", "parquet"),
        ("x.relations.parquet", "relations"),
        (".", "brat"),
    ],
)
def test_format_by_name_of_the_file(path: str, name: str) -> None:
    assert get_format(Path(path)) == name


def test_format_by_option() -> None:
    assert get_format(Path("x.json"), "biorelex") == "biorelex"
    for path, name in (("x.json", None), ("x", None), ("x.jsonl", "xyz")):
        with pytest.raises(ValueError, match=r"name one of bigbio, bioc-json, .* spert"):
            get_format(Path(path), name)


def test_the_documented_table_says_the_same() -> None:
    lines = (ROOT / "docs" / "formats.md").read_text(encoding="utf8").splitlines()
    rows = {row[1].strip("`"): row for line in lines if len(row := line.strip("| ").split(" | ")) == 10}
    for name in BOTH_WAYS:
        for cell, loss in zip(rows[name][4:9], COLUMNS, strict=True):
            assert (cell == "no") == (loss in FORMATS[name].lacks), (name, loss.name)
        assert all(f"`{suffix}`" in rows[name][2] for suffix in FORMATS[name].suffixes)
    assert rows.keys() - {"--from`, `--to", "---"} == FORMATS.keys()


def test_one_way_formats(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x.csv cannot be read as annotated text: it is a table"):
        list(read_any(tmp_path / "x.csv"))
    with pytest.raises(ValueError, match=r"x.json cannot be written: this format is for reading only"):
        write_any([TEXT], tmp_path / "x.json", "bigbio")
    with pytest.raises(ValueError, match=r"of x.what: name one of bioc-json, (?!.*bigbio).*csv.* by --to FORMAT"):
        write_any([TEXT], "x.what")
    with pytest.raises(ValueError, match=r"of x.what: name one of bigbio, (?!.*csv).* by --from FORMAT"):
        list(read_any("x.what"))
    with pytest.raises(ValueError, match=r"has no tokens"):
        write_any([TEXT], tmp_path / "x.jsonl", make_doc=Language().make_doc)


@pytest.mark.parametrize("name", ["conll", "masked", *BOTH_WAYS])
def test_mentions_and_relations_without_a_label(tmp_path: Path, name: str) -> None:
    if name.startswith("bioc"):
        pytest.importorskip("bioc", reason="needs the extra 'bioc'")
    mentions = [Mention(0, 1, "x", "C:1"), Mention(8, 9, ""), Mention(12, 13, "y", "C:2")]
    text = AnnotatedText("A binds B . C .", mentions, [RelationTriple(0, 2, ""), RelationTriple(0, 2, "r")])
    (found,), report = round_trip([text], name, tmp_path)
    kept = name in ("parquet", "spacy")
    assert [m.label for m in found.mentions] == (["x", "", "y"] if kept else ["x", "y"])
    assert (
        report.counts["dropped: mention without a type"]
        == report.counts["dropped: relation without a label"]
        == 1 - kept
    )


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_the_score_of_an_interaction_is_kept_or_counted(tmp_path: Path, name: str) -> None:
    if name.startswith("bioc"):
        pytest.importorskip("bioc", reason="needs the extra 'bioc'")
    text = AnnotatedText(
        "A binds B",
        [Mention(0, 1, "gene", "NCBIGene:1"), Mention(8, 9, "gene", "NCBIGene:2")],
        [RelationTriple(0, 1, "Bind")],
        clusters=[[0], [1]],
        interactions=[Interaction(0, 1, "Bind", 0.75)],
        id="1",
    )
    (found,), report = round_trip([text], name, tmp_path)
    if found.interactions and found.interactions[0].score == 1.0:
        assert report.counts["dropped: score of an interaction: no place in this format"] == 1
    elif not found.interactions:
        assert any(what.startswith("dropped: interaction") for what in report.counts)
    else:
        assert found.interactions[0].score == 0.75


def test_tables_of_relations(tmp_path: Path) -> None:
    report = Report()
    write_any([TEXT, AnnotatedText("A p53 .", [Mention(2, 5, "protein")])], tmp_path / "x.csv", report=report)
    header, *rows = (tmp_path / "x.csv").read_text(encoding="utf8").splitlines()
    assert header.startswith("doc,group,head,head_type,head_concept,head_start,head_end,label,tail")
    assert len(rows) == 2
    assert rows[0].startswith("1,7,FK506,drug,CHEBI:61049,0,5,binds,FKBP12-GFP,protein,,12,22,1.0,FK506 binds")
    write_any([TEXT], tmp_path / "x.tab", "csv")
    assert (tmp_path / "x.tab").read_text(encoding="utf8").splitlines() == [header, *rows]
    losses = ("mention without a relation", "score of a mention", "meta of a text")
    assert report.counts == {f"dropped: {what}: no place in this format": 1 for what in losses}


def test_documents_without_mentions_annotated_are_counted(tmp_path: Path, nlp: Language) -> None:
    save_docs([nlp("No key.")], tmp_path / "x.spacy")
    report = Report()
    assert list(read_any(tmp_path / "x.spacy", report=report)) == [AnnotatedText("No key.")]
    assert report.counts["texts without doc.spans['entities']"] == 1


def test_relations_and_clusters_of_what_is_not_there(tmp_path: Path, nlp: Language) -> None:
    changes = [
        {"relations": [RelationTriple(0, 3, "x")]},
        {"clusters": [[0, 3]]},
        {"clusters": [[0]], "interactions": [Interaction(0, 1, "x")]},
        {},
    ]
    docs = []
    for change in changes:
        docs.append(to_doc(TEXT, nlp.make_doc, Report()))
        docs[-1].spans["entities"].attrs.update(change)
    save_docs(docs, tmp_path / "x.spacy")
    report = Report()
    assert list(read_any(tmp_path / "x.spacy", report=report)) == [TEXT]
    problems = report.examples["malformed record"]
    assert [problem.partition(":")[0] for problem in problems] == [f"document {n}" for n in (1, 2, 3)]
    assert "refers to a missing mention: there are" in problems[0]
    assert problems[-1].endswith("interactions.0: 'tail' is 1, but clusters are counted from 0 to 0")


def test_what_only_documents_hold_is_counted(tmp_path: Path, nlp: Language) -> None:
    doc = to_doc(TEXT, nlp.make_doc, Report())
    doc.spans["entities"].attrs |= {
        "clusters": [[0], [1]],
        "interactions": [[0, 1, "binds", 1.0, "", [[0, 1, 0.9]]], [0, 1, "moves", 1.0]],
        "relation_vectors": [[0, 1, "binds", [0.5]]],
    }
    save_docs([doc], tmp_path / "x.spacy")
    reports = [Report() for _ in range(4)]
    list(read_any(tmp_path / "x.spacy", report=reports[0]))
    write_docs([doc], tmp_path / "x.jsonl", "jsonl", report=reports[1])
    graph_row(doc, report=reports[2])
    write_docs([doc], tmp_path / "y.spacy", "spacy", report=reports[3])
    for report in reports[:3]:
        assert {what: n for what, n in report.counts.items() if "dropped" in what} == {
            "dropped: evidence of an interaction, which only documents hold": 1,
            "dropped: relation vectors of a text, which only documents hold": 1,
        }
        assert report.examples["evidence of an interaction, which only documents hold"] == ["1: binds"]
    assert not reports[3].counts


def test_what_tables_lose_is_counted(tmp_path: Path, nlp: Language) -> None:
    """Whether they are written from texts or from documents."""
    text = AnnotatedText("A p53 .", [Mention(0, 1, "x"), Mention(2, 5, "y", score=0.5)], meta={"year": 2001})
    reports = Report(), Report()
    write_any([text], tmp_path / "x.csv", report=reports[0])
    write_docs([to_doc(text, nlp.make_doc, Report())], tmp_path / "y.csv", "csv", report=reports[1])
    assert reports[1].counts == reports[0].counts
    assert reports[1].counts["dropped: mention without a relation: no place in this format"] == 2


@pytest.mark.parametrize("name", ["bioc-json", "biorelex", "brat", "dygie", "pubtator"])
def test_ids_that_are_made_up_are_no_others(tmp_path: Path, name: str) -> None:
    if name == "bioc-json":
        pytest.importorskip("bioc", reason="needs the extra 'bioc'")
    write_any([AnnotatedText("A ."), AnnotatedText("B ."), AnnotatedText("C .", id="0")], tmp_path / "x", name)
    found = {text.id: text.text.strip() for text in read_any(tmp_path / "x", name)}
    assert found == {"0": "C .", "1": "A .", "2": "B ."}


def test_user_data_survives(tmp_path: Path, nlp: Language) -> None:
    doc = nlp("A")
    doc.user_data["group"] = "123"
    save_docs([doc], tmp_path / "x.spacy")
    (loaded,) = load_docs(tmp_path / "x.spacy", Vocab())
    assert loaded.user_data == {"group": "123"}


@pytest.mark.parametrize(
    ("part", "mentions", "interactions"), [("Train", 13351, 4178), ("Dev", 3533, 1162), ("Test", 3535, 1163)]
)
def test_biored_in_all_its_formats(
    data_dir: Path, tmp_path: Path, nlp: Language, part: str, mentions: int, interactions: int
) -> None:
    pytest.importorskip("bioc", reason="needs the extra 'bioc'")
    archive = data_dir / "biored" / "BIORED.zip"
    if not archive.is_file():
        pytest.skip("needs BioRED")
    with ZipFile(archive) as zipped:
        files = [zipped.extract(f"BioRED/{part}.{s}", tmp_path) for s in ("PubTator", "BioC.JSON", "BioC.XML")]
    read = {}
    for file in map(Path, files):
        report = Report()
        texts = list(read_any(file, report=report))
        assert report.counts["mentions"] == mentions
        assert report.counts["interactions between entities"] == interactions
        # What goes, in XML, is the types of the passages.
        assert report.dropped == (2 * len(texts) if file.suffix == ".XML" else 0)
        novelties = [i.novelty for text in texts for i in text.interactions or []]
        assert set(novelties) == {"Novel", "No"} and len(novelties) == interactions
        report = Report()
        write_any(texts, tmp_path / file.name, report=report)
        assert not report.counts
        assert list(read_any(tmp_path / file.name, report=report)) == texts
        assert not report.dropped
        read[file.suffix] = texts
    assert read[".PubTator"] == read[".JSON"] == read[".XML"]
    assert [from_doc(to_doc(text, nlp.make_doc, report)) for text in texts] == texts
    assert not report.dropped
