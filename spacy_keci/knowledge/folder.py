"""The folder of a knowledge base: opened as one, checked, and copied.

The manifest is written last. It holds the size and the SHA-256 of every other file: what it does not name is not read,
copied or packed.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import srsly

from .storage import Files, KnowledgeBaseError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
# files of a knowledge base whose manifest does not name them: those of earlier versions of the package
_OWN_FILES = re.compile(
    r"(?:concepts|definitions|fuzzy|ids|keys|names|network|postings|relations|types|vectors)\.[\w.]+"
)
_SMALL = 1 << 16  # bytes of a file that is checked whenever it is opened
_REQUIRED = {"created": str, "counts": dict, "sources": list, "labels": list, "types": list, "type_names": dict}


class OpenFolder(Files):
    """A complete knowledge base on disk, opened: manifest and files, all of one build.

    Opening checks the manifest, the size of every file, and the contents of the small ones. Raises KnowledgeBaseError
    if the folder holds no complete knowledge base of this format.
    """

    def __init__(self, path: Path) -> None:
        deadline = time.monotonic() + 5.0
        while True:
            before = _version(path)
            text = _manifest_text(path)
            try:
                manifest = parse_manifest(text, path)
                super().__init__(path, _files_of(path, manifest))
                self.manifest = manifest
                self._check()
                error = None
            except KnowledgeBaseError as caught:
                error = caught
            except OSError as caught:
                error = KnowledgeBaseError(f"{path} is damaged ({caught}). Rebuild the knowledge base.")
            # the folder may have been replaced between the first file and the last
            if (_version(path) == before and _manifest_text(path) == text) or time.monotonic() > deadline:
                break
        if error is not None:
            raise error
        self.identity = hashlib.sha256(text).hexdigest()

    def _check(self) -> None:
        for name, entry in self.manifest.get("files", {}).items():
            size = len(self.buffers[name])
            if size != entry["bytes"] or (size <= _SMALL and _sha256(self.buffers[name]) != entry["sha256"]):
                raise KnowledgeBaseError(
                    f"{self.path / name} is damaged. Rebuild the knowledge base, or copy it again."
                )

    @cached_property
    def checksums(self) -> dict[str, dict[str, Any]]:
        """Size and SHA-256 of each file, as the manifest has them; computed where it is of an earlier version."""
        return self.manifest.get("files") or _checksums(self.buffers)

    def damaged(self) -> list[str]:
        """Names of the files whose contents are not those of the manifest; reads them all."""
        return [name for name, entry in self.checksums.items() if _sha256(self[name]) != entry["sha256"]]

    def same_as(self, path: Path) -> bool:
        """Whether a folder holds the same knowledge base, by its manifest and the sizes of its files."""
        try:
            manifest = parse_manifest(_manifest_text(path), path)
            sizes = {name: (path / name).stat().st_size for name in self.checksums}
        except (OSError, KnowledgeBaseError):
            return False
        expected = {name: entry["bytes"] for name, entry in self.checksums.items()}
        return sizes == expected and manifest == self._sealed_manifest()

    def save(self, folder: Path) -> None:
        """Write what is open into an existing folder. Raises KnowledgeBaseError if a file has been damaged."""
        for name, content in self._intact():
            (folder / name).write_bytes(content)
        write_manifest(folder, self._sealed_manifest())

    def pack(self) -> bytes:
        """The files as one string of bytes, for :func:`unpack`. Raises KnowledgeBaseError as :meth:`save`."""
        files = {name: bytes(content) for name, content in self._intact()}
        files[MANIFEST] = _to_json(self._sealed_manifest())
        return srsly.msgpack_dumps(files)

    def _intact(self) -> Iterator[tuple[str, memoryview]]:
        for name, entry in self.checksums.items():
            if _sha256(self[name]) != entry["sha256"]:
                raise KnowledgeBaseError(f"{self.path / name} is damaged. Rebuild the knowledge base.")
            yield name, self[name]

    def _sealed_manifest(self) -> dict[str, Any]:
        return _sealed({**self.manifest, "files": self.checksums})


def unpack(data: bytes, folder: Path) -> None:
    """Make the folder, and write the files of :meth:`OpenFolder.pack` into it."""
    folder.mkdir()
    for name, content in srsly.msgpack_loads(data).items():
        (folder / Path(name).name).write_bytes(content)


def seal(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest with the checksums of all files; after it the folder counts as complete."""
    files = {name: entry for name, entry in Files.of_folder(folder).buffers.items() if name != MANIFEST}
    write_manifest(folder, _sealed({"format_version": FORMAT_VERSION, **manifest, "files": _checksums(files)}))


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    (folder / MANIFEST).write_bytes(_to_json(manifest))


def parse_manifest(text: bytes, path: Path) -> dict[str, Any]:
    """The manifest of the knowledge base in ``path``. Raises KnowledgeBaseError if it is damaged, or of a format that
    is not read."""
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise KnowledgeBaseError(f"{path / MANIFEST} is damaged ({error}). Rebuild the knowledge base.") from None
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise KnowledgeBaseError(
            f"{path} is written in format {version}, but this version of spacy-keci reads format {FORMAT_VERSION}. "
            + ("Update spacy-keci." if isinstance(version, int) and version > FORMAT_VERSION else "Rebuild it.")
        )
    wrong = [key for key, kind in _REQUIRED.items() if not isinstance(manifest.get(key), kind)]
    if wrong or "has_type" not in manifest["labels"]:
        raise KnowledgeBaseError(
            f"{path / MANIFEST} is damaged ({', '.join(wrong) or 'labels'}). Rebuild the knowledge base."
        )
    if manifest.get("checksum") != (_sealed(manifest)["checksum"] if "checksum" in manifest else None):
        raise KnowledgeBaseError(
            f"{path / MANIFEST} is damaged, or has been edited: its checksum is wrong. Rebuild the knowledge base."
        )
    return manifest


def remove_knowledge_base(folder: Path) -> None:
    """Delete the folder if it holds a knowledge base."""
    if (folder / MANIFEST).exists():
        shutil.rmtree(folder)


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _version(path: Path) -> tuple[int, int]:
    """Identifies the folder at a path: the value changes when the folder is replaced."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_ino, stat.st_ctime_ns


def _manifest_text(path: Path) -> bytes:
    try:
        return (path / MANIFEST).read_bytes()
    except OSError:
        raise KnowledgeBaseError(
            f"{path} is not a knowledge base (no {MANIFEST}). Build one with: spacy keci kb build"
        ) from None


def _files_of(path: Path, manifest: Mapping[str, Any]) -> list[str]:
    if "files" in manifest:
        return list(manifest["files"])
    return sorted(
        each.name
        for each in os.scandir(path)
        if _OWN_FILES.fullmatch(each.name) and each.is_file(follow_symlinks=False)
    )


def _checksums(files: Mapping[str, memoryview]) -> dict[str, dict[str, Any]]:
    return {name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in sorted(files.items())}


def _sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in manifest.items() if key != "checksum"}
    return {**content, "checksum": hashlib.sha256(_to_json(content)).hexdigest()}


def _to_json(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1, ensure_ascii=False).encode("utf8")


def _sha256(content: memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
