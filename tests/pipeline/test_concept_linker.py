import gc
import json
import pickle
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_keci import Concept, get_concepts, install_concepts_extension
from spacy_keci.knowledge.candidates import Candidate, Match
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.vectors import add_vectors
from spacy_keci.pipeline.concept_linker import ConceptLinker

from ..conftest import ROOT

CONCEPTS = [
    {"id": "G:1", "name": "TP53", "aliases": ["p53"], "types": ["T028", "T116"]},
    {"id": "G:2", "name": "p53 family", "aliases": ["p53"], "types": ["T116"]},
    {"id": "D:1", "name": "acute kidney injury", "types": ["T047"]},
    {"id": "D:2", "name": "kidney injury"},
    {"id": "G:3", "name": "AKI", "types": ["T028"]},
    {"id": "M:1", "name": "motif", "types": ["T087"]},
]
TEXT = "p53 and acute kidney injury (AKI). AKI was severe."


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "kb.jsonl"
    path.write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    return f"jsonl={path}"


@pytest.fixture
def linked(nlp: Language, source: str) -> Language:
    nlp.add_pipe("concept_linker").initialize(sources=[source])
    return nlp


def found(doc: Doc) -> list[tuple[str, str, str]]:
    return [(s.text, s.kb_id_, s.label_) for s in doc.spans["concepts"]]


EXPECTED = [
    ("p53", "G:1", "T028"),
    ("p53", "G:2", "T116"),
    ("acute kidney injury", "D:1", "T047"),
    ("kidney injury", "D:2", ""),
    ("AKI", "D:1", "T047"),
    ("AKI", "D:1", "T047"),
]


def test_concepts_of_every_span(linked: Language) -> None:
    doc = linked(TEXT)
    assert found(doc) == EXPECTED
    assert doc[0:1]._.concepts == [Concept("G:1", "T028"), Concept("G:2", "T116")] == get_concepts(doc[0:1])
    assert doc[1:2]._.concepts == []
    assert doc.spans["concepts"].attrs["scores"] == [1.0] * 6
    empty = linked("")
    assert list(empty.spans["concepts"]) == [] and get_concepts(linked.make_doc("x")[:]) == []


def test_typography_changes_nothing(linked: Language) -> None:
    text = "Acute-kidney injury (AKI), p53-motif. AKI was severe."
    other = text.translate(str.maketrans("-(),", "‐（），"))
    docs = linked(text), linked(other)
    found, same = ([(s.start_char, s.end_char, s.kb_id_) for s in doc.spans["concepts"]] for doc in docs)
    assert found == same
    assert {text[start:end] for start, end, _ in found} >= {"Acute-kidney injury", "AKI", "p53", "motif"}


def test_abbreviations_can_be_switched_off(nlp: Language, source: str) -> None:
    nlp.add_pipe("concept_linker", config={"abbreviations": False}).initialize(sources=[source])
    assert ("AKI", "G:3", "T028") in found(nlp(TEXT))


def test_fuzzy_candidates_where_they_are_asked_for(nlp: Language, source: str) -> None:
    config = {"fuzzy_key": "entities", "head_suffix": True, "fuzzy_threshold": 0.6}
    nlp.add_pipe("concept_linker", config=config).initialize(sources=[source])
    doc = nlp.make_doc("accute kidney injury near a ubiquitin-interacting motif of xyz")
    doc.spans["entities"] = [Span(doc, 0, 3, "D"), Span(doc, 5, 9, "M"), Span(doc, 10, 11, "G")]
    nlp.get_pipe("concept_linker")(doc)
    (best, *_) = doc[0:3]._.concepts
    assert best.id == "D:1" and 0.6 <= best.score < 1.0
    (motif,) = doc[5:9]._.concepts
    assert motif.id == "M:1" and 0 < motif.score < 0.5
    assert doc[10:11]._.concepts == []


def test_entities_of_doc_ents(nlp: Language, source: str) -> None:
    nlp.add_pipe("concept_linker", config={"fuzzy_key": "ents", "fuzzy_threshold": 0.6}).initialize(sources=[source])
    doc = nlp.make_doc("accute kidney injury")
    doc.ents = [Span(doc, 0, 3, "D")]
    nlp.get_pipe("concept_linker")(doc)
    assert doc[0:3]._.concepts[0].id == "D:1"


def test_survives_disk_bytes_pickle_and_docbin(linked: Language, tmp_path: Path) -> None:
    linked.to_disk(tmp_path / "pipeline")
    manifest = tmp_path / "pipeline" / "concept_linker" / "kb" / "manifest.json"
    written = manifest.stat().st_ino
    linked.to_disk(tmp_path / "pipeline")
    assert manifest.stat().st_ino == written  # not copied again at each checkpoint
    manifest.write_text("{}")
    linked.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    loaded.to_disk(tmp_path / "pipeline")
    assert found(loaded(TEXT)) == EXPECTED
    data = linked.to_bytes()
    again = spacy.blank("en", config=linked.config).from_bytes(data)
    assert found(again(TEXT)) == EXPECTED
    assert found(pickle.loads(pickle.dumps(loaded.get_pipe("concept_linker")))(linked.make_doc(TEXT))) == EXPECTED
    doc = linked(TEXT)
    (restored,) = (
        DocBin(docs=[doc], store_user_data=True)
        .from_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes())
        .get_docs(linked.vocab)
    )
    assert found(restored) == EXPECTED and restored[0:1]._.concepts == doc[0:1]._.concepts


def test_a_pickle_outlives_a_temporary_knowledge_base(linked: Language) -> None:
    linker = linked.get_pipe("concept_linker")
    data, folder = pickle.dumps(linker), linker.kb.path
    linker._source = None
    gc.collect()
    assert not folder.exists()
    assert found(pickle.loads(data)(linked.make_doc(TEXT))) == EXPECTED


def test_what_is_open_is_what_is_saved(nlp: Language, source: str, tmp_path: Path) -> None:
    """Also when the folder has another knowledge base by then: here one with other vectors."""
    compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(source)])
    linker = nlp.add_pipe("concept_linker")
    for number, previous in ((1, []), (2, [1.0])):
        linker.initialize(kb=tmp_path / "kb")
        (tmp_path / "own.txt").write_text(f"G:1 {number} 0\n", encoding="utf8")
        add_vectors(tmp_path / "kb", f"own={tmp_path / 'own.txt'}")
        nlp.to_disk(tmp_path / "pipeline")
        loaded = spacy.load(tmp_path / "pipeline").get_pipe("concept_linker").kb
        copied = pickle.loads(pickle.dumps(linker)).kb
        for kb in (linker.kb, loaded, copied):
            assert [float(v[kb.index("G:1"), 0]) for v in kb.vectors.values()] == previous
    assert KnowledgeBase(tmp_path / "kb").vectors["own"].max() == 2.0


def test_rename(linked: Language, tmp_path: Path) -> None:
    linked.rename_pipe("concept_linker", "linker2")
    linked.to_disk(tmp_path)
    assert found(spacy.load(tmp_path)(TEXT)) == EXPECTED


def test_pipes_and_processes(linked: Language) -> None:
    texts = [TEXT, "", "p53"] * 4
    expected = [found(linked(t)) for t in texts]
    assert [found(d) for d in linked.pipe(texts, batch_size=5)] == expected
    assert [found(d) for d in linked.pipe(texts, batch_size=5, n_process=2)] == expected


def test_initialize_from_the_config(source: str, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("concept_linker")
    nlp.config["initialize"]["components"]["concept_linker"] = {"sources": [source]}
    nlp.initialize()
    assert ("p53", "G:1", "T028") in found(nlp(TEXT))
    nlp.initialize()
    linker = nlp.get_pipe("concept_linker")
    assert len(linker.kb) == 6 and linker.kb.name(0) == "TP53"
    other = spacy.blank("en")
    other.add_pipe("concept_linker").initialize(kb=linker.kb.path)
    assert found(other(TEXT)) == found(nlp(TEXT))


def test_errors_say_what_to_do(nlp: Language, source: str) -> None:
    linker = nlp.add_pipe("concept_linker")
    with pytest.raises(ValueError, match=r"initialize\.components\.concept_linker"):
        nlp("text")
    with pytest.raises(ValueError, match="has no knowledge base yet"):
        nlp.initialize()
    with pytest.raises(ValueError, match="one of kb, sources and candidates"):
        linker.initialize(kb="x", sources=[source])
    with pytest.raises(ValueError, match=r"Cannot read the source 'kb.csv': expected FORMAT=FILE"):
        linker.initialize(sources="kb.csv")
    with pytest.raises(ValueError, match="is not a knowledge base"):
        linker.initialize(kb="nowhere")
    with pytest.raises(ValueError, match="max_words"):
        ConceptLinker(max_words=0)
    with pytest.raises(ValueError, match="fuzzy_threshold"):
        ConceptLinker(fuzzy_threshold=0.0)
    Span.set_extension("taken_already", default=None)
    with pytest.raises(ValueError, match="concepts_attr"):
        install_concepts_extension("taken_already")


class Everything:
    """A source of candidates that is not a knowledge base."""

    kb = "a database"

    def find(self, doc: Doc, max_words: int) -> list[Match]:
        return [Match(t.i, t.i + 1, (Candidate("X", "T001", 0.5),)) for t in doc]

    def nearest(self, text: str, k: int, threshold: float) -> tuple[Candidate, ...]:
        return ()


def test_any_source_of_candidates(nlp: Language, tmp_path: Path) -> None:
    linker = nlp.add_pipe("concept_linker")
    linker.initialize(sources=[f"jsonl={ROOT / 'assets' / 'demo' / 'kb.jsonl'}"])
    nlp.to_disk(tmp_path)  # which leaves nothing behind for what is saved there next
    linker.initialize(candidates=Everything())
    doc = nlp("one two")
    assert found(doc) == [("one", "X", "T001"), ("two", "X", "T001")] and doc[0:1]._.concepts[0].score == 0.5
    with pytest.raises(ValueError, match="do not come from a knowledge base"):
        linker.kb  # noqa: B018
    nlp.to_disk(tmp_path)
    empty = spacy.blank("en")
    empty.add_pipe("concept_linker")
    for copy in (spacy.load(tmp_path), empty.from_bytes(nlp.to_bytes())):
        with pytest.raises(ValueError, match="has no knowledge base yet"):
            copy("one two")
