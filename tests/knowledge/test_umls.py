"""UMLS, on small files that we write in the true format: https://www.ncbi.nlm.nih.gov/books/NBK9685/."""

import tarfile
from pathlib import Path

import pytest

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.semantic_network import read_semantic_network
from spacy_keci.knowledge.sources import SourceReport
from spacy_keci.knowledge.storage import KnowledgeBaseError

# CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF, and a bar at the end
MRCONSO = """\
C0000039|ENG|S|L0000035|PF|S0007560|Y|A0016511||M1||MSH|ET|D015060|DPPC|0|N|256|
C0000039|ENG|P|L0000039|PF|S0007564|N|A0016515||M1||MSH|MH|D015060|1,2-Dipalmitoylphosphatidylcholine|0|N|256|
C0000039|ENG|P|L0000039|PF|S0007565|Y|A0016516||M1||RXNORM|IN|1|1,2-dipalmitoylphosphatidylcholine|0|N|256|
C0000039|SPA|P|L0000040|PF|S0007566|Y|A0016517||M1||MSHSPA|MH|D015060|dipalmitoilfosfatidilcolina|3|N||
C0000039|ENG|S|L0000041|PF|S0007567|Y|A0016518||M1||LNC|OLC|X|obsolete name|0|O||
C0000039|ENG|S|L0000042|PF|S0007568|Y|A0016519||M1||LNC|ET|X|  |0|N||
C0004057|ENG|P|L0004057|PF|S0010913|Y|A0019182||M2||MSH|MH|D001241|Aspirin|0|N|256|
C0004057|ENG|S|L0000042|VO|S0007569|Y|A0019183||M2||MSH|ET|D001241|Acetylsalicylic Acid|0|E||
C0004057|ENG|S|L0000043|VO|S0007570|Y|A0019184||M2||MSH|ET|D001241|ASA (aspirin)|0|N||
C0018681|ENG|P|L0018681|PF|S0046854|Y|A0066000||M3||MSH|MH|D006261|Headache|0|N|256|
C9999999|ENG|P|L9|PF|S9|Y|A9||M9||SRC|PT|9|without a type|0|N||
C8888888|ENG|P|too short|
"""
MRSTY = """\
C0000039|T109|A1.4.1.2.1|Organic Chemical|AT45562015|256|
C0000039|T121|A1.4.1.1.1|Pharmacologic Substance|AT17620317|256|
C0004057|T109|A1.4.1.2.1|Organic Chemical|AT1||
C0018681|T184|A2.2.2|Sign or Symptom|AT2||
"""
MRDEF = """\
C0004057|A0019182|AT1||MSH|The prototypical analgesic.|N||
C0004057|A0019183|AT2||NCI|A second one.|N||
C0018681|A0066000|AT3||MSH|suppressed|O||
"""
# CUI1 AUI1 STYPE1 REL CUI2 AUI2 STYPE2 RELA RUI SRUI SAB SL RG DIR SUPPRESS CVF
MRREL = """\
C0018681|A1|AUI|RO|C0004057|A2|AUI|may_treat|R1||MED-RT|MED-RT||Y|N||
C0004057|A2|AUI|RO|C0018681|A1|AUI|may_be_treated_by|R2||MED-RT|MED-RT||N|N||
C0000039|A1|CUI|SIB|C0004057|A2|CUI||R3||MSH|MSH|||N||
C0000039|A1|CUI|PAR|C0004057|A2|CUI||R4||MSH|MSH|||N||
C0004057|A1|CUI|SY|C0004057|A2|CUI||R5||MSH|MSH|||N||
C0004057|A1|CUI|RO|C0018681|A2|CUI|gone|R6||MSH|MSH|||O||
C0004057|A1|CUI|RO|C7777777|A2|CUI|dangling|R7||MSH|MSH|||N||
"""
MRRANK = "0400|MSH|MH|N|\n0300|MSH|ET|N|\n0399|RXNORM|IN|N|\n"
SRDEF = """\
STY|T109|Organic Chemical|A1.4.1.2.1|A compound.|||NULL|orch|||
STY|T121|Pharmacologic Substance|A1.4.1.1.1|A substance.|||NULL|phsu|||
STY|T184|Sign or Symptom|A2.2.2|A sign.|||NULL|sosy|||
RL|T154|treats|R3.1.2|Applies a remedy.|||NULL|TS|treated_by||
"""
SRSTRE1 = "T121|T154|T184|\nT109|T154|T999|\n"
SRSTR = """\
Pharmacologic Substance|treats|Sign or Symptom|D|
Pharmacologic Substance|isa||D|
Sign or Symptom|treats|Pharmacologic Substance|B|
"""


@pytest.fixture
def meta(tmp_path: Path) -> Path:
    folder = tmp_path / "META"
    folder.mkdir()
    for name in ("MRCONSO", "MRSTY", "MRDEF", "MRREL", "MRRANK"):
        (folder / f"{name}.RRF").write_text(globals()[name], encoding="utf8")
    for name in ("SRDEF", "SRSTRE1", "SRSTR"):
        (tmp_path / name).write_text(globals()[name], encoding="utf8")
    return folder


def test_a_release(meta: Path) -> None:
    out = meta.parent / "kb"
    network = [meta.parent / "SRDEF", meta.parent / "SRSTRE1"]
    reports = compile_knowledge_base(out, [SourceFiles("umls", [meta])], network)
    kb = KnowledgeBase(out)
    assert [kb.id(i) for i in range(len(kb))] == ["C0000039", "C0004057", "C0018681"]
    dppc = kb["C0000039"]
    assert dppc.name == "1,2-dipalmitoylphosphatidylcholine"
    assert set(dppc.names) == {"DPPC", "1,2-Dipalmitoylphosphatidylcholine", dppc.name}
    assert dppc.types == ["T109", "T121"]
    aspirin = kb["C0004057"]
    assert aspirin.names == ["Aspirin", "ASA (aspirin)"] and aspirin.definition == "The prototypical analgesic."
    # "C0004057 may_treat C0018681" stands as C0018681 … may_treat C0004057
    assert aspirin.relations == [("may_treat", "C0018681"), ("PAR", "C0000039")]
    assert kb["C0018681"].relations == [("may_be_treated_by", "C0004057")] and kb["C0018681"].definition == ""
    assert kb.lexicon.lookup("ASA") == [kb.index("C0004057")]
    counts = reports["umls: META"].counts
    assert counts["names left out: not English"] == 1 and counts["names left out: suppressible"] == 2
    assert counts["dropped: malformed"] == 2 and counts["dropped: without a semantic type"] == 1
    assert counts["relations left out: siblings"] == 1
    assert reports["knowledge base"].counts["dropped: relation to or from a concept that is not there"] == 1
    assert kb.manifest["sources"][0]["licence"] == "UMLS Metathesaurus License"
    graph = kb.induce([0, 0], [kb.index("C0000039"), kb.index("C0018681")])
    assert "treats" in {kb.labels[x] for x in graph.labels}


def test_the_files_of_the_semantic_network(meta: Path) -> None:
    for relations in ("SRSTRE1", "SRSTR"):
        report = SourceReport()
        network = read_semantic_network([meta.parent / relations, meta.parent / "SRDEF"], report)
        assert network.names["T184"] == "Sign or Symptom" and "T154" not in network.names
        assert network.edges == [("T121", "treats", "T184")]
        assert report.counts["dropped: type relation of an unknown type"] == (relations == "SRSTRE1")
        assert report.counts["relations of semantic types left out: blocked"] == (relations == "SRSTR")
    with pytest.raises(KnowledgeBaseError, match="neither SRDEF"):
        read_semantic_network([meta / "MRREL.RRF"], SourceReport())


def test_the_semantic_network_as_an_archive(meta: Path, tmp_path: Path) -> None:
    path = tmp_path / "sn_current.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("SRDEF", "SRSTR", "SRSTRE1"):
            archive.add(tmp_path / name, f"2023AA/{name}")
    assert read_semantic_network([path], SourceReport()).edges == [("T121", "treats", "T184")]
    older = tmp_path / "older.tgz"
    with tarfile.open(older, "w:gz") as archive:
        for name in ("SRDEF", "SRSTR"):
            archive.add(tmp_path / name, name)
    assert read_semantic_network([older], SourceReport()).edges == [("T121", "treats", "T184")]
    with tarfile.open(tmp_path / "other.tgz", "w:gz") as archive:
        archive.add(meta / "MRREL.RRF", "MRREL.RRF")
    with pytest.raises(KnowledgeBaseError, match="holds neither SRDEF"):
        read_semantic_network([tmp_path / "other.tgz"], SourceReport())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(KnowledgeBaseError, match="Download it again"):
        read_semantic_network([path], SourceReport())


def test_archives_whose_files_have_the_same_names(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.tgz" for name in ("types", "relations")]
    for path, text in zip(paths, ("tui\tabbr\tname\nA\ta\tone\nB\tb\ttwo\n", "A\tcauses\tB\n"), strict=True):
        (tmp_path / "table.tsv").write_text(text)
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / "table.tsv", "table.tsv")
    assert read_semantic_network(paths, SourceReport()).edges == [("A", "causes", "B")]
    for path in paths:
        with pytest.raises(KnowledgeBaseError, match=f"{path.name}: . semantic types and no relations"):
            read_semantic_network([path], SourceReport())


def test_what_is_missing(meta: Path, tmp_path: Path) -> None:
    (meta / "MRSTY.RRF").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"MRSTY\.RRF is not among"):
        compile_knowledge_base(tmp_path / "kb", [SourceFiles("umls", [meta])])
    assert not (tmp_path / "kb").exists()


def test_a_table_twice_or_in_parts(meta: Path, tmp_path: Path) -> None:
    (meta / "MRSAT.RRF.aa.gz").touch()  # nobody reads it
    (meta / "MRSAT.RRF.ab.gz").touch()
    compile_knowledge_base(tmp_path / "kb", [SourceFiles("umls", [meta])])
    (meta / "MRCONSO.RRF").rename(meta / "MRCONSO.RRF.aa")
    (meta / "MRCONSO.RRF.ab").touch()
    with pytest.raises(KnowledgeBaseError, match=r"two files MRCONSO: .*\.aa and .*\.ab"):
        compile_knowledge_base(tmp_path / "other", [SourceFiles("umls", [meta])])
