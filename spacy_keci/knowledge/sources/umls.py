"""UMLS Metathesaurus in Rich Release Format (https://www.ncbi.nlm.nih.gov/books/NBK9685/)."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ..semantic_types import TypeTable
from ..storage import KnowledgeBaseError
from .files import each_file, read_lines
from .source import ConceptRecord, SourceReport

# columns, by position
_MRCONSO = dict(cui=0, lat=1, ts=2, stt=4, ispref=6, sab=11, tty=12, text=14, suppress=16)
_SUPPRESSED = frozenset("OEY")
_TABLES = frozenset(("MRCONSO", "MRSTY", "MRRANK", "MRDEF", "MRREL"))
LANGUAGE = "ENG"


def read_umls(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Concepts of a release: the folder META, or its files, plain or gzipped. MRCONSO and MRSTY must be there.

    Names: English ones that are not suppressible (SUPPRESS O, E or Y). The preferred name is the preferred form
    (TS=P, STT=PF, ISPREF=Y); among several, the one of the highest rank in MRRANK. Relations: MRREL's RELA, or REL
    where that is empty, turned so that they run from the first to the second concept (RRF has "CUI2 is RELA of
    CUI1": https://www.ncbi.nlm.nih.gov/books/NBK9685/table/ch03.T.related_concepts_file_mrrel_rrf/); siblings (SIB)
    and relations of a concept to itself are left out. The files are read as they come, a concept at a time: a
    release is sorted by CUI. Where it is not, records of a concept merge later.
    """
    files = _find(paths)
    for name in ("MRCONSO", "MRSTY"):
        if name not in files:
            raise KnowledgeBaseError(f"{name}.RRF is not among {', '.join(str(p) for p in paths)}.")
    ranks: dict[tuple[str, str], int] = {}
    if "MRRANK" in files:
        for _, fields in _rows(files["MRRANK"], 4, report):
            ranks[fields[1], fields[2]] = int(fields[0]) if fields[0].isdigit() else 0
    styles: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for _, fields in _rows(files["MRSTY"], 2, report):
        tuis = (*styles.get(fields[0], ()), fields[1])
        # a few hundred combinations serve millions of concepts
        styles[fields[0]] = shared.setdefault(tuis, tuis)
    for cui, name, names in _concepts(files["MRCONSO"], ranks, report):
        if cui in styles:
            yield ConceptRecord(cui, name, names, styles[cui])
        else:
            report.drop("without a semantic type", cui)
    if "MRDEF" in files:
        for number, fields in _rows(files["MRDEF"], 8, report):
            if fields[6] in _SUPPRESSED:
                report.count("definitions left out: suppressible")
            elif not fields[5].strip():
                report.malformed(files["MRDEF"], number, "no text")
            else:
                yield ConceptRecord(fields[0], "", definition=fields[5])
    if "MRREL" in files:
        yield from _relations(files["MRREL"], report)


def _concepts(
    path: Path, ranks: dict[tuple[str, str], int], report: SourceReport
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(CUI, preferred name, other names) of each run of lines with the same CUI."""
    c = _MRCONSO
    for cui, rows in groupby(_rows(path, 17, report), key=lambda row: row[1][c["cui"]]):
        names: dict[str, tuple[bool, int]] = {}
        for number, fields in rows:
            text = fields[c["text"]]
            if fields[c["lat"]] != LANGUAGE:
                report.count("names left out: not English")
            elif fields[c["suppress"]] in _SUPPRESSED:
                report.count("names left out: suppressible")
            elif not text.strip():
                report.malformed(path, number, "a name is empty")
            else:
                preferred = (fields[c["ts"]], fields[c["stt"]], fields[c["ispref"]]) == ("P", "PF", "Y")
                score = (preferred, ranks.get((fields[c["sab"]], fields[c["tty"]]), 0))
                names[text] = max(score, names.get(text, (False, 0)))
        if names:
            name = max(names, key=lambda n: names[n])
            yield cui, name, tuple(n for n in names if n != name)


def _relations(path: Path, report: SourceReport) -> Iterator[ConceptRecord]:
    for _, fields in _rows(path, 15, report):
        first, rel, second, rela = fields[0], fields[3], fields[4], fields[7]
        if fields[14] in _SUPPRESSED:
            report.count("relations left out: suppressible")
        elif first == second:
            report.count("relations left out: of a concept to itself")
        elif rel == "SIB":
            report.count("relations left out: siblings")
        else:
            yield ConceptRecord(second, "", relations=((rela or rel, first),))


def _rows(path: Path, columns: int, report: SourceReport) -> Iterator[tuple[int, list[str]]]:
    for number, line in read_lines(path, report):
        fields = line.split("|")
        # each line ends with a bar
        if len(fields) < columns:
            report.malformed(path, number, f"{len(fields)} columns, expected {columns}")
        elif not fields[0]:
            report.malformed(path, number, "the first column is empty")
        else:
            yield number, fields


def _find(paths: list[Path]) -> dict[str, Path]:
    """The tables that are read, by name, folders opened. Raises KnowledgeBaseError where there are two of a name."""
    found: dict[str, Path] = {}
    for file in each_file(paths):
        name = file.name.split(".")[0]
        if name in _TABLES and ".RRF" in file.name and found.setdefault(name, file) != file:
            raise KnowledgeBaseError(
                f"There are two files {name}: {found[name]} and {file}. Of a table in parts, make one file (cat "
                f"{name}.RRF.a?.gz > {name}.RRF.gz); of others, leave one."
            )
    return found
