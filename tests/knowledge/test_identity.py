"""What makes concepts of several vocabularies one, and by which identifiers a concept is known."""

import json
from pathlib import Path

import pytest

from spacy_keci.knowledge.candidates import KnowledgeBaseCandidates
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.sources import SourceReport

from .test_compile import build

_KINDS = ("exact", "close", "broad", "narrow", "related")


def write_obo(path: Path, *terms: str) -> str:
    """Terms with their lines divided by ``; ``."""
    text = "".join("\n[Term]\n" + term.replace("; ", "\n") + "\n" for term in terms)
    path.write_text(f"format-version: 1.2\n{text}", encoding="utf8")
    return f"obo={path}"


def build_from(folder: Path, *sources: str) -> tuple[KnowledgeBase, dict[str, SourceReport]]:
    reports = compile_knowledge_base(folder / "kb", [SourceFiles.parse(source) for source in sources], overwrite=True)
    return KnowledgeBase(folder / "kb"), reports


def test_a_reference_is_taken_whole(tmp_path: Path) -> None:
    """Up to its description: what the prefixes of two references share is no identifier."""
    first = write_obo(
        tmp_path / "a.obo",
        'id: DOID:0000001; name: alpha fever; xref: KEGG COMPOUND:70458-96-7 "CAS Registry Number"; '
        'xref: xref (ILX:0770149); xref: PDBeChem:Copper(II) chloride; is_a: DOID:4 {xref="x"} ! disease',
        "id: DOID:4; name: disease; is_a: DOID:4 of two words",
    )
    second = write_obo(
        tmp_path / "b.obo", 'id: MONDO:0000009; name: beta colic; xref: KEGG COMPOUND:11111-11-1 "CAS"; xref: ILX:1'
    )
    kb, reports = build_from(tmp_path, first, second)
    assert len(kb) == 3 and kb["DOID:0000001"].relations == [("is_a", "DOID:4")]
    assert kb.index("PDBeChem:Copper(II) chloride") == kb.index("KEGG COMPOUND:70458-96-7") == kb.index("DOID:0000001")
    counts = reports["obo: a.obo"].counts
    assert counts["dropped: cross reference that is not an identifier"] == 1 and counts["dropped: malformed"] == 1


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ('AB CD:2 "a "b" c"', "AB CD:2"),
        ('AB CD:2 "a \\"b\\" c" {source="x"} ! comment', "AB CD:2"),
        ('AB:2 "never closed', "AB:2"),
        ('BEL:"9-1-1 Complex" "a complex"', "BEL:9-1-1 Complex"),
        ("SLM:PC(16:0, 18:1)", "SLM:PC(16:0, 18:1)"),
        ("CAS:50-00-0, CAS:2", ""),
        ("CAS:50-00-0;CAS:2", ""),
        ('AB:"a "b" c', ""),
        ('"a title" AB:2', ""),
        ("AB:2\x00", ""),
    ],
)
def test_where_a_reference_ends(tmp_path: Path, text: str, identifier: str) -> None:
    kb, reports = build_from(tmp_path, write_obo(tmp_path / "a.obo", "id: DOID:1; name: one; xref: " + text))
    assert kb["DOID:1"].identifiers == ["DOID:1", identifier][: 1 + bool(identifier)]
    assert reports["obo: a.obo"].counts["dropped: cross reference that is not an identifier"] == (not identifier)


@pytest.mark.parametrize(
    ("reference", "is_one"),
    [
        ("xref: MONDO:1", True),
        ('xref: MONDO:1 {source="MONDO:equivalentTo"}', True),
        ('xref: MONDO:1 {source="Orphanet:1/e", source="MONDO:equivalentTo"} ! a disease', True),
        ('xref: MONDO:1 {source="MONDO:relatedTo"}', False),
        ('xref: MONDO:1 {source="Orphanet:1414/ntbt"}', False),
        ('xref: MONDO:1 {source="MONDO:mondoIsNarrowerThanSource"}', False),
        *((f'xref: MONDO:1 {{source="skos:{kind}Match"}}', kind == "exact") for kind in _KINDS),
        ('xref: MONDO:1 {source="http://www.w3.org/2004/02/skos/core#narrowMatch"}', False),
        ("property_value: skos:exactMatch MONDO:1", True),
        ("property_value: exactMatch http://purl.obolibrary.org/obo/MONDO_1", True),
        ("property_value: skos:broadMatch MONDO:1", False),
        *((f"xref: MONDO:1; property_value: skos:{kind}Match MONDO:1", kind == "exact") for kind in _KINDS),
        ('xref: MONDO:1; xref: MONDO:1 {source="MONDO:relatedTo"}', False),
        ("xref: MONDO:1; property_value: skos:broadMatch MONDO:2", True),
        # a file that says of some references to a vocabulary that they are exact says that others are not
        ("xref: MONDO:1; property_value: skos:exactMatch MONDO:2", False),
    ],
)
def test_a_reference_says_what_it_means(tmp_path: Path, reference: str, is_one: bool) -> None:
    mondo = write_obo(tmp_path / "mondo.obo", "id: MONDO:1; name: this disorder", "id: MONDO:2; name: a third")
    doid = write_obo(tmp_path / "doid.obo", f"id: DOID:1; name: that illness; {reference}")
    kb, _ = build_from(tmp_path, doid, mondo)
    assert (kb.index("DOID:1") == kb.index("MONDO:1")) == is_one
    if "broadMatch MONDO:1" in reference:
        assert kb["DOID:1"].relations == [("broad_match", "MONDO:1")]


def test_a_code_of_a_classification_is_no_identity(tmp_path: Path) -> None:
    lymphedema = "id: DOID:0070212; name: hereditary lymphedema I; xref: ICD10CM:Q82.0"
    narrower = "id: DOID:0070299; name: some narrower thing"
    syndrome = 'id: MONDO:1; name: Aagenaes syndrome; xref: ICD10CM:Q82.0 {source="MONDO:equivalentTo"}'
    other = 'id: MONDO:2; name: other disorder; xref: DOID:0070299 {source="MONDO:relatedTo"}'
    doid = write_obo(tmp_path / "doid.obo", lymphedema, narrower)
    codes = ["ICD10CM:Q82.0", "ICD-10:Q82", "ICDO:9140/3", "NCBI_TaxID:9606", "MEDDRA:1", "EC:1.1.1.1", "PMID:1"]
    codes += ["ICPC2:A1", "ICPC:A1", "ICPC-2:A1", "DSM-IV:3", "DSM-5:3", "ICF:b1", "ATC:A10BA02"]
    for code in codes:
        mondo = write_obo(tmp_path / "mondo.obo", syndrome.replace("ICD10CM:Q82.0", code), other)
        doid = write_obo(tmp_path / "doid.obo", lymphedema.replace("ICD10CM:Q82.0", code), narrower)
        kb, _ = build_from(tmp_path, doid, mondo)
        assert len(kb) == 4 and code not in kb
    assert kb["MONDO:2"].relations == [("related_match", "DOID:0070299")]


def test_obo_graphs_say_what_references_mean(tmp_path: Path) -> None:
    skos = "http://www.w3.org/2004/02/skos/core#"
    source = {"pred": "http://www.geneontology.org/formats/oboInOwl#source", "val": "MONDO:relatedTo"}

    def node(number: int, **meta: object) -> dict:
        return {"id": f"http://purl.obolibrary.org/obo/MONDO_{number}", "lbl": f"disorder {number}", "meta": meta}

    nodes = [
        node(1, xrefs=[{"val": "ICD10CM:Q82.0"}]),
        node(2, xrefs=[{"val": "DOID:2", "meta": {"basicPropertyValues": [source]}}]),
        node(3, basicPropertyValues=[{"pred": f"{skos}exactMatch", "val": "http://purl.obolibrary.org/obo/DOID_3"}]),
        node(4, basicPropertyValues=[{"pred": f"{skos}closeMatch", "val": "DOID:4"}]),
        node(6, xrefs=[{"val": "DOID:6", "meta": {"basicPropertyValues": [source | {"val": "skos:narrowMatch"}]}}]),
        node(5, basicPropertyValues=[{"pred": f"{skos}narrowMatch", "val": "DOID:5"}], xrefs=[{"val": "DOID:5"}]),
    ]
    (tmp_path / "mondo.json").write_text(json.dumps({"graphs": [{"nodes": nodes}]}), encoding="utf8")
    terms = [f"id: DOID:{i}; name: illness {i}" for i in range(1, 7)]
    doid = write_obo(tmp_path / "doid.obo", f"{terms[0]}; xref: ICD10CM:Q82.0", *terms[1:])
    kb, _ = build_from(tmp_path, doid, f"obographs={tmp_path / 'mondo.json'}")
    merged = [i for i in range(1, 7) if kb.index(f"DOID:{i}") == kb.index(f"MONDO:{i}")]
    assert merged == [3]


def test_of_a_disease_and_its_kinds_the_disease_is_what_others_refer_to(tmp_path: Path) -> None:
    """A vocabulary that is less fine has one term for all of them."""
    xref = [{"label": "xref", "target": "M:1"}]
    below = [{"label": "is_a", "target": "D:1"}, *xref]
    disease = {"id": "D:1", "name": "breast cancer", "types": ["T191"], "relations": xref}
    kinds = [{"id": f"D:{i}", "name": f"kind {i}", "types": ["T191"], "relations": below} for i in (2, 3)]
    mesh = [{"id": "M:1", "name": "Breast Neoplasms", "types": ["T191"]}]
    kb = build(tmp_path, [disease, *kinds], mesh)
    assert kb.index("M:1") == kb.index("D:1") and len(kb) == 3
    apart = build(tmp_path, [disease | {"relations": []}, *kinds], mesh)
    assert len(apart) == 4  # neither kind is above the other


def test_identifiers_of_a_concept(tmp_path: Path) -> None:
    """The main one, those of merged concepts, alternative ones, and those that only references name."""
    xrefs = [{"label": "xref", "target": id} for id in ("MeSH:D1", "OMIM:7", "ICD10CM:C50", "B:1")]
    first = [{"id": "A:1", "name": "one", "types": ["T047"], "alt_ids": ["A:0"], "relations": xrefs}]
    first += [{"id": "A:2", "name": "two", "types": ["T047"], "relations": [{"label": "xref", "target": "OMIM:7"}]}]
    second = [{"id": "B:1", "name": "uno", "types": ["T047"]}]
    kb = build(tmp_path, first, second)
    assert kb.identifiers("MESH:D1") == kb["B:1"].identifiers == ["A:1", "B:1", "A:0", "MESH:D1"]
    assert "OMIM:7" not in kb  # of two concepts
    assert [kb.preferred_id(0, prefer) for prefer in ([], ["X"], ["MESH"], ["X", "B"], ["A"])] == [
        "A:1", "A:1", "MESH:D1", "B:1", "A:1",
    ]  # fmt: skip


def test_which_identifier_is_written(tmp_path: Path) -> None:
    gene = {"id": "HGNC:11998", "name": "TP53", "types": ["T028"], "alt_ids": ["UP:P04637", "NCBIGene:7157"]}
    kb = build(tmp_path, [gene, {"id": "C0012860", "name": "DNA", "types": ["T114"]}])
    for prefer, expected in ((["EntrezGene"], "NCBIGene:7157"), ([], "HGNC:11998"), (["UMLS"], "HGNC:11998")):
        (candidate,) = KnowledgeBaseCandidates(kb, prefer).nearest("TP53")
        assert candidate.concept == expected and kb.index(candidate.concept) == 0
    kb = build(tmp_path, [gene, {"id": "CHEBI:16991", "name": "DNA", "types": ["T114"]}])
    for prefer in (["MeSH", "EntrezGene"], ["UMLS"]):
        with pytest.raises(ValueError, match=f"identifier of {prefer[0].upper()}"):
            KnowledgeBaseCandidates(kb, prefer)


def test_quotation_marks_within_names(tmp_path: Path) -> None:
    source = write_obo(
        tmp_path / "chebi.obo",
        'id: CHEBI:35914; name: phosphine; synonym: "3,3\',3"-phosphanetriyltripropanoic acid" EXACT IUPAC_NAME [X:]; '
        'synonym: "TCEP" RELATED [ChEBI:]; synonym: "\\"(2S)-acid\\"" EXACT IUPAC_NAME [S]; synonym: "open; '
        'def: "A "quoted" thing." [x:1]',
        'id: CHEBI:4; name: sulfane; def: "The "[x]" thing." [x:1]',
        'id: CHEBI:2; name: methyl {2-[(4-oxo)methyl]phenyl}acetate; synonym: "old" []',
        'id: CHEBI:3; name: foo \\{bar\\} baz {source="x"} ! comment; synonym: "embryoforo" EXACT Spanish [P {l=en}]',
    )
    kb, reports = build_from(tmp_path, source)
    assert kb["CHEBI:35914"].names == ["phosphine", "3,3',3\"-phosphanetriyltripropanoic acid", "TCEP", '"(2S)-acid"']
    assert [kb[f"CHEBI:{i}"].definition for i in (35914, 4)] == ['A "quoted" thing.', 'The "[x]" thing.']
    assert reports["obo: chebi.obo"].counts["dropped: malformed"] == 1
    assert kb["CHEBI:2"].names == ["methyl {2-[(4-oxo)methyl]phenyl}acetate", "old"]
    assert kb["CHEBI:3"].names == ["foo {bar} baz", "embryoforo"]


@pytest.mark.parametrize(
    ("synonym", "name"),
    [
        ('"pre "EXACT" post" EXACT []', 'pre "EXACT" post'),
        ('"pre "EXACT" post" EXACT [X:1 "a title"]', 'pre "EXACT" post'),
        ('"pre "related [x] post" EXACT []', 'pre "related [x] post'),
        ('"pre "[x]" post" EXACT TYPE [] {a="b"} ! c', 'pre "[x]" post'),
        ('"pre "EXACT" post" []', ""),
        ('"pre "EXACT" post"', ""),
        ('"whole" EXACT TYPE [X:1 "it says \\"EXACT\\" [y]"] {a="b"} ! "c" EXACT []', "whole"),
        ('"whole"', "whole"),
    ],
)
def test_the_whole_name_or_none(tmp_path: Path, synonym: str, name: str) -> None:
    kb, reports = build_from(tmp_path, write_obo(tmp_path / "a.obo", "id: DOID:1; name: one; synonym: " + synonym))
    assert kb["DOID:1"].names == ["one", name][: 1 + bool(name)]
    assert reports["obo: a.obo"].counts["dropped: malformed"] == (not name)


def test_genes_of_two_species_are_two(tmp_path: Path) -> None:
    """They share their names; a human gene is the one of HGNC that it refers to."""
    head = "#tax_id\tGeneID\tSymbol\tSynonyms\tdbXrefs\tdescription\n"
    mouse, human = (
        "10090\t22059\tTP53\tp53\tMGI:MGI:98834\ttumor protein p53\n",
        "9606\t7157\tTP53\t-\tHGNC:HGNC:11998\t-\n",
    )
    (tmp_path / "gene_info").write_text(head + mouse + human, encoding="utf8")
    (tmp_path / "hgnc.txt").write_text("hgnc_id\tsymbol\tname\nHGNC:11998\tTP53\ttumor protein p53\n", encoding="utf8")
    kb, _ = build_from(tmp_path, f"hgnc={tmp_path / 'hgnc.txt'}", f"gene_info={tmp_path / 'gene_info'}")
    assert len(kb) == 2
    assert kb.index("NCBIGene:7157") == kb.index("HGNC:11998") != kb.index("NCBIGene:22059") == kb.index("MGI:98834")
