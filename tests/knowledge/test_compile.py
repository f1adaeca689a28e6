import gzip
import json
import pickle
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.knowledge import collect, writing
from spacy_keci.knowledge import compile as compile_module
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.folder import FORMAT_VERSION
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.relation_vectors import train_vectors
from spacy_keci.knowledge.storage import KnowledgeBaseError

from .conftest import write_jsonl


def build(folder: Path, *sources: list[dict], **options: Any) -> KnowledgeBase:
    files = [SourceFiles("jsonl", [write_jsonl(folder / f"{i}.jsonl", s)]) for i, s in enumerate(sources)]
    compile_knowledge_base(folder / "kb", files, overwrite=True, **options)
    return KnowledgeBase(folder / "kb")


def test_what_the_knowledge_base_says(kb: KnowledgeBase) -> None:
    entry = kb["G:1"]
    assert entry.name == "TP53" and entry.names == ["TP53", "p53", "tumor protein p53", "TRP53"]
    assert entry.types == ["T028", "T116"] and entry.definition == "A gene that guards the genome."
    assert entry.relations == [("regulates", "G:2"), ("causes", "D:1")] and entry.source == "jsonl"
    assert kb["D:2"].definition == "" and "G:1" in kb and "X:1" not in kb
    assert kb.indices(["G:2", "nothing"]).tolist() == [kb.index("G:2"), -1]
    assert kb.type_names["T047"] == "Disease or Syndrome"
    with pytest.raises(KeyError, match="nothing"):
        kb.index("nothing")


def test_the_manifest(kb: KnowledgeBase) -> None:
    (source,) = kb.manifest["sources"]
    (file,) = source["files"]
    assert file["name"] == "kb.jsonl" and len(file["sha256"]) == 64 and source["concepts"] == len(kb)
    assert [file["name"] for file in kb.manifest["semantic_network"]] == ["types.tsv", "relations.tsv"]
    assert kb.manifest["counts"]["concepts"] == len(kb)


def test_records_of_a_concept_merge(tmp_path: Path) -> None:
    first = [{"id": "X:1", "name": "one", "aliases": ["uno"], "types": ["T001"], "alt_ids": ["Y:1"]}]
    second = [
        {"id": "X:1", "name": "eins", "types": ["T002", "T001"], "definition": "First.", "aliases": ["one"]},
        {"id": "X:2", "name": "two", "relations": [{"label": "after", "target": "Y:1"}]},
        {"id": "X:3", "name": "three", "relations": [{"label": "after", "target": "X:9"}]},
    ]
    kb = build(tmp_path, first, second)
    assert kb["X:1"][:5] == ("X:1", "one", ["one", "uno", "eins"], ["T001", "T002"], "First.")
    assert kb["X:2"].relations == [("after", "X:1")] and kb["X:3"].relations == []
    assert kb.index("Y:1") == kb.index("X:1") and kb["X:2"].source == "jsonl"


def test_concepts_of_several_vocabularies_are_one(tmp_path: Path) -> None:
    first = [
        {"id": "A:1", "name": "aspirin", "aliases": ["ASA"], "types": ["T121"], "definition": "First."},
        {"id": "A:2", "name": "cold", "types": ["T047"]},
        {"id": "A:3", "name": "twin", "types": ["T047"]},
        {"id": "A:4", "name": "twin", "types": ["T047"]},
    ]
    second = [
        {
            "id": "B:1",
            "name": "Aspirins",
            "types": ["T109"],
            "definition": "Second.",
            "relations": [{"label": "treats", "target": "B:2"}],
        },
        {"id": "B:2", "name": "Headache", "types": ["T184"]},
        {"id": "B:3", "name": "cold", "types": ["T070"]},
        {"id": "B:4", "name": "twin", "types": ["T047"]},
        {"id": "B:5", "name": "cephalgia", "types": ["T184"], "relations": [{"label": "xref", "target": "A:9"}]},
    ]
    third = [{"id": "A:9", "name": "pain in the head", "types": ["T184"]}]
    kb = build(tmp_path, first, second, third)
    assert kb.index("A:1") == kb.index("B:1") and kb.index("A:9") == kb.index("B:5")
    # not: a drug and a process of the same name, or a name that two concepts of one vocabulary have
    assert kb.index("A:2") != kb.index("B:3") and len({kb.index(c) for c in ("A:3", "A:4", "B:4")}) == 3
    assert kb["A:1"].relations == [("treats", "B:2")] and kb["A:1"].types == ["T121", "T109"]
    assert kb["A:1"].definition == "First."
    apart = build(tmp_path, first, second, third, merge=False)
    assert apart.index("A:1") != apart.index("B:1") and len(apart) == 10


def test_a_family_and_its_member_stay_apart(tmp_path: Path) -> None:
    """Also where a third vocabulary has names, or references, of both."""
    is_a = [{"label": "is_a", "target": "F:1"}]
    genes = [{"id": "G:1", "name": "receptor kinase IKKA", "types": ["T116"], "relations": is_a}]
    families = [{"id": "F:1", "name": "receptor kinase IKK", "types": ["T116"]}]
    others = [{"id": "M:1", "name": "receptor kinase IKK", "aliases": ["receptor kinase IKKA"], "types": ["T116"]}]
    kb = build(tmp_path, genes, families, others)
    assert kb.index("G:1") != kb.index("F:1") and kb["G:1"].relations == [("is_a", "F:1")]
    others[0] |= {"name": "kinases", "relations": [{"label": "xref", "target": id} for id in ("G:1", "F:1")]}
    assert len({build(tmp_path, genes, families, others).index(id) for id in ("G:1", "F:1")}) == 2


def test_a_vocabulary_is_that_of_the_identifier(tmp_path: Path) -> None:
    """And not that of another identifier that somebody has named before: genes of one name stay apart."""
    proteins = [
        {"id": "PR:1", "name": "a protein", "types": ["T116"], "relations": [{"label": "xref", "target": "UP:1"}]}
    ]
    genes = [
        {"id": "HGNC:1", "name": "first gene", "aliases": ["shared receptor"], "types": ["T116"], "alt_ids": ["UP:1"]},
        {"id": "HGNC:2", "name": "second gene", "aliases": ["shared receptor"], "types": ["T116"]},
    ]
    kb = build(tmp_path, proteins, genes, [{"id": "MESH:1", "name": "shared receptor", "types": ["T116"]}])
    assert kb.index("PR:1") == kb.index("HGNC:1") and len(kb) == 3


def test_evidence_for_concepts_without_types(tmp_path: Path) -> None:
    for name in ("aspirin", "acetylsalicylic acid"):
        kb = build(tmp_path, [{"id": "A:1", "name": name}], [{"id": "B:1", "name": name}])
        assert len(kb) == 1


def test_a_reference_of_several_that_do_not_all_fit(tmp_path: Path) -> None:
    xref = [{"label": "xref", "target": "C0001"}]
    types = {"A": "T028", "B": "T047", "C": "T047"}
    sources = {v: [{"id": f"{v}:1", "name": f"name of {v}", "types": [t], "relations": xref}] for v, t in types.items()}
    for order in ("ABC", "BCA"):
        kb = build(tmp_path, *(sources[vocabulary] for vocabulary in order))
        assert kb.index("B:1") == kb.index("C:1") != kb.index("A:1")


def test_symbols_and_codes_do_not_make_concepts_one(tmp_path: Path) -> None:
    channels = [{"id": "FPLX:TRP", "name": "TRP", "aliases": ["TRP channels"], "types": ["T116"]}]
    chemicals = [
        {"id": "CHEBI:1", "name": "L-tryptophan", "aliases": ["Trp", "TRP"], "types": ["T116"]},
        {"id": "CHEBI:2", "name": "NADH", "types": ["T114"]},
        {"id": "CHEBI:3", "name": "heme", "types": ["T116"]},
    ]
    drugs = [{"id": "DRUGBANK:1", "name": "NADH", "types": ["T121"]}]
    families = [
        {"id": "IPR:1", "name": "Transient receptor potential channel", "aliases": ["trp"], "types": ["T116"]},
        {"id": "IPR:2", "name": "Uroporphyrinogen decarboxylase", "aliases": ["heme"], "types": ["T116"]},
    ]
    domains = [{"id": "PFAM:1", "name": "Transient receptor potential channel", "types": ["T116"]}]
    kb = build(tmp_path, channels, chemicals, drugs, families, domains)
    assert len({kb.index(c) for c in ("FPLX:TRP", "CHEBI:1", "IPR:1")}) == 3
    assert kb.index("CHEBI:3") != kb.index("IPR:2")
    assert kb.index("CHEBI:2") == kb.index("DRUGBANK:1") and kb.index("IPR:1") == kb.index("PFAM:1")


def test_identifiers_as_others_write_them(tmp_path: Path) -> None:
    gene = {"id": "HGNC:11998", "name": "TP53", "types": ["T028"], "alt_ids": ["UP:P04637", "NCBIGene:7157"]}
    kb = build(tmp_path, [gene, {"id": "C0012860", "name": "DNA", "types": ["T114"]}])
    for other in ("UP:P04637", "UniProt:P04637", "UniProtKB:P04637", "EntrezGene:7157"):
        assert other in kb and kb.index(other) == kb.index("HGNC:11998")
    assert kb.index("UMLS:C0012860") == kb.index("C0012860")
    mine = [{"id": "MeSH:D1", "name": "one", "relations": [{"label": "is", "target": "UniProt:P04637"}]}]
    mine += [{"id": "X:1", "name": "another", "relations": [{"label": "is", "target": "MESH:D1"}]}]
    written = build(tmp_path, [gene], mine, merge=False)
    assert written["MeSH:D1"].relations == [("is", "HGNC:11998")] and written["X:1"].relations == [("is", "MeSH:D1")]
    assert "UniProt:Q9H2M9" not in kb and kb.indices(["UniProt:P04637", "TP53"]).tolist() == [0, -1]


def test_previous_symbols_of_genes(tmp_path: Path) -> None:
    rows = ["hgnc_id symbol name prev_symbol", "HGNC:1 ONE one OLD|TWO|SHARED", "HGNC:2 TWO two SHARED"]
    path = tmp_path / "hgnc.tsv"
    path.write_text("\n".join(row.replace(" ", "\t") for row in rows), encoding="utf8")
    compile_knowledge_base(tmp_path / "kb", [SourceFiles("hgnc", [path])])
    kb = KnowledgeBase(tmp_path / "kb")
    assert kb.indices(["HGNC:ONE", "HGNC:OLD", "HGNC:TWO", "HGNC:SHARED"]).tolist() == [0, 0, 1, -1]


@pytest.mark.parametrize("step", ["write_knowledge", "write_vectors"])
def test_nothing_is_left_of_an_interrupted_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def stop(*args: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compile_module, step, stop)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, [{"id": "X:1", "name": "one"}], vectors={"trained": train_vectors})
    assert [p.name for p in tmp_path.iterdir()] == ["0.jsonl"]


def test_a_link_is_followed_when_a_knowledge_base_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "kb").symlink_to("elsewhere")
    assert build(tmp_path, [{"id": "X:1", "name": "one"}]).name(0) == "one"
    assert (tmp_path / "kb").is_symlink() and len(KnowledgeBase(tmp_path / "elsewhere")) == 1


def test_the_old_one_stays_where_it_cannot_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems where files in use cannot be deleted: the new one is there nevertheless."""
    build(tmp_path, [{"id": "X:1", "name": "one"}])
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    assert "X:2" in build(tmp_path, [{"id": "X:2", "name": "two"}])


def test_texts_for_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MOST_LABELS", 2)
    relations = [{"label": f"label {i}", "target": "X:1"} for i in range(3)]
    with pytest.raises(KnowledgeBaseError, match="more than 2 labels of relations, the last is 'label 2'"):
        build(tmp_path, [{"id": "X:1", "name": "one", "relations": relations}])


def test_texts_for_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their numbers have 16 bits: one more would be another type."""
    monkeypatch.setattr(writing, "MOST_LABELS", 2)
    with pytest.raises(KnowledgeBaseError, match="more than 2 semantic types, the last is 'type 2'"):
        build(tmp_path, [{"id": f"X:{i}", "name": "one", "types": [f"type {i}"]} for i in range(3)])


def test_files_of_the_same_name(tmp_path: Path) -> None:
    """Each source has its own report."""
    for folder, rows in (("a", [{"id": "X:1"}, {"id": "X:2", "name": "two"}]), ("b", [{"id": "X:3", "name": "three"}])):
        (tmp_path / folder).mkdir()
        write_jsonl(tmp_path / folder / "x.jsonl", rows)
    sources = [SourceFiles("jsonl", [tmp_path / folder / "x.jsonl"]) for folder in "ab"]
    reports = compile_knowledge_base(tmp_path / "kb", sources)
    assert [report.dropped for report in reports.values()] == [1, 0, 0]


def test_an_identifier_of_two_concepts(tmp_path: Path) -> None:
    """Three human genes have the same protein: its identifier finds the first of them."""
    rows = [{"id": f"HGNC:{i}", "name": f"CALM{i}", "alt_ids": ["UP:P0DP23"]} for i in (1, 2, 3)]
    source = SourceFiles("jsonl", [write_jsonl(tmp_path / "a.jsonl", rows)])
    reports = compile_knowledge_base(tmp_path / "kb", [source])
    assert KnowledgeBase(tmp_path / "kb").index("UP:P0DP23") == 0
    assert reports["jsonl: a.jsonl"].counts["dropped: alternative identifier of another concept"] == 2


@pytest.mark.parametrize("field", ["id", "alt_ids", "target"])
def test_control_characters_in_identifiers(tmp_path: Path, field: str) -> None:
    texts = dict.fromkeys(("id", "alt_ids", "target"), "X:1") | {field: "X:a\0b"}
    relations = [{"label": "is", "target": texts["target"]}]
    bad = {"id": texts["id"], "name": "foo", "types": ["T121"], "alt_ids": [texts["alt_ids"]], "relations": relations}
    path = write_jsonl(tmp_path / "a.jsonl", [bad, {"id": "X:2", "name": "two\0", "types": ["T121"]}])
    reports = compile_knowledge_base(tmp_path / "kb", [SourceFiles("jsonl", [path])])
    kb = KnowledgeBase(tmp_path / "kb")
    assert len(kb) == 1 and kb.index("X:2") == 0 and kb.lexicon.lookup("two")
    assert reports["jsonl: a.jsonl"].examples["malformed"][0].endswith("a control character in an identifier")


@pytest.mark.parametrize("name", ["mesh", "obo", "tsv", "obographs"])
def test_files_that_are_no_text_in_utf8(tmp_path: Path, name: str) -> None:
    def refuses(file: str, why: str) -> None:
        with pytest.raises(KnowledgeBaseError, match=rf"^{tmp_path / file} {why}"):
            compile_knowledge_base(tmp_path / "kb", [SourceFiles(name, [tmp_path / file])])

    xml = "<DescriptorRecordSet/>"
    with zipfile.ZipFile(tmp_path / "desc.zip", "w") as archive:
        archive.writestr("desc.xml", xml)
    refuses("desc.zip", r"is a zip archive\. Unpack it \(unzip desc\.zip\)")
    for encoding in ("utf-16", "utf-16-be", "utf-16-le"):
        for compress in (bytes, gzip.compress):
            (tmp_path / "desc.xml").write_bytes(compress(xml.encode(encoding)))
            refuses("desc.xml", r"is text in UTF-16, or none\. Convert it to UTF-8")


def test_an_existing_folder_stays(tmp_path: Path, kb_path: Path) -> None:
    source = SourceFiles("jsonl", [write_jsonl(tmp_path / "a.jsonl", [{"id": "X:1", "name": "one"}])])
    with pytest.raises(FileExistsError, match="exists already"):
        compile_knowledge_base(kb_path, [source])
    (tmp_path / "mine").mkdir()
    write_jsonl(tmp_path / "mine" / "corpus.jsonl", [])
    with pytest.raises(FileExistsError, match="is not a knowledge base; refusing to overwrite it"):
        compile_knowledge_base(tmp_path / "mine", [source], overwrite=True)
    assert (tmp_path / "mine" / "corpus.jsonl").exists()
    with pytest.raises(KnowledgeBaseError, match="at least one source"):
        compile_knowledge_base(tmp_path / "kb", [])


def test_sources_on_the_command_line() -> None:
    assert SourceFiles.parse("mesh=a.tsv,b.tsv") == SourceFiles("mesh", [Path("a.tsv"), Path("b.tsv")])
    for bad in ("mesh", "nothing=a", ""):
        with pytest.raises(KnowledgeBaseError, match="FORMAT=FILE"):
            SourceFiles.parse(bad)


def test_a_list_of_sources(tmp_path: Path) -> None:
    path = tmp_path / "sources.txt"
    path.write_bytes("# größer\njsonl=a.jsonl\n".encode("latin-1"))
    assert SourceFiles.read(path) == [SourceFiles("jsonl", [tmp_path / "a.jsonl"])]
    with pytest.raises(KnowledgeBaseError, match="There is no file"):
        SourceFiles.read(tmp_path / "none.txt")


def test_what_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="is not a knowledge base"):
        KnowledgeBase(tmp_path)
    kb = build(tmp_path, [{"id": "X:1", "name": "one"}])
    manifest = json.loads((kb.path / "manifest.json").read_text())
    (kb.path / "manifest.json").write_text(json.dumps({**manifest, "format_version": FORMAT_VERSION + 1}))
    with pytest.raises(KnowledgeBaseError, match=r"format 2, .* reads format 1\. Update spacy-keci"):
        KnowledgeBase(kb.path)
    without_labels = json.dumps({key: value for key, value in manifest.items() if key != "labels"})
    for damaged in ("{", "[]", without_labels):
        (kb.path / "manifest.json").write_text(damaged)
        with pytest.raises(KnowledgeBaseError, match=r"damaged|format None"):
            KnowledgeBase(kb.path)
    (kb.path / "manifest.json").write_text(json.dumps(manifest))
    for file in ("names.utf8", "keys.trie", "ids.trie", "types.type.npy"):
        content = (kb.path / file).read_bytes()
        for cut in (content[:-1], b""):
            (kb.path / file).write_bytes(cut)
            with pytest.raises(KnowledgeBaseError):
                KnowledgeBase(kb.path)
        (kb.path / file).unlink()
        with pytest.raises(KnowledgeBaseError):
            KnowledgeBase(kb.path)
        (kb.path / file).write_bytes(content)


def look_up(kb: KnowledgeBase) -> list[str]:
    return [kb.id(c) for c in kb.lexicon.lookup("p53")]


def test_many_processes(kb: KnowledgeBase) -> None:
    assert look_up(pickle.loads(pickle.dumps(kb))) == ["G:1"]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(look_up, [kb] * 3)) == [["G:1"]] * 3
