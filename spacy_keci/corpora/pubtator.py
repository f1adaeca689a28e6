"""PubTator (https://www.ncbi.nlm.nih.gov/research/pubtator/), as BioRED and BC5CDR use it.

A document is its title (``id|t|...``), its abstract (``id|a|...``), and lines with tabs between their columns: mentions
(id, start, end, text, type, identifiers) and relations between identifiers (id, label, identifier, identifier, and in
BioRED their novelty).
Offsets are characters, end exclusive, of title and abstract with one character between them, here a line break.
Relations hold between concepts: see :mod:`spacy_keci.corpora.clusters`.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from ..identifiers import UNLINKED, identifiers, linked
from ..reports import Report
from .annotation import AnnotatedText, with_ids
from .clusters import ConceptRelation, concept_relations, relate_concepts
from .reading import is_damaged, shown, text_lines
from .standoff import StandoffText

_TEXT = re.compile(r"([^|\t]+)\|([ta])\|(.*)")


def read_pubtator(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The documents of a file. Lines that are none of the above, belong to another document, or are not UTF-8 are left
    out and counted. So are documents whose title or abstract is not UTF-8, and further columns."""
    document: list[str] = []
    lines = text_lines(path, report)
    if any(line.strip() for line in lines) and not any(_is_title(line) for line in lines):
        raise ValueError(f"{path} is not PubTator: no line begins with an id and |t|.")
    for number, line in enumerate(lines, start=1):
        if _is_title(line) and document:
            yield from _parse(document, report)
            document = []
        if document or _is_title(line):
            document.append(line)
        elif line.strip():
            report.drop("line before the first title", f"line {number}")
    if document:
        yield from _parse(document, report)


def write_pubtator(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """The first line break of a text divides title and abstract, others become spaces. Interactions between clusters
    that have an identifier are written as they are, other relations as relations between the identifiers of head and
    tail; without these they are dropped and counted. A text without an id gets a number."""
    with path.open("w", encoding="utf8", newline="\n") as file:
        for text in with_ids(texts):
            file.write("\n".join(_format(text, report)) + "\n\n")


def _is_title(line: str) -> bool:
    found = _TEXT.match(line)
    return found is not None and found[2] == "t"


def _parse(lines: list[str], report: Report) -> Iterator[AnnotatedText]:
    id, _, title = lines[0].split("|", 2)
    abstract = [line.split("|", 2)[2] for line in lines if line.startswith(f"{id}|a|")]
    if any(map(is_damaged, (lines[0], *abstract[:1]))):
        report.drop_text("text that is not UTF-8", shown(lines[0]))
        return
    report.count("texts without an abstract", int(not abstract))
    text = StandoffText("\n".join([title, *(a for a in abstract[:1] if a)]), id, report)
    relations = []
    for line in lines[1:]:
        if not line.strip() or (abstract and line == f"{id}|a|{abstract[0]}"):
            continue
        columns = line.split("\t")
        if is_damaged(line) or columns[0] != id:
            report.drop("malformed line", f"{id}: {shown(line)}")
        elif len(columns) >= 5 and _is_number(columns[1]) and _is_number(columns[2]):
            start, end, surface, label, *rest = columns[1:]
            kb_id = linked(rest[0]) if rest else ""
            text.add_mention(f"{start}-{end}", [(int(start), int(end))], label.strip(), surface, kb_id)
            report.drop_each("further column of a mention", id, (column for column in rest[1:] if column.strip()))
        elif len(columns) >= 4 and not _is_number(columns[1]):
            label, head, tail, *rest = (column.strip() for column in columns[1:])
            relations.append(ConceptRelation(head, tail, label, novelty=rest[0] if rest else ""))
            report.drop_each("further column of a relation", id, filter(None, rest[1:]))
        else:
            report.drop("malformed line", f"{id}: {shown(line)}")
    yield relate_concepts(text.build(), relations, report)


def _is_number(column: str) -> bool:
    return column.isascii() and column.removeprefix("-").isdigit() and len(column) < 16


def _format(text: AnnotatedText, report: Report) -> list[str]:
    title, _, abstract = text.text.partition("\n")
    if "\n" in abstract or "\r" in text.text or (not abstract and text.text.endswith("\n")):
        report.drop("line breaks, of which PubTator has one between title and abstract", repr(text.id))
    id = re.sub(r"[|\s]", "_", text.id)
    if id != text.id:
        report.count("identifiers in which blanks and bars became '_', as PubTator has no place for them")
    lines = [f"{id}|t|{_one_line(title)}", f"{id}|a|{_one_line(abstract)}"]
    for m in text.mentions:
        words = (text.words(m), m.label, m.kb_id or UNLINKED)
        lines.append("\t".join([id, str(m.start), str(m.end), *map(_one_column, words)]))
    stated, others = concept_relations(text)
    relations: dict[tuple[str, ...], None] = {}
    for each in stated:
        columns = (each.label, each.head, each.tail)
        relations[(*columns, each.novelty) if each.novelty else columns] = None
    for head, tail, label, _ in others:
        ends = [identifiers(text.mentions[i].kb_id) for i in (head, tail)]
        if not all(ends):
            report.drop("relation of a mention without an identifier", f"{id}: {label}")
        else:
            report.count("relations between mentions, written as relations between their concepts")
            relations |= dict.fromkeys((label, a, b) for a, b in product(*ends))
    return lines + ["\t".join([id, *map(_one_column, relation)]) for relation in relations]


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]", " ", text)


def _one_column(text: str) -> str:
    return re.sub(r"[\r\n\t]", " ", text)
