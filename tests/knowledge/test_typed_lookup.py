"""Which concept a mention of a known type is linked to, on a small knowledge base of two vocabularies."""

import json
import pickle

import pytest

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.crosswalk import Crosswalk
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.typed_lookup import MentionType, TypedLookup

CONCEPTS = [
    # genes; only those of HGNC have numbers of NCBI Gene
    {"id": "HGNC:620", "name": "APP", "aliases": ["Alzheimer disease", "AD"], "types": ["T028", "T116"]},
    {"id": "HGNC:7010", "name": "MEN1", "types": ["T028", "T116"], "alt_ids": ["NCBIGene:4221"]},
    {"id": "HGNC:1", "name": "H3P40", "aliases": ["p50"], "types": ["T028"], "alt_ids": ["NCBIGene:1"]},
    {"id": "HGNC:2", "name": "NFKB1", "aliases": ["p50"], "types": ["T028", "T116"], "alt_ids": ["NCBIGene:2"]},
    {"id": "HGNC:3", "name": "NPHS2", "types": ["T028", "T116"], "alt_ids": ["NCBIGene:3"]},
    {"id": "HGNC:4", "name": "ASPG", "aliases": ["asparaginase"], "types": ["T028", "T116"], "alt_ids": ["MESH:D4"]},
    {"id": "MESH:C1", "name": "NPHS2 protein, human", "aliases": ["podocin"], "types": ["T116"]},
    # diseases
    {"id": "MESH:D1", "name": "Alzheimer Disease", "aliases": ["AD"], "types": ["T047"]},
    {"id": "MESH:D2", "name": "Neoplasms", "aliases": ["Neoplasm"], "types": ["T191"]},
    {
        "id": "MESH:D3",
        "name": "Lung Neoplasms",
        "types": ["T191"],
        "relations": [{"label": "is_a", "target": "MESH:D2"}],
    },
    {"id": "MESH:D5", "name": "Pituitary Neoplasms", "types": ["T191"]},
    {
        "id": "MESH:D6",
        "name": "Adenoma",
        "types": ["T191"],
        "relations": [{"label": "is_a", "target": "MESH:D2"}],
    },
    {"id": "MESH:D7", "name": "Multiple Endocrine Neoplasia Type 1", "types": ["T191"]},
    {"id": "MESH:D12", "name": "Syndrome", "types": ["T047"]},
    {"id": "MESH:D8", "name": "Kidney Diseases", "aliases": ["renal disease"], "types": ["T047"]},
    {
        "id": "DOID:1",
        "name": "lung cancer",
        "aliases": ["lung neoplasm"],
        "types": ["T191"],
        "alt_ids": ["OMIM:1"],
    },
    {
        "id": "DOID:2",
        "name": "colon cancer",
        "types": ["T191"],
        "relations": [{"label": "see_also", "target": "MESH:D9"}, {"label": "is_a", "target": "MESH:D2"}],
    },
    {"id": "MESH:D9", "name": "Colonic Neoplasms", "types": ["T191"]},
    {
        "id": "DOID:3",
        "name": "small cell tumor",
        "types": ["T191"],
        "relations": [{"label": "is_a", "target": t} for t in ("MESH:D2", "MESH:D3", "MESH:X1")],
    },
    {"id": "MESH:X1", "name": "Cell", "types": ["T025"]},
    {"id": "DOID:4", "name": "odd disease", "types": ["T047"], "relations": [{"label": "is_a", "target": "MESH:X1"}]},
    # chemicals
    {"id": "DB:1", "name": "Sildenafil", "types": ["T121"]},
    {"id": "MESH:D10", "name": "Sildenafil Citrate", "types": ["T109"]},
    {"id": "MESH:D11", "name": "Calcium", "types": ["T196"]},
]
GENE = MentionType(("T028", "T116"), ("NCBIGene",))
DISEASE = MentionType(("DISO",), ("MESH", "OMIM"), broader=True)
CHEMICAL = MentionType(("CHEM",), ("MESH",))


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("typed")
    (folder / "kb.jsonl").write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    compile_knowledge_base(folder / "kb", [SourceFiles.parse(f"jsonl={folder / 'kb.jsonl'}")], merge=False)
    return KnowledgeBase(folder / "kb")


def first(kb: KnowledgeBase, wanted: MentionType, text: str, long_form: str | None = None) -> str | None:
    return next((kb.id(concept) for concept in TypedLookup(kb, wanted)(text, long_form)), None)


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        (DISEASE, "AD", "MESH:D1"),  # not the gene, which comes first in the knowledge base
        (MentionType(("T028",)), "AD", "HGNC:620"),
        (GENE, "p50", "HGNC:2"),  # a gene with a product rather than a pseudogene
        (GENE, "podocin", "HGNC:3"),  # MeSH's proteins bear the symbol of the gene
        (DISEASE, "lung cancer", "MESH:D3"),  # a name in common; MeSH is preferred to OMIM
        (DISEASE, "colon cancer", "MESH:D9"),  # a reference counts more than what is above
        (DISEASE, "small cell tumors", "MESH:D3"),  # above, and not above that
        (DISEASE, "pituitary adenoma", "MESH:D5"),  # an adenoma is a neoplasm
        (DISEASE, "renal damage", "MESH:D8"),
        (DISEASE, "invasive lung neoplasms", "MESH:D3"),  # its last words
        (CHEMICAL, "sildenafil", "MESH:D10"),  # its salt
        (CHEMICAL, "Ca2+", "MESH:D11"),
        (CHEMICAL, "asparaginase", "HGNC:4"),  # a protein too, which MeSH has
        (CHEMICAL, "p50", None),  # a protein too, which MeSH does not have
        (DISEASE, "Cell", None),  # of another type
        (DISEASE, "-", None),  # not "- syndrome"
        (DISEASE, "", None),
        (DISEASE, "odd disease", "DOID:4"),  # what is above it is of another type
        (MentionType(("DISO",), ("MESH",)), "pituitary adenoma", None),  # nothing that is broader
    ],
)
def test_the_first_concept(kb: KnowledgeBase, wanted: MentionType, text: str, expected: str | None) -> None:
    assert first(kb, wanted, text) == expected


def test_a_short_form_is_what_its_long_form_is(kb: KnowledgeBase) -> None:
    assert first(kb, DISEASE, "AD", "renal disease") == "MESH:D8"
    assert first(kb, DISEASE, "AD", "unknown thing") == "MESH:D1"
    # the gene that is named after a disease
    assert first(kb, DISEASE, "MEN1", "multiple endocrine neoplasia type 1") == "MESH:D7"
    assert first(kb, GENE, "MEN1", "multiple endocrine neoplasia type 1") == "HGNC:7010"


def test_other_candidates_follow(kb: KnowledgeBase) -> None:
    assert [kb.id(c) for c in TypedLookup(kb, DISEASE)("colon cancer")] == ["MESH:D9", "DOID:2"]


def test_crosswalks(kb: KnowledgeBase) -> None:
    mesh = Crosswalk(kb, "MESH")
    anything = mesh.is_goal
    assert mesh.same(kb.index("DOID:2"), anything) == [kb.index("MESH:D9")]
    assert mesh.same(kb.index("DOID:2"), lambda concept: False) == []
    assert mesh.above(kb.index("DOID:3"), anything) == [kb.index("MESH:D3")]
    assert [kb.id(c) for c in mesh.ancestors(kb.index("MESH:D3"))] == ["MESH:D2"]
    assert not mesh.is_goal(kb.index("DB:1"))


def test_pickle(kb: KnowledgeBase) -> None:
    lookup = pickle.loads(pickle.dumps(TypedLookup(kb, DISEASE)))
    assert [lookup.kb.id(c) for c in lookup("AD")] == ["MESH:D1"]
