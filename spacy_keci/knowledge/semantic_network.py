"""The UMLS Semantic Network: semantic types and the relations between them.

Read from the files of a release (SRDEF and SRSTRE1 or SRSTR, https://www.ncbi.nlm.nih.gov/books/NBK9679/) or from two
tables: ``tui abbr name group parent level`` with a table head, and head type, relation, tail type. Either may lie in an
archive, as NLM publishes them: ``sn_current.tgz``.
"""

import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from .sources.files import UNREADABLE, read_lines
from .sources.source import SourceReport
from .storage import KnowledgeBaseError


@dataclass
class SemanticNetwork:
    """``names``: TUI to name; ``edges``: (head TUI, label, tail TUI)."""

    names: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)


def read_semantic_network(paths: list[Path], report: SourceReport) -> SemanticNetwork:
    """Raises KnowledgeBaseError for a file of no kind above, for a damaged archive, and for files
    without any relation between types that they name."""
    with TemporaryDirectory() as folder:
        network = _read_files([file for path in paths for file in _unpack(path, Path(folder))], report)
    if paths and not network.edges:
        raise KnowledgeBaseError(
            f"{', '.join(map(str, paths))}: {len(network.names)} semantic types and no relations between them. "
            "Give types (SRDEF or a table) and their relations (SRSTRE1, SRSTR or a table)."
        )
    return network


def _read_files(paths: list[Path], report: SourceReport) -> SemanticNetwork:
    network = SemanticNetwork()
    numbered: dict[str, str] = {}
    pairs: dict[tuple[str, str, str], None] = {}
    for path in sorted(paths, key=_kind):
        kind = _kind(path)
        for number, line in read_lines(path, report):
            fields = line.split("|" if kind in ("SRDEF", "SRSTRE1", "SRSTR") else "\t")
            if kind == "SRDEF" and len(fields) >= 3:
                numbered[fields[1]] = fields[2]
                if fields[0] == "STY":
                    network.names[fields[1]] = fields[2]
            elif kind == "SRSTRE1" and len(fields) >= 3:
                pairs[fields[0], numbered.get(fields[1], fields[1]), fields[2]] = None
            elif kind == "SRSTR" and len(fields) >= 3:
                tuis = {name: tui for tui, name in numbered.items()}
                # the hierarchy of relations, and relations of the top (without a second argument), are no edges
                if fields[0] in tuis and fields[2] in tuis and tuis[fields[0]] in network.names:
                    # D: defined, also for the children; DNI: defined, not for the children; B: blocked
                    if fields[3:4] == ["B"]:
                        report.count("relations of semantic types left out: blocked")
                    else:
                        pairs[tuis[fields[0]], fields[1], tuis[fields[2]]] = None
            elif kind == "table of types" and len(fields) >= 3:
                if number > 1:
                    network.names[fields[0]] = fields[2]
            elif kind == "table of relations" and len(fields) == 3:
                pairs[fields[0], fields[1], fields[2]] = None
            else:
                report.malformed(path, number, f"not a line of a {kind} file")
    for head, label, tail in pairs:
        if head in network.names and tail in network.names:
            network.edges.append((head, label, tail))
        else:
            report.drop("type relation of an unknown type", f"{head} {label} {tail}")
    report.count("semantic types", len(network.names))
    report.count("relations of semantic types", len(network.edges))
    return network


def _unpack(path: Path, folder: Path) -> list[Path]:
    """The useful files of an archive, unpacked below ``folder``; any other file as it is."""
    if not path.is_file() or not tarfile.is_tarfile(path):
        return [path]
    files = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name).name
                of_use = name in ("SRDEF", "SRSTRE1", "SRSTR") or name.endswith(".tsv")
                if of_use and (member.issym() or member.islnk()):
                    raise KnowledgeBaseError(f"{path}: {member.name} is a link in the archive, not a file.")
                content = archive.extractfile(member) if of_use else None
                if content is not None:
                    files.append(Path(mkdtemp(dir=folder)) / name)  # other files may have the same name
                    files[-1].write_bytes(content.read())
    except (tarfile.TarError, *UNREADABLE) as error:
        raise KnowledgeBaseError(f"{path} cannot be unpacked: {error}. Is it complete? Download it again.") from None
    if not files:
        raise KnowledgeBaseError(f"{path} holds neither SRDEF and SRSTRE1 (or SRSTR) nor tables (.tsv).")
    if any(file.name == "SRSTRE1" for file in files):  # what SRSTR says, and what types inherit
        return [file for file in files if file.name != "SRSTR"]
    return files


def _kind(path: Path) -> str:
    """What a file is. SRDEF sorts before SRSTRE1 and SRSTR, which need its names."""
    stem = path.name.removesuffix(".gz")
    if stem in ("SRDEF", "SRSTRE1", "SRSTR"):
        return stem
    _, first = next(read_lines(path, SourceReport()), (0, ""))
    if first.startswith("tui\t"):
        return "table of types"
    if first.count("\t") == 2:
        return "table of relations"
    raise KnowledgeBaseError(
        f"{path} is neither SRDEF, SRSTRE1 or SRSTR, nor a table with the head 'tui abbr name …', nor a table of "
        "relations (head type, relation, tail type)."
    )
