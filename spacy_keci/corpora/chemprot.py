"""ChemProt (BioCreative VI, https://biocreative.bioinformatics.udel.edu/tasks/biocreative-vi/track-5/) and DrugProt
(BioCreative VII, https://zenodo.org/records/5119892): a table of abstracts, one of entities, one of relations.

Offsets are characters, end exclusive, of title and abstract with one character between them, here a line break.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..files import files_in
from ..reports import Report
from .annotation import AnnotatedText
from .reading import is_damaged, shown, text_lines
from .standoff import StandoffText

# The file of DrugProt's training part is really called "abstracs".
_ABSTRACTS = re.compile(r"abstra(?:ct|c)s?\.tsv(?:\.gz)?$")
_ARGUMENT = re.compile(r"Arg[12]:(\S+)")
_GROUP = re.compile(r"CPR:\d+")


def read_chemprot(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The abstracts of a table, or of all tables of a folder and those below it, with the entities and relations of the
    tables beside it whose names differ only in ``abstracts``, ``entities`` and ``relations`` (or ``gold_standard``).

    Labels of relations are those of DrugProt, and the groups of ChemProt ("CPR:3"), whose finer labels are counted.
    """
    tables = files_in(path) if path.is_dir() else [path]
    tables = [table for table in tables if _ABSTRACTS.search(table.name.lower())]
    if not tables:
        raise ValueError(f"{path} is not ChemProt or DrugProt: there is no table of abstracts, ..._abstracts.tsv.")
    for table in tables:
        texts: dict[str, StandoffText] = {}
        for row in _rows(table, 3, report):
            id, title, abstract, *rest = row
            report.count("further columns of an abstract", len(rest))
            if id in texts:
                report.drop_text("abstract with an id that was there before", id)
            else:
                texts[id] = StandoffText(f"{title}\n{abstract}", id, report)
        for row in _rows(_beside(table, "entities"), 6, report):
            if not (row[3].isdecimal() and row[4].isdecimal()):
                report.drop("malformed row", shown("\t".join(row)))
            elif (text := _of(texts, row, report)) is not None:
                text.add_mention(row[1], [(int(row[3]), int(row[4]))], row[2], row[5])
        for row in _rows(_beside(table, "relations") or _beside(table, "gold_standard"), 4, report):
            ends = [found[1] for found in map(_ARGUMENT.fullmatch, row) if found]
            label = next((column for column in row[1:] if _GROUP.fullmatch(column)), row[1])
            if len(ends) != 2:
                report.drop("malformed row", shown("\t".join(row)))
            elif (text := _of(texts, row, report)) is not None:
                text.add_relation(ends[0], ends[1], label)
                others = [column for column in row[2:] if not _ARGUMENT.fullmatch(column)]
                report.drop_each("further column of a relation", row[0], others)
        for text in texts.values():
            yield text.build()


def _rows(table: Path | None, n_columns: int, report: Report) -> Iterator[list[str]]:
    for line in text_lines(table, report) if table is not None else ():
        row = line.split("\t")
        if len(row) >= n_columns and not is_damaged(line):
            yield row if n_columns == 3 else [column.strip() for column in row]
        elif line.strip():
            report.drop("malformed row", shown(line))


def _beside(table: Path, kind: str) -> Path | None:
    """The table whose name has ``kind`` in the place of ``abstracts``."""
    stem = _ABSTRACTS.sub("", table.name.lower())
    names = {f"{stem}{kind}.tsv{packed}" for packed in ("", ".gz")}
    return next((file for file in sorted(table.parent.iterdir()) if file.name.lower() in names), None)


def _of(texts: dict[str, StandoffText], row: list[str], report: Report) -> StandoffText | None:
    if row[0] not in texts:
        report.drop("row of a missing abstract", shown("\t".join(row)))
    return texts.get(row[0])
