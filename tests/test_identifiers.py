import pytest

from spacy_keci.identifiers import (
    canonical_id,
    composite_parts,
    from_iri,
    identifiers,
    linked,
    named_concepts,
    vocabulary_here,
    vocabulary_of,
    with_vocabulary,
)


@pytest.mark.parametrize(
    ("kb_id", "expected"),
    [
        ("", []),
        ("1", ["1"]),
        ("5604,5605", ["5604", "5605"]),
        ("1;2,,1", ["1", "2"]),
        ("D1|D2", ["D1|D2"]),
        ("1, 2; -", ["1", "2"]),
        ("p|SUB|V|600|E;CorrespondingGene:673;VariantGroup:1", ["p|SUB|V|600|E"]),
        ("p|SUB|V|600|E;RS#:113;CorrespondingGene:673", ["p|SUB|V|600|E", "RS#:113"]),
        ("tmVar:p|SUB|V|600|E;HGVS:p.V600E;OriginalGene:1; CA#:16", ["tmVar:p|SUB|V|600|E", "HGVS:p.V600E", "CA#:16"]),
        ("CorrespondingGene:673;RS#:113;CorrespondingSpecies:9606", ["RS#:113"]),
        ("-;CorrespondingGene:673", []),
        ("CorrespondingGene:673", []),
    ],
)
def test_identifiers(kb_id: str, expected: list[str]) -> None:
    assert identifiers(kb_id) == expected


@pytest.mark.parametrize("kb_id", ["-", "-1", "", "  ", " - "])
def test_mentions_without_an_identifier(kb_id: str) -> None:
    assert linked(kb_id) == ""
    assert linked(f" MESH:{kb_id}1 ") == f"MESH:{kb_id}1".strip()


@pytest.mark.parametrize(
    ("id", "expected", "vocabulary"),
    [
        ("UniProtKB:P04637", "UP:P04637", "UniProtKB"),
        ("UMLS_CUI:C0027651", "C0027651", "UMLS_CUI"),
        ("DOID:4", "DOID:4", "DOID"),
        ("C0027651", "C0027651", ""),
    ],
)
def test_vocabularies(id: str, expected: str, vocabulary: str) -> None:
    assert canonical_id(id) == expected
    assert vocabulary_of(id) == vocabulary
    assert with_vocabulary("X", id) == (id if vocabulary else f"X:{id}")
    assert with_vocabulary("", id) == id


@pytest.mark.parametrize(
    ("iri", "expected"),
    [
        ("http://purl.obolibrary.org/obo/DOID_4", "DOID:4"),
        ("http://identifiers.org/hgnc/5", "HGNC:5"),
        ("https://www.genenames.org/cgi-bin/gene_symbol_report?hgnc_id=HGNC:5", "HGNC:5"),
        ("https://example.org/", "https://example.org/"),
        ("DOID:4", "DOID:4"),
    ],
)
def test_addresses(iri: str, expected: str) -> None:
    assert from_iri(iri) == expected


def test_composite_identifiers() -> None:
    assert composite_parts("MESH:D007674|MESH:D006937") == ["MESH:D007674", "MESH:D006937"]
    assert composite_parts("p|SUB|V|600|E") == composite_parts("D007674") == []


def test_vocabularies_as_knowledge_bases_call_them() -> None:
    assert [vocabulary_here(id) for id in ("MeSH:D1", "EntrezGene:1", "C0027651")] == ["MESH", "NCBIGene", "UMLS"]


def test_named_concepts() -> None:
    assert named_concepts("MESH:D1,MESH:D007674|MESH:D006937") == ["MESH:D1", "MESH:D007674", "MESH:D006937"]
    assert named_concepts("p|SUB|V|600|E") == ["p|SUB|V|600|E"] and named_concepts("-") == []
