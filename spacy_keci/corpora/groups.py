"""What each text was taken from, for corpora whose texts do not say so."""

from pathlib import Path

from ..files import without_gz
from .reading import is_damaged, text_lines


def read_groups(path: Path) -> dict[str, str]:
    """Groups by the id of a text.

    From ``DRUG-AE.rel`` of the ADE corpus (Gurulingappa et al. 2012, https://doi.org/10.1016/j.jbi.2012.04.008), which
    has a PubMed id, a sentence and a drug-effect pair in each line: ``orig_id`` in SpERT's JSON of ADE counts its
    different sentences from 0, in the order of their first lines; the same words in two papers are two sentences.
    From any other file: an id and a group in each line, with a tab between them.

    Raises ValueError for a line of another form or, in such a file, not in UTF-8, and for a text with two groups.
    """
    is_ade = without_gz(path).suffix.lower() == ".rel"
    separator, columns = ("|", 8) if is_ade else ("\t", 2)
    rows = []
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            rows.append(line.split(separator))
            if len(rows[-1]) != columns:
                raise ValueError(f"{path}, line {number}: expected {columns} columns with {separator!r} between them.")
            if not is_ade and is_damaged(line):
                raise ValueError(f"{path}, line {number}: not UTF-8. Convert it, for example with iconv.")
    if not is_ade:
        groups: dict[str, str] = {}
        for id, group in rows:
            if groups.setdefault(id, group) != group:
                raise ValueError(f"{path} has two groups for the text {id!r}: {groups[id]!r} and {group!r}.")
        return groups
    sentences = dict.fromkeys((row[0], row[1]) for row in rows)
    return {str(orig_id): pubmed_id for orig_id, (pubmed_id, _) in enumerate(sentences)}
