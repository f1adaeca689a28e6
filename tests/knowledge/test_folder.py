"""A knowledge base on disk: replaced while it is open, damaged, copied, beside files that are not its own."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import spacy

from spacy_keci.knowledge import atomic
from spacy_keci.knowledge.candidates import KnowledgeBaseCandidates
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.folder import MANIFEST, OpenFolder
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.slim import copy_slim
from spacy_keci.knowledge.storage import KnowledgeBaseError

from .conftest import CONCEPTS, write_jsonl
from .test_compile import build

ALPHA = [{"id": f"A:{i:04}", "name": f"alphaprotein{i:04}"} for i in range(50)]
BETA = [{"id": f"B:{i:04}", "name": f"betachemical{i:04}"} for i in reversed(range(50))]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return build(tmp_path, CONCEPTS).path


@pytest.fixture(params=["exchange", "two steps"])
def way_to_replace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "two steps":  # as on systems that cannot exchange folders
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    yield


def test_an_open_one_stays_what_it_was(tmp_path: Path, way_to_replace: None) -> None:
    kb = build(tmp_path, ALPHA)
    pickled = pickle.dumps(kb)
    new = build(tmp_path, BETA)
    assert new.id(0) == "B:0049" and new.path == kb.path
    assert KnowledgeBaseCandidates(kb).nearest("betachemical00077", 1, 0.5) == ()
    copies = [kb, pickle.loads(pickle.dumps(kb))]
    for name in ("saved", "from bytes"):
        nlp = spacy.blank("en")
        linker = nlp.add_pipe("concept_linker")
        linker._read(kb)
        if name == "saved":
            nlp.to_disk(tmp_path / "pipeline")
            copies.append(spacy.load(tmp_path / "pipeline").get_pipe("concept_linker").kb)
        else:
            copies.append(spacy.blank("en", config=nlp.config).from_bytes(nlp.to_bytes()).get_pipe("concept_linker").kb)
    for copy in copies:
        assert copy.id(0) == "A:0000" and copy.fuzzy is not None
        assert KnowledgeBaseCandidates(copy).nearest("alphaprotien0003", 1, 0.5)[0].concept == "A:0003"
    with pytest.raises(KnowledgeBaseError, match="has been replaced since"):
        pickle.loads(pickled)


def test_who_opens_it_gets_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    build(tmp_path, ALPHA)
    stop = False

    def read() -> int:
        n = 0
        while not stop:
            kb = KnowledgeBase(tmp_path / "kb")
            first, names = kb.id(0), kb.names(0)
            assert (first, names) in (("A:0000", ["alphaprotein0000"]), ("B:0049", ["betachemical0049"]))
            n += 1
        return n

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for concepts in (BETA, ALPHA) * 4:
            build(tmp_path, concepts)
        stop = True
        assert sum(reader.result() for reader in readers) > 0


def test_another_one_of_equal_sizes_and_times_is_saved(tmp_path: Path) -> None:
    """As archives and packages make them, which set all times to one."""
    nlp = spacy.blank("en")
    linker = nlp.add_pipe("concept_linker")
    for id in ("X:1", "X:2"):
        write_jsonl(tmp_path / "a.jsonl", [{"id": id, "name": "one"}])
        compile_knowledge_base(tmp_path / id, [SourceFiles("jsonl", [tmp_path / "a.jsonl"])])
        for file in (tmp_path / id).iterdir():
            os.utime(file, (0, 0))
        linker.initialize(kb=tmp_path / id)
        nlp.to_disk(tmp_path / "pipeline")
        assert spacy.load(tmp_path / "pipeline").get_pipe("concept_linker").kb.id(0) == id


@pytest.mark.parametrize("damage", ["flipped", "zeros"])
def test_damage_that_keeps_the_size(own: Path, damage: str) -> None:
    """Is found at once in small files, and in any when it is looked for, and never copied."""
    intact = KnowledgeBase(own)
    for file in sorted(own.iterdir()):
        content = bytearray(file.read_bytes())
        if damage == "flipped" and content:
            content[len(content) // 2] ^= 4
        else:
            content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        original = file.read_bytes()
        if bytes(content) == original:
            continue
        file.write_bytes(content)
        with pytest.raises(KnowledgeBaseError, match=file.name):
            KnowledgeBase(own)
        file.write_bytes(original)
    assert KnowledgeBase(own).files.damaged() == [] == intact.files.damaged()


def test_damage_of_a_large_file(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_keci.knowledge.folder._SMALL", 16)
    names = own / "names.utf8"
    names.write_bytes(names.read_bytes().replace(b"TP53", b"TP54"))
    kb = KnowledgeBase(own)
    assert kb.files.damaged() == ["names.utf8"]
    (tmp_path / "copy").mkdir()
    for copy in (kb.files.pack, lambda: kb.files.save(tmp_path / "copy")):
        with pytest.raises(KnowledgeBaseError, match=r"names\.utf8 is damaged"):
            copy()


def test_a_manifest_that_was_changed(own: Path) -> None:
    manifest = json.loads((own / MANIFEST).read_text())
    assert manifest["files"]["names.utf8"]["bytes"] == (own / "names.utf8").stat().st_size
    for change in ({"labels": []}, {"sources": None}, {"types": ["T001"]}, {"counts": {}}):
        (own / MANIFEST).write_text(json.dumps(manifest | change))
        with pytest.raises(KnowledgeBaseError, match=r"manifest\.json is damaged"):
            KnowledgeBase(own)


def test_one_of_an_earlier_version_opens(own: Path, tmp_path: Path) -> None:
    """Without checksums, and without the identifiers of each concept in order."""
    manifest = json.loads((own / MANIFEST).read_text())
    for key in ("files", "checksum"):
        del manifest[key]
    (own / MANIFEST).write_text(json.dumps(manifest))
    for file in own.glob("concepts.ids.*"):
        file.unlink()
    (own / "notes.txt").write_text("mine")
    kb = KnowledgeBase(own)
    assert kb.identifiers("G:1") == ["G:1"] and kb["D:1"].name == "acute kidney injury"
    assert not kb.files.same_as(tmp_path / "saved")
    (tmp_path / "saved").mkdir()
    kb.files.save(tmp_path / "saved")
    assert kb.files.same_as(tmp_path / "saved") and not (tmp_path / "saved" / "notes.txt").exists()
    assert KnowledgeBase(tmp_path / "saved").files.damaged() == []
    (own / "vectors.mine.npy").symlink_to(tmp_path / "secret")
    assert "mine" not in KnowledgeBase(own).vectors


def test_what_is_not_its_own_is_left_alone(own: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("TOP-SECRET")
    (own / "notes.txt").symlink_to(tmp_path / "secret")
    (own / "vectors.mine.npy").symlink_to(tmp_path / "secret")
    (own / ".ipynb_checkpoints").mkdir()
    (own / ".ipynb_checkpoints" / "a").write_text("x")
    nlp = spacy.blank("en")
    nlp.add_pipe("concept_linker").initialize(kb=own)
    nlp.to_disk(tmp_path / "pipeline")
    saved = tmp_path / "pipeline" / "concept_linker" / "kb"
    assert not {"notes.txt", "vectors.mine.npy", ".ipynb_checkpoints"} & {each.name for each in saved.iterdir()}
    assert b"TOP-SECRET" not in nlp.to_bytes() and b"TOP-SECRET" not in pickle.dumps(nlp.get_pipe("concept_linker"))


def test_a_build_that_was_killed_is_cleared_away(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from spacy_keci.knowledge.atomic import new_folder\n"
        "with new_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'a').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "kb")])
    left = set(tmp_path.glob(".kb.*"))
    assert killed.returncode == -signal.SIGKILL and len(left) == 2  # the folder and its lock
    with atomic.new_folder(tmp_path / "kb") as running:
        assert running.exists() and not any(path.exists() for path in left)
        with pytest.raises(RuntimeError, match="mine"), atomic.new_folder(tmp_path / "kb"):
            raise RuntimeError("mine")
        assert running.exists()  # another build that runs keeps its folder
    assert [path.name for path in tmp_path.iterdir()] == ["kb"]


def test_slim(own: Path, tmp_path: Path) -> None:
    kb = KnowledgeBase(own)
    with pytest.raises(ValueError, match=r"no trained to keep\. It has: fuzzy, definitions"):
        copy_slim(kb, tmp_path / "slim", ["trained"])
    assert copy_slim(kb, tmp_path / "slim") == ["fuzzy", "definitions"]
    slim = KnowledgeBase(tmp_path / "slim")
    assert slim.fuzzy is None and slim["G:1"] == kb["G:1"]._replace(definition="")
    assert slim.manifest["sources"] == kb.manifest["sources"] and slim.manifest["left_out"] == ["fuzzy", "definitions"]
    assert copy_slim(kb, tmp_path / "slim", ["definitions"], overwrite=True) == ["fuzzy"]
    assert KnowledgeBase(tmp_path / "slim")["G:1"] == kb["G:1"]
    write_jsonl(tmp_path / "a.jsonl", CONCEPTS)
    sources = [SourceFiles("jsonl", [tmp_path / "a.jsonl"])]
    compile_knowledge_base(tmp_path / "small", sources, fuzzy=False, definitions=False)
    assert set(KnowledgeBase(tmp_path / "small").files.buffers) == set(slim.files.buffers)


def test_opening_reads_no_large_file(own: Path, tmp_path: Path) -> None:
    """Only the sizes and the small files: the rest is mapped."""
    folder = OpenFolder(own)
    assert all(isinstance(folder[name], memoryview) for name in folder.manifest["files"])
    array = folder.array("types.indptr")
    assert not array.flags.writeable and not array.flags.owndata and array.dtype == np.int64
