"""OBO flat files (format 1.2 and 1.4, https://owlcollab.github.io/oboformat/doc/obo-syntax.html).

Terms are read line by line and malformed lines skipped, because published files break the grammar: strict parsers
(fastobo, and pronto on top of it) refuse HPO, SO and FamPlex for one line each.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ...identifiers import from_iri
from ..semantic_types import TypeTable
from ..storage import KnowledgeBaseError
from .files import read_lines
from .ontology import Term, read_match, read_xref, to_records
from .source import ConceptRecord, SourceReport

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"(?<!\\)(?:^|\s)!")
_QUALIFIERS = re.compile(r"(?:^|\s)\{([^{}]*=[^{}]*)\}\s*$")
_QUALIFIER = re.compile(r'([\w:./#-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,"\s]+))')
_SCOPES = "EXACT|BROAD|NARROW|RELATED"
# a quoted text and what may follow it; some files do not escape the quotation marks within
_TEXT = r'"((?:[^"\\]|\\.)*)"\s*'
_END = r'(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\]\s*)?(?:\{[^{}]*\}\s*)?(?:!.*)?$'
_SYNONYM = re.compile(rf'{_TEXT}(?:({_SCOPES})\b[^"\[{{!]*)?{_END}', re.IGNORECASE)
_OPEN_SYNONYM = re.compile(rf'"(.*)"\s*({_SCOPES})\b[^"]*\[', re.IGNORECASE)
_DEFINITION = re.compile(_TEXT + _END)
_OPEN_DEFINITION = re.compile(r'"(.*)"\s*\[')
_DESCRIPTION = re.compile(r'\s".*')
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
            _read_header(tag, value, report)
        elif stanza == "Typedef":
            if tag == "id":
                typedef = value
            elif tag == "name":
                labels[typedef] = value.replace(" ", "_")
        elif stanza == "Term" and tag == "id":
            if id := _identifier(value):
                term = Term(id)
                terms.append(term)
            else:
                report.malformed(path, number, f"{value[:60]!r} is not an identifier: the term is left out")
                stanza = ""
        elif stanza == "Term" and term is None:
            report.malformed(path, number, f"{tag!r} before the term's id")
        elif stanza == "Term" and term is not None and not _add(term, tag, value):
            report.malformed(path, number, f"cannot read {line[:60]!r}")
    if not seen:
        raise KnowledgeBaseError(f"{path} holds no [Term]: is it an OBO file?")
    for term in terms:
        term.relations = [(labels.get(label, label), target) for label, target in term.relations]
    return terms


def _read_header(tag: str, value: str, report: SourceReport) -> None:
    if tag == "data-version":
        report.versions.append(value)
    elif tag == "property_value" and "license" in value.partition(" ")[0]:
        licence = value.partition(" ")[2]
        quoted = _STRING.match(licence)
        report.licences.append(quoted[0].strip('"') if quoted else licence.split(" ")[0])


def _add(term: Term, tag: str, value: str) -> bool:
    """Add one clause to the term; False if it cannot be read."""
    if tag == "name":
        term.name = _unescape(_split(value)[0])
    elif tag == "def":
        quoted = _DEFINITION.match(value) or _OPEN_DEFINITION.match(value)
        if quoted is None:
            return False
        term.definition = _unescape(quoted[1])
    elif tag == "synonym":
        quoted = _SYNONYM.match(value) or _OPEN_SYNONYM.match(value)
        if quoted is None:
            return False
        term.synonyms.append((_unescape(quoted[1]), (quoted[2] or "RELATED").upper()))
    elif tag == "xref":
        content, qualifiers = _split(value)
        stated = [text for key, text in qualifiers if key.endswith("source")]
        term.matches.append(read_xref(_unescape(_DESCRIPTION.sub("", content)), stated))
    elif tag == "property_value":
        predicate, _, target = _split(value)[0].partition(" ")
        term.matches += read_match(predicate, target.partition(" ")[0].strip('"'))
    elif tag in ("relationship", "has_part", "part_of"):
        label, _, target = value.partition(" ") if tag == "relationship" else (tag, "", value)
        if not (id := _identifier(target)):
            return False
        term.relations.append((label, id))
    elif tag in ("is_a", "inverse_is_a", "alt_id"):
        if not (id := _identifier(value)):
            return False
        # inverse_is_a is FamPlex's
        {"is_a": term.parents, "inverse_is_a": term.children, "alt_id": term.alt_ids}[tag].append(id)
    elif tag == "is_obsolete":
        term.obsolete = value.startswith("true")
    return True


def _identifier(value: str) -> str:
    """The identifier that a value is, without qualifiers and comment; "" if it is not one, but several words."""
    id = _unescape(_split(value)[0])
    if any(c.isspace() for c in id):
        return ""
    return from_iri(id) if id.startswith("http") else id


def _split(value: str) -> tuple[str, list[tuple[str, str]]]:
    """A value without trailing qualifiers and comment, and the qualifiers: ``ID {source="X"} ! comment``."""
    # strings may hold anything
    masked = _STRING.sub(lambda m: "x" * len(m[0]), value)
    if comment := _COMMENT.search(masked):
        masked = masked[: comment.start()].rstrip()
    qualifiers = _QUALIFIERS.search(masked)
    if qualifiers is None:
        return value[: len(masked)].strip(), []
    found = _QUALIFIER.findall(value[qualifiers.start() : len(masked)])
    return value[: qualifiers.start()].strip(), [(key, quoted or plain) for key, quoted, plain in found]


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), text) if "\\" in text else text
