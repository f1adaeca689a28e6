"""Every format, on small files in its true form."""

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.semantic_network import read_semantic_network
from spacy_keci.knowledge.semantic_types import TypeTable
from spacy_keci.knowledge.sources import SOURCES, ConceptRecord, SourceReport
from spacy_keci.knowledge.storage import KnowledgeBaseError


def read(name: str, *paths: Path, max_errors: int = 1000) -> tuple[dict[str, ConceptRecord], SourceReport]:
    report = SourceReport(max_errors)
    records = list(SOURCES[name].read(list(paths), TypeTable(), report))
    return {r.id: r for r in records}, report


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf8")
    return path


OBO = """format-version: 1.2
data-version: 2024

[Term]
id: GO:0005575
name: cellular_component

[Term]
id: GO:0032991
name: protein-containing complex {source="x"} ! a comment
def: "A stable assembly, \\"complex\\"." [GOC:dos]
synonym: "protein complex" EXACT []
synonym: "complex" BROAD []
alt_id: GO:0043234
xref: MeSH:D046912 "a title"
is_a: GO:0005575 ! cellular_component
relationship: BFO:0000051 PR:000000001 ! has part protein

[Term]
id: GO:0000001
name: gone
is_obsolete: true

[Term]
id: HP:0000002
name: Abnormality of body height
synonym: "broken
is_a: HP:0000003
no tag here

[Term]
id: HP:0000003
name: Growth abnormality
is_a: HP:0000002

[Term]
id: XX:1
name: of no known vocabulary

[Typedef]
id: BFO:0000051
name: has part

[Term]
id: GO:0005575
name: the same again
"""


def test_obo(tmp_path: Path) -> None:
    records, report = read("obo", write(tmp_path / "a.obo", OBO))
    assert records["GO:0032991"] == ConceptRecord(
        "GO:0032991",
        "protein-containing complex",
        ("protein complex",),
        ("T116",),
        'A stable assembly, "complex".',
        (("is_a", "GO:0005575"), ("has_part", "PR:000000001"), ("xref", "MESH:D046912")),
        ("GO:0043234",),
    )
    assert records["GO:0005575"].types == ("T026",) and records["HP:0000002"].types == ("T033",)
    assert set(records) == {"GO:0005575", "GO:0032991", "HP:0000002", "HP:0000003"}
    assert report.versions == ["2024"] and report.counts["dropped: malformed"] == 2
    assert report.examples["malformed"][0].startswith("a.obo, line 27: ")
    assert report.counts["dropped: obsolete"] == report.counts["dropped: identifier that was there before"] == 1
    assert report.counts["dropped: in no branch of the table of semantic types"] == 1
    # one of the two is_a that close the circle is left
    assert report.counts["dropped: is_a that closes a cycle"] == 1
    assert len(records["HP:0000002"].relations) + len(records["HP:0000003"].relations) == 1


def test_obo_graphs_say_the_same_as_obo(tmp_path: Path) -> None:
    purl = "http://purl.obolibrary.org/obo/"
    nodes = [
        {"id": f"{purl}GO_0005575", "lbl": "cellular_component", "type": "CLASS"},
        {
            "id": f"{purl}GO_0032991",
            "lbl": "protein-containing complex",
            "type": "CLASS",
            "meta": {
                "definition": {"val": 'A stable assembly, "complex".'},
                "synonyms": [
                    {"pred": "hasExactSynonym", "val": "protein complex"},
                    {"pred": "hasBroadSynonym", "val": "complex"},
                ],
                "xrefs": [{"val": "MeSH:D046912"}],
                "basicPropertyValues": [
                    {"pred": "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId", "val": "GO:0043234"}
                ],
            },
        },
        {"id": f"{purl}GO_0000001", "lbl": "gone", "type": "CLASS", "meta": {"deprecated": True}},
        {"id": f"{purl}BFO_0000051", "lbl": "has part", "type": "PROPERTY"},
        {"lbl": "without an id"},
    ]
    edges = [
        {"sub": f"{purl}GO_0032991", "pred": "is_a", "obj": f"{purl}GO_0005575"},
        {"sub": f"{purl}GO_0032991", "pred": f"{purl}BFO_0000051", "obj": f"{purl}PR_000000001"},
    ]
    path = write(
        tmp_path / "a.json", json.dumps({"graphs": [{"nodes": nodes, "edges": edges, "meta": {"version": "7"}}]})
    )
    records, report = read("obographs", path)
    from_obo, _ = read("obo", write(tmp_path / "a.obo", OBO))
    assert records == {id: from_obo[id] for id in ("GO:0005575", "GO:0032991")}
    assert report.versions == ["7"] and report.counts["dropped: malformed"] == 1
    with pytest.raises(KnowledgeBaseError, match="not OBO Graphs JSON"):
        read("obographs", write(tmp_path / "b.json", "[]"))
    with pytest.raises(KnowledgeBaseError, match="graphs, nodes and edges are objects"):
        read("obographs", write(tmp_path / "c.json", '{"graphs": {"id": 1}}'))


def test_hgnc(tmp_path: Path) -> None:
    gene = {
        "hgnc_id": "HGNC:11998",
        "symbol": "TP53",
        "name": "tumor protein p53",
        "locus_group": "protein-coding gene",
        "status": "Approved",
        "alias_symbol": '"p53|LFS1"',
        "prev_name": "",
        "gene_group": "Receptor ligands",
        "gene_group_id": "542",
        "entrez_id": "7157",
        "uniprot_ids": "P04637",
    }
    rows = [
        list(gene),
        list(gene.values()),
        ["HGNC:1", "X", "gone", "pseudogene", "Entry Withdrawn", *[""] * 6],
        ["", "Y", "", "", "Approved", *[""] * 6],
    ]
    records, report = read("hgnc", write(tmp_path / "h.txt", "\n".join("\t".join(r) for r in rows)))
    assert records["HGNC:11998"] == ConceptRecord(
        "HGNC:11998",
        "TP53",
        ("tumor protein p53", "p53", "LFS1"),
        ("T028", "T116"),
        "",
        (("member_of", "HGNC_GROUP:542"),),
        ("HGNC:TP53", "UP:P04637", "NCBIGene:7157"),
    )
    assert records["HGNC_GROUP:542"].name == "Receptor ligands"
    assert report.counts["dropped: not approved"] == 1 and report.counts["dropped: malformed"] == 1
    with pytest.raises(KnowledgeBaseError, match="hgnc_id"):
        read("hgnc", write(tmp_path / "no.txt", "a\tb\n"))


MESH_XML = """<?xml version="1.0"?>
<DescriptorRecordSet LanguageCode="eng">
<DescriptorRecord DescriptorClass="1"><DescriptorUI>D009369</DescriptorUI>
<DescriptorName><String>Neoplasms</String></DescriptorName>
<TreeNumberList><TreeNumber>C04</TreeNumber></TreeNumberList>
<ConceptList><Concept PreferredConceptYN="Y"><ScopeNote>New abnormal growth
 of tissue.</ScopeNote><TermList><Term><String>Neoplasms</String></Term><Term><String>Tumors</String></Term></TermList>
</Concept></ConceptList></DescriptorRecord>
<DescriptorRecord><DescriptorUI>D008175</DescriptorUI><DescriptorName><String>Lung Neoplasms</String></DescriptorName>
<TreeNumberList><TreeNumber>C04.588</TreeNumber></TreeNumberList><ConceptList/></DescriptorRecord>
<DescriptorRecord><DescriptorUI>D0</DescriptorUI></DescriptorRecord>
</DescriptorRecordSet>"""


def test_mesh_xml_and_tables_say_the_same(tmp_path: Path) -> None:
    xml, report = read("mesh", write(tmp_path / "desc.xml", MESH_XML))
    assert report.counts["dropped: malformed"] == 1
    other = "<QualifierRecordSet><QualifierRecord/></QualifierRecordSet>"
    _, report = read("mesh", write(tmp_path / "qual.xml", other))
    assert report.counts["records left out: QualifierRecord"] == 1
    names = write(tmp_path / "names.tsv", "D009369\tNeoplasms\tTumors\nD008175\tLung Neoplasms\t\nD1\n")
    trees = "mesh_id\tmesh_name\tmesh_tree_number\nD009369\tNeoplasms\tC04\nD008175\tLung Neoplasms\tC04.588\n"
    tables, report = read("mesh", names, write(tmp_path / "trees.tsv", trees))
    assert report.counts["dropped: malformed"] == 1
    assert xml["MESH:D009369"] == tables["MESH:D009369"]._replace(definition="New abnormal growth of tissue.")
    assert xml["MESH:D009369"].types == ("T191",) and xml["MESH:D009369"].aliases == ("Tumors",)
    assert xml["MESH:D008175"].relations == tables["MESH:D008175"].relations == (("is_a", "MESH:D009369"),)
    with pytest.raises(KnowledgeBaseError, match="Is it complete"):
        read("mesh", write(tmp_path / "cut.xml", MESH_XML[:300]))


def test_famplex(tmp_path: Path) -> None:
    obo = write(
        tmp_path / "f.obo", "[Term]\nid: FPLX:RAS\nname: RAS-family\nis_a: FPLX:root\ninverse_is_a: HGNC:KRAS\n"
    )
    csv = write(tmp_path / "r.csv", "HGNC,KRAS,isa,FPLX,RAS\nFPLX,RAS,partof,FPLX,X\nbroken\n")
    records, report = read("famplex", obo, csv)
    assert records["FPLX:RAS"].relations == (("part_of", "FPLX:X"),)
    assert records["FPLX:RAS"].aliases == ("RAS family",)
    assert records["HGNC:KRAS"] == ConceptRecord("HGNC:KRAS", "", relations=(("is_a", "FPLX:RAS"),))
    assert read("famplex", obo)[0]["HGNC:KRAS"] == records["HGNC:KRAS"]
    assert report.counts["dropped: malformed"] == 1


def test_families_and_drugs(tmp_path: Path) -> None:
    pfam, report = read("pfam", write(tmp_path / "p.tsv", "14-3-3\tPF00244\n14-3-3 protein\tPF00244\n\tPF1\n"))
    assert pfam["PFAM:PF00244"][:3] == ("PFAM:PF00244", "14-3-3 protein", ("14-3-3",))
    assert report.counts["dropped: malformed"] == 1
    text = "Erk\tIPR008349\tHuman\nErk\tIPR008349\tMouse\nPTHR10845:SF11\tIPR008349\tHuman\n"
    interpro, _ = read("interpro", write(tmp_path / "i.tsv", text))
    assert interpro["IPR:IPR008349"][:3] == ("IPR:IPR008349", "Erk", ("PTHR10845:SF11",))
    head = "DrugBank ID,Accession Numbers,Common name,CAS,UNII,Synonyms,Standard InChI Key\n"
    drugs, _ = read("drugbank", write(tmp_path / "d.csv", head + 'DB00001,B,Lepirudin,1-1,U,"Lep, a | R-hirudin",\n'))
    assert drugs["DRUGBANK:DB00001"][:4] == ("DRUGBANK:DB00001", "Lepirudin", ("Lep, a", "R-hirudin"), ("T121",))


@pytest.mark.parametrize(
    ("name", "head", "row"),
    [
        ("hgnc", "hgnc_id\tsymbol\tname", "HGNC:{0}\t{1}G{0}\tgene {0}"),
        ("drugbank", "DrugBank ID,Common name,Synonyms", "DB{0},{1}drug {0},a | b"),
    ],
)
def test_a_quotation_mark_that_is_never_closed_costs_a_line(tmp_path: Path, name: str, head: str, row: str) -> None:
    rows = [row.format(i, '"' if i == 2 else "") for i in range(5)]
    records, report = read(name, write(tmp_path / "table", "\n".join([head, *rows])))
    assert len(records) == 4
    assert report.examples["malformed"] == ["table, line 4: 2 fields for 3 columns"]
    for text in ("", "a,b\n"):
        with pytest.raises(KnowledgeBaseError, match=r"is empty|no columns .* the right file"):
            read(name, write(tmp_path / "table", text))


def test_a_table_with_another_head(tmp_path: Path) -> None:
    text = "ID\tName\tDefinition\tTypes\nX:1\tone\tFirst.\tT001\n\nX:2\ttwo\tSecond.\tT001\tmore\n"
    records, report = read("tsv", write(tmp_path / "a.tsv", text))
    assert records == {"X:1": ConceptRecord("X:1", "one", types=("T001",), definition="First.")}
    assert report.counts["dropped: malformed"] == 1
    records, report = read("tsv", write(tmp_path / "a.tsv", "Name\tid\none\tX:1\n"))
    assert records == {"X:1": ConceptRecord("X:1", "one")}
    with pytest.raises(KnowledgeBaseError, match=r"unknown columns: synonyms\. Allowed: id, name"):
        read("tsv", write(tmp_path / "a.tsv", "id\tname\tsynonyms\nX:1\tone\tuno\n"))


@pytest.mark.parametrize(
    "node",
    [
        {"id": 5},
        {"id": "X:1", "lbl": 5},
        {"id": "X:1", "lbl": "one", "meta": {"xrefs": ["Y:1"]}},
        {"id": "X:1", "lbl": "one", "meta": {"synonyms": [{"val": 7}]}},
        {"id": 5, "lbl": None, "type": "PROPERTY"},
    ],
)
def test_a_node_that_is_none(tmp_path: Path, node: dict[str, Any]) -> None:
    """Is counted; members that are null are not there."""
    empty = {"basicPropertyValues": None, "synonyms": None, "xrefs": None, "definition": None}
    good = {"id": "GO:0005575", "lbl": "cellular_component", "type": None, "meta": empty}
    part = {"id": "BFO:0000051", "lbl": None, "type": "PROPERTY"}
    edges = [{"sub": "GO:0005575", "pred": None, "obj": None}, {"sub": 5, "pred": "is_a", "obj": "GO:0005575"}]
    text = json.dumps({"graphs": [{"nodes": [node, good, part], "edges": edges}]})
    records, report = read("obographs", write(tmp_path / "a.json", text))
    assert set(records) == {"GO:0005575"} and report.counts["dropped: malformed"] == 2


def test_what_one_graph_refers_to_another_defines(tmp_path: Path) -> None:
    stub, whole = {"id": "GO:1", "type": "CLASS"}, {"id": "GO:1", "lbl": "one", "type": "CLASS"}
    child = {"id": "GO:2", "lbl": "two", "type": "CLASS"}
    edges = [{"sub": sub, "pred": "is_a", "obj": "GO:1"} for sub in ("GO:2", "GO:3")]
    first, second = {"nodes": [stub, child], "edges": edges}, {"nodes": [whole, {**whole, "lbl": "not this"}]}
    text = json.dumps({"graphs": [first, second]})
    records, report = read("obographs", write(tmp_path / "a.json", text))
    assert records["GO:1"].name == "one" and records["GO:2"].relations == (("is_a", "GO:1"),)
    assert report.counts["dropped: identifier that was there before"] == 1
    assert report.counts["edges left out: not from a class to something"] == 1


def test_half_a_surrogate_pair(tmp_path: Path) -> None:
    lines = '{"id": "X:\\ud800", "name": "one"}\n{"id": "X:2", "name": "\\ud83d\\ude00"}\n'
    records, report = read("jsonl", write(tmp_path / "a.jsonl", lines))
    assert set(records) == {"X:2"} and report.counts["dropped: malformed"] == 1


def test_rows_without_end(tmp_path: Path) -> None:
    text = "hgnc_id\tsymbol\tname\nHGNC:1\tONE\tone\nHGNC:2\tTWO\t" + "x" * 200_000 + "\n"
    records, report = read("hgnc", write(tmp_path / "a.tsv", text))
    assert set(records) == {"HGNC:1"} and report.counts["dropped: malformed"] == 1
    with pytest.raises(KnowledgeBaseError, match="is it the right file"):
        read("hgnc", write(tmp_path / "b.tsv", "x" * 200_000))


@pytest.mark.parametrize("text", ['{"graphs": [{"nodes": [5]}]}', '{"graphs": [5]}', "[" * 100_000])
def test_what_is_no_graph(tmp_path: Path, text: str) -> None:
    with pytest.raises(KnowledgeBaseError, match="not OBO Graphs JSON"):
        read("obographs", write(tmp_path / "a.json", text))


def test_ones_own_ontology_as_jsonl_and_table(tmp_path: Path) -> None:
    line = {
        "id": "X:1",
        "name": "one",
        "aliases": ["eins", "uno"],
        "types": ["T001", "T002"],
        "definition": "First.",
        "relations": [{"label": "before", "target": "X:2"}],
        "synonyms": ["first"],  # which is called aliases
    }
    path = write(
        tmp_path / "a.jsonl",
        json.dumps(line) + '\n\n{"id": "GO:2", "name": "two"}\n[1]\n{"id": 3}\nno\n{"id": "X:3", "name": ""}\n',
    )
    records, report = read("jsonl", path)
    wanted = ConceptRecord("X:1", "one", ("eins", "uno"), ("T001", "T002"), "First.", (("before", "X:2"),))
    assert records == {"X:1": wanted, "GO:2": ConceptRecord("GO:2", "two", types=("T038",))}
    assert report.examples["malformed"] == [
        "a.jsonl, line 4: Input should be an object",
        "a.jsonl, line 5: id: Input should be a valid string",
        "a.jsonl, line 6: Invalid JSON: expected ident at line 1 column 2",
        "a.jsonl, line 7: name: an identifier, a name or a label is empty",
    ]
    assert report.examples["unknown field"] == ["a.jsonl, line 1: synonyms"]
    head = "id\tname\taliases\ttypes\tdefinition\trelations\n"
    table, report = read(
        "tsv", write(tmp_path / "a.tsv", head + "X:1 \t one\teins|uno\tT001|T002\tFirst.\tbefore=X:2\nGO:2\ttwo\nbad\n")
    )
    assert table == records and report.counts["dropped: malformed"] == 1


def test_scispacy(tmp_path: Path) -> None:
    line = {"concept_id": "C0000005", "canonical_name": "x", "aliases": ["y"], "types": ["T116"], "definition": None}
    records, _ = read("scispacy", write(tmp_path / "kb.jsonl", json.dumps(line)))
    assert records == {"C0000005": ConceptRecord("C0000005", "x", ("y",), ("T116",))}


def test_too_many_malformed_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "no\n" * 5)
    with pytest.raises(KnowledgeBaseError, match=r"more than 3 malformed lines, the last is line 4"):
        read("jsonl", path, max_errors=3)


def test_encodings_and_cut_files(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress("\ufeffX:1\tnaïve\n".encode() + "X:2\tCétuximab\r\n".encode("latin-1")))
    records, report = read("tsv", path)
    assert records["X:1"].name == "naïve" and records["X:2"].name == "Cétuximab"
    assert report.counts["lines not in UTF-8, read as Latin-1"] == 1
    data = gzip.compress(b"".join(b"X:%d\tname %d\n" % (i, i * i) for i in range(5000)))
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(KnowledgeBaseError, match=r"cannot be read to its end: .*Download it again"):
        read("tsv", path)
    with pytest.raises(KnowledgeBaseError, match="There is no file"):
        read("tsv", tmp_path / "none")


def test_tables_of_types(tmp_path: Path) -> None:
    table = TypeTable(write(tmp_path / "t.tsv", "\ufeff# mine\nX:\tT001, T002\tnote\nGO:\tT044\n"))
    assert table.vocabulary("X:7") == ("T001", "T002") and table.get("GO:") == ("T044",)
    assert table.tree("MESH", "C04.588.1") == ("T191",) and table.tree("MESH", "Q9") == ()
    with pytest.raises(KnowledgeBaseError, match="line 1"):
        TypeTable(write(tmp_path / "bad.tsv", "X:\n"))


def test_mesh_as_one_table_with_supplementary_records(tmp_path: Path) -> None:
    names = write(
        tmp_path / "names.tsv",
        "D009369\tNeoplasms\tTumors|Cancer\tC04\t\nD019713\tReceptors, CCR5\t\tD12.776.543.750\t\n"
        "D051379\tMice\tMus\tB01.050.150.900.649\t10090|10092\n",
    )
    supplement = write(
        tmp_path / "supp.tsv",
        "C535516\tHereditary leiomyomatosis\tReed's syndrome\tD009369,D000000\nC029036\tcrocin\t\t\n",
    )
    records, _ = read("mesh", names, supplement)
    assert records["MESH:D009369"].types == ("T191",) and records["MESH:D009369"].aliases == ("Tumors", "Cancer")
    assert records["MESH:D019713"].aliases == ("CCR5 Receptors",)  # the heading is inverted
    assert records["MESH:D051379"].alt_ids == ("NCBITaxon:10090", "NCBITaxon:10092")
    assert records["MESH:C535516"].types == ("T191",)  # those of what it is mapped to
    assert ("mapped_to", "MESH:D009369") in records["MESH:C535516"].relations
    assert records["MESH:C029036"].types == ("T103",)  # a chemical, as most supplementary records


def test_mesh_taxa_in_xml(tmp_path: Path) -> None:
    numbers = "<ConceptList><Concept><RegistryNumber>txid10090</RegistryNumber></Concept></ConceptList>"
    other = "<ConceptList><Concept><RegistryNumber>50-00-0</RegistryNumber></Concept></ConceptList>"
    for given, expected in ((numbers, ("NCBITaxon:10090",)), (other, ())):
        records, _ = read("mesh", write(tmp_path / "desc.xml", MESH_XML.replace("<ConceptList/>", given)))
        assert records["MESH:D008175"].alt_ids == expected


SSSOM = """#mapping_set_id: x
#license: CC0
subject_id\tsubject_label\tpredicate_id\tobject_id\tpredicate_modifier
mesh:D001943\tBreast Neoplasms\tskos:exactMatch\tdoid:1612\t
uniprot:P04637\tp53\tskos:broadMatch\tfplx:P53\t
mesh:D1\tx\tskos:exactMatch\tdoid:2\tNot
mesh:D1\tx\tro:0018033\tdoid:2\t
mesh:D1\tx\t\tdoid:2\t
Orphanet:58\tx\tskos:exactMatch\tUMLS:C0270726\t
mesh:D1\tx\tskos:exactMatch\tsssom:NoTermFound\t
doid:3\tx\tskos:exactMatch\tno identifier\t
"""


def test_sssom(tmp_path: Path) -> None:
    report = SourceReport()
    records = list(SOURCES["sssom"].read([write(tmp_path / "mappings.tsv", SSSOM)], TypeTable(), report))
    assert [(r.id, r.relations) for r in records] == [
        ("MESH:D001943", (("exact_match", "DOID:1612"),)),
        ("DOID:1612", (("exact_match", "MESH:D001943"),)),
        ("UP:P04637", (("broad_match", "FPLX:P53"),)),
        ("FPLX:P53", (("narrow_match", "UP:P04637"),)),
        ("ORDO:58", (("exact_match", "C0270726"),)),
        ("C0270726", (("exact_match", "ORDO:58"),)),
    ]
    # else all that "exactly match" nothing would be one
    assert report.dropped == 5 and report.counts["dropped: not from an identifier to another"] == 2


def test_sssom_makes_two_concepts_one(tmp_path: Path) -> None:
    mesh = write(tmp_path / "mesh.tsv", "D001943\tBreast Neoplasms\t\tC04.588\t\n")
    disease = '{"id": "DOID:1612", "name": "breast cancer", "types": ["T191"]}'
    sources = [
        SourceFiles("mesh", [mesh]),
        SourceFiles("jsonl", [write(tmp_path / "do.jsonl", disease)]),
        SourceFiles("sssom", [write(tmp_path / "mappings.tsv", SSSOM)]),
    ]
    compile_knowledge_base(tmp_path / "kb", sources)
    kb = KnowledgeBase(tmp_path / "kb")
    assert kb.index("DOID:1612") == kb.index("MESH:D001943")


def test_mesh_under_the_name_that_nlm_gives_it(tmp_path: Path) -> None:
    (tmp_path / "desc2025.gz").write_bytes(gzip.compress(MESH_XML.encode()))
    records, report = read("mesh", tmp_path / "desc2025.gz")
    assert records["MESH:D009369"].aliases == ("Tumors",) and report.counts["dropped: malformed"] == 1
    (tmp_path / "desc").write_bytes(gzip.compress(b"\xef\xbb\xbf\n" + MESH_XML.partition("\n")[2].encode()))
    assert read("mesh", tmp_path / "desc")[0] == records


SUPPLEMENT = """<?xml version="1.0"?>
<SupplementalRecordSet>
<SupplementalRecord SCRClass="{0}"><SupplementalRecordUI>C000606551</SupplementalRecordUI>
<SupplementalRecordName><String>remdesivir</String></SupplementalRecordName><Note>An antiviral.</Note>
<HeadingMappedToList><HeadingMappedTo><DescriptorReferredTo><DescriptorUI>*D009369</DescriptorUI>
</DescriptorReferredTo></HeadingMappedTo></HeadingMappedToList>
<ConceptList><Concept PreferredConceptYN="Y"><TermList><Term><String>GS-5734</String></Term></TermList></Concept>
</ConceptList></SupplementalRecord></SupplementalRecordSet>"""


def test_mesh_supplementary_records(tmp_path: Path) -> None:
    """Have the types of what they are mapped to, or else of their class."""
    for scr_class, types in (("1", ("T103",)), ("3", ("T047",))):
        records, _ = read("mesh", write(tmp_path / "supp.xml", SUPPLEMENT.format(scr_class)))
        assert records == {
            "MESH:C000606551": ConceptRecord(
                "MESH:C000606551",
                "remdesivir",
                ("GS-5734",),
                types,
                "An antiviral.",
                (("mapped_to", "MESH:D009369"),),
            )
        }
    records, _ = read("mesh", write(tmp_path / "desc.xml", MESH_XML), tmp_path / "supp.xml")
    assert records["MESH:C000606551"].types == ("T191",)


def test_rows_without_their_last_columns(tmp_path: Path) -> None:
    """Which editors cut off where they are empty."""
    text = "hgnc_id\tsymbol\tname\tlocus_group\tprev_symbol\tentrez_id\nHGNC:1\tONE\tone\tother\nHGNC:2\tTWO\n"
    records, report = read("hgnc", write(tmp_path / "a.tsv", text))
    assert records["HGNC:1"].types == ("T028",) and records["HGNC:1"].alt_ids == ("HGNC:ONE",)
    assert set(records) == {"HGNC:1"} and report.examples["malformed"] == ["a.tsv, line 3: 2 fields for 6 columns"]


@pytest.mark.parametrize("field", ["id", "label", "target", "alias"])
def test_half_a_surrogate_pair_anywhere(tmp_path: Path, field: str) -> None:
    texts = {"id": "X:1", "label": "is", "target": "X:2", "alias": "uno"} | {field: "x\ud800"}
    relations = [{"label": texts["label"], "target": texts["target"]}]
    record = {"id": texts["id"], "name": "one", "aliases": [texts["alias"]], "relations": relations}
    records, report = read("jsonl", write(tmp_path / "a.jsonl", json.dumps(record)))
    assert not records and report.examples["malformed"][0].startswith("a.jsonl, line 1: Invalid JSON")
    node = {"id": texts["id"], "lbl": "one", "meta": {"synonyms": [{"val": texts["alias"]}]}}
    edge = {"sub": "GO:2", "pred": texts["label"], "obj": texts["target"]}
    graph = {"nodes": [node, {"id": "GO:2", "lbl": "two"}], "edges": [edge]}
    path = write(tmp_path / "a.json", json.dumps({"graphs": [graph]}))
    reports = compile_knowledge_base(tmp_path / "kb", [SourceFiles("obographs", [path])])
    if field != "id":
        assert reports["obographs: a.json"].counts["dropped: malformed"] == 1


def test_lines_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_keci.knowledge.sources.files._LONGEST_LINE", 100)
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(b"X:1\tone\nX:2\t" + b"x" * 1000))
    with pytest.raises(KnowledgeBaseError, match="line 2 is longer than 100 bytes"):
        read("tsv", path)
    with pytest.raises(KnowledgeBaseError, match="is a folder"):
        read("tsv", tmp_path)


def test_an_archive_with_a_link(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "sn.tgz", "w:gz") as archive:
        link = tarfile.TarInfo("sn/SRDEF")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(KnowledgeBaseError, match=r"sn\.tgz: sn/SRDEF is a link"):
        read_semantic_network([tmp_path / "sn.tgz"], SourceReport())


def test_licences_that_files_state(tmp_path: Path) -> None:
    head = "property_value: terms:license https://creativecommons.org/publicdomain/zero/1.0/\n"
    path = write(tmp_path / "a.obo", head + "\n[Term]\nid: GO:1\nname: one\n")
    assert read("obo", path)[1].licences == ["https://creativecommons.org/publicdomain/zero/1.0/"]
    head = 'property_value: http://purl.org/dc/elements/1.1/license "see the site" xsd:string\n'
    path = write(tmp_path / "a.obo", head + "\n[Term]\nid: GO:1\nname: one\n")
    assert read("obo", path)[1].licences == ["see the site"]
    meta = {"basicPropertyValues": [{"pred": "http://purl.org/dc/terms/license", "val": "CC0"}]}
    path = write(tmp_path / "a.json", json.dumps({"graphs": [{"nodes": [], "meta": meta}]}))
    assert read("obographs", path)[1].licences == ["CC0"]


GENE_INFO = """#tax_id	GeneID	Symbol	LocusTag	Synonyms	dbXrefs	description	type_of_gene	Other_designations
10090	22059	Trp53	-	Tp53|bbl	MGI:MGI:98834|Ensembl:E1	transformed	protein-coding	p53 antigen|p44
10116	1	Abc1	-	-	-	-	ncRNA	-
10116	2	-	-	-	-	-	-	-
"""
# as NCBI Gene's web site writes it
GENE_RESULT = """tax_id	Org_name	GeneID	CurrentID	Status	Symbol	Aliases	description	other_designations
10090	Mus musculus	22059	0	live	Trp53	Tp53, bbl	transformed	p53 antigen|p44
10090	Mus musculus	3	22059	secondary	Old	-	gone	-
"""


def test_ncbi_gene(tmp_path: Path) -> None:
    records, report = read("gene_info", write(tmp_path / "mouse.gene_info", GENE_INFO))
    names = ("transformed", "Tp53", "bbl", "p53 antigen", "p44")
    species = ("in_taxon", "NCBITaxon:10090")
    references = (("xref", "MGI:98834"), ("xref", "Ensembl:E1"))
    assert list(records.values()) == [
        ConceptRecord("NCBIGene:22059", "Trp53", names, ("T028", "T116"), relations=(species, *references)),
        ConceptRecord("NCBIGene:1", "Abc1", (), ("T028", "T114"), relations=(("in_taxon", "NCBITaxon:10116"),)),
    ]
    assert report.counts["dropped: malformed"] == 1
    records, report = read("gene_info", write(tmp_path / "gene_result.txt", GENE_RESULT))
    assert list(records.values()) == [
        ConceptRecord("NCBIGene:22059", "Trp53", names, ("T028", "T116"), relations=(species,))
    ]
    assert report.counts["dropped: not live"] == 1
