"""OBO flat files (format 1.2 and 1.4, https://owlcollab.github.io/oboformat/doc/obo-syntax.html).

Terms are read line by line and malformed lines skipped, because published files break the grammar: strict parsers
(fastobo, and pronto on top of it) refuse HPO, SO and FamPlex for one line each.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ...identifiers import from_iri
from ..storage import KnowledgeBaseError
from .ontology import Term, to_records
from .record import ConceptRecord, SourceReport, TypeTable, read_lines

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(\w+)?')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": " ", "t": " ", "W": " "}


def read_obo(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Terms of OBO files with names, synonyms, definitions, is_a, relationships, alternative identifiers and xrefs.

    Obsolete terms, and broad synonyms, are dropped and counted.
    """
    for path in paths:
        yield from to_records(_read_terms(path, report), types, report)


def _read_terms(path: Path, report: SourceReport) -> list[Term]:
    terms: list[Term] = []
    labels: dict[str, str] = {}
    term: Term | None = None
    stanza, typedef, seen = "", "", False
    for number, line in read_lines(path, report):
        line = line.strip()
        if not line or line.startswith("!"):
            continue
        if line.startswith("["):
            stanza, term, seen = line[1:].partition("]")[0], None, True
            continue
        tag, colon, value = line.partition(":")
        value = value.strip()
        if not colon:
            report.malformed(path, number, f"no tag in {line[:60]!r}")
        elif not stanza:
            if tag == "data-version":
                report.versions.append(value)
        elif stanza == "Typedef":
            if tag == "id":
                typedef = value
            elif tag == "name":
                labels[typedef] = value.replace(" ", "_")
        elif stanza == "Term":
            if tag == "id":
                term = Term(_identifier(value))
                terms.append(term)
            elif term is None:
                report.malformed(path, number, f"{tag!r} before the term's id")
            elif not _add(term, tag, value):
                report.malformed(path, number, f"cannot read {line[:60]!r}")
    if not seen:
        raise KnowledgeBaseError(f"{path} holds no [Term]: is it an OBO file?")
    for term in terms:
        term.relations = [(labels.get(label, label), target) for label, target in term.relations]
    return terms


def _add(term: Term, tag: str, value: str) -> bool:
    """Add one clause to the term; False if it cannot be read."""
    if tag == "name":
        term.name = _plain(value)
    elif tag in ("def", "synonym"):
        quoted = _QUOTED.match(value)
        if quoted is None:
            return False
        text = _unescape(quoted[1])
        if tag == "def":
            term.definition = text
        else:
            term.synonyms.append((text, (quoted[2] or "RELATED").upper()))
    elif tag == "is_a":
        term.parents.append(_identifier(value))
    elif tag == "inverse_is_a":  # FamPlex
        term.children.append(_identifier(value))
    elif tag in ("relationship", "has_part", "part_of"):
        label, _, target = value.partition(" ") if tag == "relationship" else (tag, "", value)
        if not target:
            return False
        term.relations.append((label, _identifier(target)))
    elif tag == "alt_id":
        term.alt_ids.append(_identifier(value))
    elif tag == "xref":
        term.xrefs.append(_identifier(value))
    elif tag == "is_obsolete":
        term.obsolete = value.startswith("true")
    return True


def _identifier(value: str) -> str:
    id = _unescape(_plain(value).split(" ", 1)[0])
    return from_iri(id) if id.startswith("http") else id


def _plain(value: str) -> str:
    """Without trailing modifiers and comment."""
    value = re.split(r"(?<!\\)\s+[!{]", value, maxsplit=1)[0]
    return _unescape(value).strip()


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), text) if "\\" in text else text
