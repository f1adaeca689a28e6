"""Compile vocabularies into a knowledge base: read the sources, find out which concepts are one, write the files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .atomic import new_folder
from .collect import Collection
from .folder import checksum, seal
from .identity import find_identity
from .knowledge_base import KnowledgeBase
from .semantic_network import read_semantic_network
from .semantic_types import TypeTable
from .sources import SOURCES, SourceReport
from .sources.files import each_file, read_lines
from .storage import KnowledgeBaseError
from .vectors import write_vectors
from .writing import write_knowledge

# what computes vectors, (concepts + types, width), for a knowledge base
Vectors = Callable[[KnowledgeBase], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class SourceFiles:
    """Files of one source: ``format`` is a name in ``SOURCES``."""

    format: str
    paths: list[Path]
    version: str = ""

    @classmethod
    def parse(cls, text: str, folder: Path = Path()) -> "SourceFiles":
        """From ``format=FILE`` or ``format=FILE,FILE``, files of a folder. Raises KnowledgeBaseError."""
        name, equals, files = text.partition("=")
        if not equals or name not in SOURCES:
            raise KnowledgeBaseError(
                f"Cannot read the source {text!r}: expected FORMAT=FILE (several files: FORMAT=FILE,FILE), where "
                f"FORMAT is one of {', '.join(SOURCES)}."
            )
        paths = [folder / f for f in files.split(",") if f]
        if not paths:
            raise KnowledgeBaseError(f"The source {text!r} names no file.")
        return cls(name, paths)

    @classmethod
    def read(cls, path: Path) -> "list[SourceFiles]":
        """The sources that a text file lists, one a line, with paths from its folder; without lines that begin with
        ``#``. Raises KnowledgeBaseError."""
        lines = [line.strip() for _, line in read_lines(path, SourceReport())]
        return [cls.parse(line, path.parent) for line in lines if line and not line.startswith("#")]


def compile_knowledge_base(
    out: Path,
    sources: Sequence[SourceFiles],
    semantic_network: Sequence[Path] = (),
    type_tables: Sequence[Path] = (),
    merge: bool = True,
    fuzzy: bool = True,
    definitions: bool = True,
    vectors: Mapping[str, Vectors] | None = None,
    overwrite: bool = False,
    max_errors: int = 1000,
    progress: bool = False,
) -> dict[str, SourceReport]:
    """Compile ``sources`` into the folder ``out``. Returns what was read and dropped, by source.

    Sources given first come first among the candidates of a name, and name and define the concepts that several
    of them have. With ``merge``, concepts of several vocabularies become one where their references or names say so
    (see ``merge.py``); with ``fuzzy``, the index for similar names is built too; without ``definitions``, their texts
    are left out. ``vectors``: by name, what computes them, (concepts + types, width), from the knowledge base (see
    ``vectors.py``).

    Raises KnowledgeBaseError for sources or vectors that cannot be read, FileExistsError if ``out`` is there.
    """
    if not sources:
        raise KnowledgeBaseError("A knowledge base needs at least one source.")
    types = TypeTable(*type_tables)
    reports: dict[str, SourceReport] = {}
    with new_folder(out, overwrite) as folder:
        collection = Collection(folder)
        entries = []
        for number, source in enumerate(sources):
            title = f"{source.format}: {', '.join(p.name for p in source.paths)}"
            if title in reports:
                title = f"{number + 1}. {source.format}: {', '.join(map(str, source.paths))}"
            reports[title] = report = SourceReport(max_errors)
            entries.append(_read(collection, number, source, types, report, tqdm(desc=title, disable=not progress)))
        network_report, report = SourceReport(max_errors), SourceReport(max_errors)
        network = read_semantic_network(list(semantic_network), network_report)
        if semantic_network:
            reports["semantic network"] = network_report
        reports["knowledge base"] = report
        if progress:
            tqdm.write("Writing the lexicon and the graph …")
        collection.close()
        identity = find_identity(collection, merge and len(sources) > 1)
        parts = write_knowledge(folder, collection, identity, network, report, fuzzy=fuzzy, definitions=definitions)
        files = _checksums(semantic_network)
        seal(folder, {**parts, "sources": entries, "semantic_network": files})
        kb = KnowledgeBase(folder)  # what was written must open before it gets its name
        for name, compute in (vectors or {}).items():
            write_vectors(folder, name, compute(kb))
        if vectors:
            seal(folder, kb.manifest)
    return reports


def _read(
    collection: Collection,
    number: int,
    source: SourceFiles,
    types: TypeTable,
    report: SourceReport,
    bar: Any,
) -> dict[str, Any]:
    """Collect the concepts of a source. Returns its entry in the manifest. Raises KnowledgeBaseError if it has none."""
    before, n_records = collection.n_concepts, 0
    with bar:
        for record in SOURCES[source.format].read(source.paths, types, report):
            collection.add(record, number, report)
            n_records += 1
            bar.update()
    if not n_records:
        files = ", ".join(map(str, source.paths))
        raise KnowledgeBaseError(
            f"No concept could be read from {source.format}={files}. {'; '.join(report.summary())}".rstrip()
        )
    return {
        "name": source.format,
        "files": _checksums(source.paths),
        "version": source.version or ", ".join(dict.fromkeys(report.versions)),
        "licence": SOURCES[source.format].licence or ", ".join(dict.fromkeys(report.licences)),
        "concepts": collection.n_concepts - before,
    }


def _checksums(paths: Sequence[Path]) -> list[dict[str, Any]]:
    files = [file for file in each_file(paths) if file.is_file()]
    return [{"name": f.name, "bytes": f.stat().st_size, "sha256": checksum(f)} for f in files]
