"""A small knowledge base, compiled once for all tests of the linker and of look-up."""

import json
from pathlib import Path

import pytest

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase

CONCEPTS = [
    {
        "id": "G:1",
        "name": "TP53",
        "aliases": ["p53", "tumor protein p53", "TRP53"],
        "types": ["T028", "T116"],
        "definition": "A gene that guards the genome.",
        "relations": [{"label": "regulates", "target": "G:2"}, {"label": "causes", "target": "D:1"}],
    },
    {"id": "G:2", "name": "MDM2", "types": ["T028"], "relations": [{"label": "inhibits", "target": "G:1"}]},
    {"id": "G:3", "name": "CAT", "aliases": ["catalase"], "types": ["T028"]},
    {"id": "G:4", "name": "NF-kappaB", "aliases": ["NFKB"], "types": ["T116"]},
    {"id": "G:5", "name": "CREB1", "types": ["T028"]},
    {"id": "G:6", "name": "GSK3B", "types": ["T028"]},
    {"id": "G:7", "name": "RB", "types": ["T028"]},
    {"id": "P:1", "name": "SH3 domain", "types": ["T116"]},
    {"id": "A:1", "name": "Cat", "aliases": ["Felis catus"], "types": ["T015"]},
    {"id": "C:1", "name": "Ca2+", "aliases": ["calcium ion"], "types": ["T196"]},
    {"id": "D:1", "name": "acute kidney injury", "types": ["T047"], "definition": "Sudden loss of kidney function."},
    {"id": "D:2", "name": "kidney injury", "types": ["T047"]},
    {"id": "D:3", "name": "metastasis", "types": ["T191"], "relations": [{"label": "is_a", "target": "D:9"}]},
    {"id": "M:1", "name": "motif", "types": ["T087"]},
    {"id": "D:4", "name": "haemorrhage", "types": ["T046"]},
]


def write_jsonl(path: Path, objects: list[dict]) -> Path:
    path.write_text("".join(json.dumps(o) + "\n" for o in objects), encoding="utf8")
    return path


def write_network(folder: Path) -> list[Path]:
    types = folder / "types.tsv"
    types.write_text(
        "tui\tabbr\tname\tgroup\tparent\tlevel\nT028\tgngm\tGene or Genome\tGENE\t\t1\n"
        "T047\tdsyn\tDisease or Syndrome\tDISO\t\t1\nT116\taapp\tAmino Acid, Peptide, or Protein\tCHEM\t\t1\n",
        encoding="utf8",
    )
    relations = folder / "relations.tsv"
    relations.write_text("T116\tcauses\tT047\nT028\tproduces\tT116\n", encoding="utf8")
    return [types, relations]


@pytest.fixture(scope="session")
def kb_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kb")
    source = SourceFiles("jsonl", [write_jsonl(folder / "kb.jsonl", CONCEPTS)])
    compile_knowledge_base(folder / "compiled", [source], write_network(folder))
    return folder / "compiled"


@pytest.fixture(scope="session")
def kb(kb_path: Path) -> KnowledgeBase:
    return KnowledgeBase(kb_path)
