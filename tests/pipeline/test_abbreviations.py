"""What a definition in a text means for the candidates of its short form."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_keci.pipeline.abbreviations import get_abbreviations, install_abbreviations_extension

CONCEPTS = [
    {"id": "X:1", "name": "cancer"},
    {"id": "X:2", "name": "colon cancer"},
    {"id": "X:3", "name": "spinal and bulbar muscular atrophy"},
    {"id": "X:4", "name": "1-methyl-4-phenylpyridinium"},
    {"id": "X:5", "name": "2,3,7,8-tetrachlorodibenzo-p-dioxin"},
    {"id": "X:6", "name": "non-small cell lung cancer"},
    {"id": "X:7", "name": "small cell lung cancer"},
    {"id": "X:8", "name": "reactive oxygen species"},
    {"id": "X:9", "name": "methotrexate", "aliases": ["MTX"]},
    {"id": "X:10", "name": "MTX", "aliases": ["matrix"]},
    {"id": "X:11", "name": "methoxetamine"},
    {"id": "X:12", "name": "acute kidney injury"},
]


@pytest.fixture
def linked(nlp: Language, tmp_path: Path) -> Language:
    path = tmp_path / "kb.jsonl"
    path.write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    nlp.add_pipe("concept_linker").initialize(sources=[f"jsonl={path}"])
    return nlp


def concepts(doc: Doc, text: str) -> list[list[str]]:
    """The candidates of each occurrence of a text."""
    found = [[] for t in range(len(doc.text)) if doc.text.startswith(text, t)]
    starts = [t for t in range(len(doc.text)) if doc.text.startswith(text, t)]
    for span in doc.spans["concepts"]:
        if span.text == text:
            found[starts.index(span.start_char)].append(span.kb_id_)
    return found


@pytest.mark.parametrize(
    ("text", "short", "expected"),
    [
        ("Colon cancer (CC) is common. CC kills.", "CC", ["X:2", "X:2"]),
        ("Lung cancer (LC) is common. LC kills.", "LC", [None, None]),  # not the last word of it
        ("SBMA (spinal and bulbar muscular atrophy) is rare. SBMA occurs in males.", "SBMA", ["X:3", "X:3"]),
        ("1-Methyl-4-phenylpyridinium (MPP+) is toxic. MPP+ kills neurons.", "MPP+", ["X:4", "X:4"]),
        ("2,3,7,8-tetrachlorodibenzo-p-dioxin (TCDD) is toxic; TCDD binds AHR.", "TCDD", ["X:5", "X:5"]),
        ("Non-small cell lung cancers (NSCLCs) respond; an NSCLC does not.", "NSCLCs", ["X:6"]),
        ("Non-small cell lung cancers (NSCLCs) respond; an NSCLC; does not.", "NSCLC;", None),
        ("Non-small cell lung cancer (NSCLC) responds; two NSCLCs do not.", "NSCLCs", ["X:6"]),
        ("From small cell lung cancer (SCLC) came SCLC.", "SCLC", ["X:7", "X:7"]),
        ("Reactive oxygen species (“ROS”) accumulate; ROS kill.", "ROS", ["X:8", "X:8"]),
        ("CC. Colon cancer (CC).", "CC", ["X:2", "X:2"]),
    ],
)
def test_the_short_form_is_the_long_form(
    linked: Language, text: str, short: str, expected: list[str | None] | None
) -> None:
    doc = linked(text)
    if expected is None:
        assert [span.kb_id_ for span in doc.spans["concepts"] if span.text == "NSCLC"] == ["X:6"]
    else:
        assert concepts(doc, short) == [[] if id is None else [id] for id in expected]


def test_a_better_exact_concept_stays(linked: Language) -> None:
    """Where letters of the long form lie within words, its own candidates narrow down those of the short form."""
    assert concepts(linked("MTX works."), "MTX") == [["X:10", "X:9"]]
    assert concepts(linked("Methotrexate (MTX) works."), "MTX") == [["X:9"]]
    assert concepts(linked("Methoxetamine (MTX) works."), "MTX") == [["X:10", "X:9"]]


def test_the_definition_before_it_counts(linked: Language) -> None:
    doc = linked("Colon cancer (CC). CC. Small cell lung cancer (CC). CC.")
    assert concepts(doc, "CC")[:2] == [["X:2"], ["X:2"]]
    doc = linked("Acute kidney injury (AKI). AKI. Colon cancer (CC), AKI.")
    assert concepts(doc, "AKI") == [["X:12"]] * 3


def test_definitions_are_to_be_seen(linked: Language) -> None:
    doc = linked("Non-small cell lung cancers (NSCLCs) and an unknown thing (UT).")
    assert [(each.short.text, each.long.text) for each in doc._.abbreviations] == [
        ("NSCLCs", "Non-small cell lung cancers"),
        ("UT", "unknown thing"),
    ]
    (restored,) = DocBin(docs=[doc]).get_docs(linked.vocab)
    assert [each.long.text for each in get_abbreviations(restored)] == ["Non-small cell lung cancers", "unknown thing"]
    assert get_abbreviations(linked.make_doc("x")) == []
    again = linked.get_pipe("concept_linker")(linked(doc.text))
    assert len(again._.abbreviations) == 2
    Doc.set_extension("mine_already", default=None)
    with pytest.raises(ValueError, match="abbreviations_attr"):
        install_abbreviations_extension("mine_already")


def test_without_them(tmp_path: Path) -> None:
    (tmp_path / "kb.jsonl").write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    nlp = spacy.blank("en")
    nlp.add_pipe("concept_linker", config={"abbreviations": False}).initialize(
        sources=[f"jsonl={tmp_path / 'kb.jsonl'}"]
    )
    assert "abbreviations" not in nlp("Colon cancer (CC).").spans


def test_the_preferred_vocabulary_is_written(tmp_path: Path) -> None:
    gene = {"id": "HGNC:11998", "name": "TP53", "alt_ids": ["NCBIGene:7157"]}
    (tmp_path / "kb.jsonl").write_text(json.dumps(gene), encoding="utf8")
    nlp = spacy.blank("en")
    linker = nlp.add_pipe("concept_linker", config={"prefer": ["NCBIGene"]})
    linker.initialize(sources=[f"jsonl={tmp_path / 'kb.jsonl'}"])
    nlp.to_disk(tmp_path / "pipeline")
    for each in (nlp, spacy.load(tmp_path / "pipeline")):
        doc = each("TP53")
        assert [span.kb_id_ for span in doc.spans["concepts"]] == ["NCBIGene:7157"]
        assert each.get_pipe("concept_linker").kb.identifiers("NCBIGene:7157") == ["HGNC:11998", "NCBIGene:7157"]
    as_it_is = spacy.load(tmp_path / "pipeline", config={"components": {"concept_linker": {"prefer": []}}})
    doc = as_it_is("TP53")
    assert [span.kb_id_ for span in doc.spans["concepts"]] == ["HGNC:11998"]


def test_a_text_may_end_in_the_beginning_of_a_long_short_form(linked: Language) -> None:
    doc = linked("Reactive oxygen species (ROS) and acute kidney injury 70 (AKI 70) cause ROS")
    assert concepts(doc, "ROS") == [["X:8"], ["X:8"]]
