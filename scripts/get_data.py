"""Get corpora and vocabularies into assets/, from the addresses in assets/downloads.tsv or from a folder.

    python scripts/get_data.py biorelex ontologies
    python scripts/get_data.py ade --copy-from ~/data

Existing files are kept. The folder of --copy-from, or of the environment variable SPACY_KECI_DATA, has the same
subfolders as assets/; its files may be compressed with gzip or xz, or be members of a .tar.xz or .zip archive. A file
with another checksum than listed is used with a warning: it is not the version with which the results were measured.
"""

import csv
import gzip
import io
import lzma
import os
import sys
import tarfile
from argparse import ArgumentParser
from functools import lru_cache
from hashlib import md5
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen
from zipfile import BadZipFile, ZipFile

ASSETS = Path(__file__).parent.parent / "assets"


def main() -> None:
    rows = read_table(ASSETS / "downloads.tsv")
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", choices=sorted({row["file"].split("/")[0] for row in rows}), metavar="SET")
    parser.add_argument("--copy-from", type=Path, default=os.environ.get("SPACY_KECI_DATA") or None, metavar="FOLDER")
    options = parser.parse_args()
    missing = [
        row["file"]
        for row in rows
        if row["file"].split("/")[0] in options.sets and not get(row, ASSETS / row["file"], options.copy_from)
    ]
    if missing:
        sys.exit(f"Missing: {', '.join(missing)}")


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a header; lines that begin with # are comments."""
    lines = [line for line in path.read_text(encoding="utf8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def get(row: dict[str, str], target: Path, folder: Path | None) -> bool:
    """Copy or download a file unless it exists. Returns whether it is available; a file without an address may be
    missing."""
    how = "there"
    if not target.exists():
        how, data = "copied", find(folder, row["file"]) if folder else None
        if data is None and row["address"]:
            how = "downloaded"
            try:
                data = download(row["address"])
            except (OSError, KeyError, HTTPException, BadZipFile, tarfile.TarError) as error:
                print(f"{row['file']}: cannot be downloaded from {row['address']}: {error}")
                return False
        if data is None:
            print(f"{row['file']}: not there. {row['description']}.")
            return True
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    expected = row["md5"] in ("", md5(target.read_bytes()).hexdigest())
    print(f"{row['file']}: {how}{'' if expected else ', another version than the results were measured with'}")
    return True


def find(folder: Path, file: str) -> bytes | None:
    """Content of a file in a folder: plain, compressed, or in an archive; None if missing."""
    path = folder / file
    if path.exists():
        return path.read_bytes()
    for ending, decompress in ((".gz", gzip.decompress), (".xz", lzma.decompress)):
        if (packed := path.with_name(path.name + ending)).exists():
            return decompress(packed.read_bytes())
    for archive in sorted(path.parent.glob("*.zip")):
        with ZipFile(archive) as zipped:
            for member in zipped.namelist():
                if Path(member).name == path.name:
                    return zipped.read(member)
    for archive in sorted(a for parent in (path.parent, *path.parents[1:2]) for a in parent.glob("*.tar.xz")):
        if content := member_of(read_tar(archive.read_bytes()), file.split("/", 1)[-1]):
            return content
    tables = [path.with_name(name) for name in ("semtypes.tsv", "semnet_relations.tsv")]
    if path.name == "sn_current.tgz" and all(table.exists() for table in tables):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for table in tables:
                tar.add(table, table.name)
        return buffer.getvalue()
    return None


@lru_cache(maxsize=2)
def read_tar(archive: bytes) -> dict[str, bytes]:
    """The files of a tar archive by name, with their folders."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        opened = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in opened.items() if file is not None}


def member_of(files: dict[str, bytes], name: str) -> bytes | None:
    """The file whose path ends with this path, or the only one that ends with its last part."""
    found = [content for path, content in files.items() if f"/{path}".endswith(f"/{name}")]
    if not found:
        found = [content for path, content in files.items() if Path(path).name == Path(name).name]
    return found[0] if len(found) == 1 else None


def download(address: str) -> bytes:
    """The file at an address, or, after #, a member of the zip or tar archive there."""
    url, _, member = address.partition("#")
    content = fetch(url)
    if not member:
        return content
    if ".tar" in url:
        return read_tar(content)[member]
    with ZipFile(io.BytesIO(content)) as zipped:
        return zipped.read(member)


@lru_cache(maxsize=1)
def fetch(url: str) -> bytes:
    with urlopen(url, timeout=60) as response:
        return response.read()


if __name__ == "__main__":
    main()
