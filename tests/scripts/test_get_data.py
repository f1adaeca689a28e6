import gzip
import io
import lzma
import sys
import tarfile
from hashlib import md5
from pathlib import Path
from zipfile import ZipFile

import pytest

from scripts import get_data
from scripts.get_data import find, main, read_table

from ..conftest import ROOT

FILES = {
    "a/plain.txt": b"plain",
    "a/packed.txt": b"packed",
    "a/smaller.txt": b"smaller",
    "a/split_0.json": b"[0]",
    "a/Train.PubTator": b"1|t|x",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as --copy-from takes it."""
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "a/plain.txt").write_bytes(b"plain")
    (folder / "a/packed.txt.gz").write_bytes(gzip.compress(b"packed"))
    (folder / "a/smaller.txt.xz").write_bytes(lzma.compress(b"smaller"))
    with tarfile.open(folder / "a/folds.tar.xz", "w:xz") as tar:
        member = tarfile.TarInfo("folds/split_0.json")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"[0]"))
    with ZipFile(folder / "a/corpus.zip", "w") as archive:
        archive.writestr("Corpus/Train.PubTator", "1|t|x")
    return folder


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of downloads in a folder of its own."""
    assets = tmp_path / "assets"
    assets.mkdir()
    rows = [f"{file}\t{md5(content).hexdigest()}\t\tCC0\tA file" for file, content in FILES.items()]
    (assets / "downloads.tsv").write_text("# comment\nfile\tmd5\taddress\tlicence\tdescription\n" + "\n".join(rows))
    monkeypatch.setattr(get_data, "ASSETS", assets)
    return assets


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["get_data.py", *map(str, arguments)])
    main()


def test_copies(
    assets: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "a", "--copy-from", folder)
    assert {file: (assets / file).read_bytes() for file in FILES} == FILES
    assert capsys.readouterr().out.count(": copied\n") == 5
    (assets / "a/plain.txt").write_bytes(b"mine")
    run(monkeypatch, "a", "--copy-from", folder)
    assert (assets / "a/plain.txt").read_bytes() == b"mine"
    assert "a/plain.txt: there, another version than the results" in capsys.readouterr().out


def test_what_has_no_address_may_be_missing(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPACY_KECI_DATA", raising=False)
    run(monkeypatch, "a")
    assert "a/plain.txt: not there. A file." in capsys.readouterr().out


def test_downloads(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPACY_KECI_DATA", raising=False)
    with ZipFile(tmp_path / "remote.zip", "w") as archive:
        archive.writestr("Corpus/Train.PubTator", "1|t|x")
    rows = [
        f"a/Train.PubTator\t\t{(tmp_path / 'remote.zip').as_uri()}#Corpus/Train.PubTator\tCC0\tA file",
        f"a/other\t\t{(tmp_path / 'nothing').as_uri()}\tCC0\tA file",
        # a page that says that the archive has gone
        f"a/zipped\t\t{(tmp_path / 'page').as_uri()}#member\tCC0\tA file",
        f"a/tarred\t\t{(tmp_path / 'page.tar.gz').as_uri()}#member\tCC0\tA file",
    ]
    for name in ("page", "page.tar.gz"):
        (tmp_path / name).write_text("<html>moved</html>")
    (assets / "downloads.tsv").write_text("file\tmd5\taddress\tlicence\tdescription\n" + "\n".join(rows))
    with pytest.raises(SystemExit, match="Missing: a/other, a/zipped, a/tarred"):
        run(monkeypatch, "a")
    assert (assets / "a/Train.PubTator").read_bytes() == b"1|t|x"
    assert "a/other: cannot be downloaded from file:" in capsys.readouterr().out


def test_the_semantic_network_may_be_two_tables(tmp_path: Path) -> None:
    for name in ("semtypes.tsv", "semnet_relations.tsv"):
        (tmp_path / name).write_text(name)
    content = find(tmp_path, "sn_current.tgz")
    assert content is not None
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == ["semtypes.tsv", "semnet_relations.tsv"]


def test_the_table() -> None:
    rows = read_table(ROOT / "assets" / "downloads.tsv")
    files = [row["file"] for row in rows]
    assert len(set(files)) == len(files) and sum(file.startswith("ade/ade_split") for file in files) == 20
    assert [row["file"] for row in rows if len(row["md5"]) != 32] == [
        *(f"conll04/conll04_{part}.json" for part in ("train", "dev", "test")),  # not seen as they are published
        "ontologies/sn_current.tgz",  # a current version
    ]
    assert [row["file"] for row in rows if not row["address"].startswith("http")] == ["ade/DRUG-AE.rel"]
    assert all(row["licence"] and row["description"] for row in rows)
