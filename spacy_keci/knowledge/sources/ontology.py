"""Terms of an ontology, whatever its file format: semantic types come from the branch, through is_a."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...identifiers import canonical_id, from_iri, vocabulary_of
from ..semantic_types import TypeTable
from .source import ConceptRecord, SourceReport

# What a reference to a term of another vocabulary says of the two (SKOS, https://www.w3.org/TR/skos-reference/#mapping);
# XREF says nothing, and SEE_ALSO is one of a file that says of other references that they are exact.
XREF, EXACT, SEE_ALSO = "xref", "exact_match", "see_also"
_SKOS = {
    "exactMatch": EXACT,
    "closeMatch": "close_match",
    "broadMatch": "broad_match",
    "narrowMatch": "narrow_match",
    "relatedMatch": "related_match",
}
# what a match says the other way round, where that is not the same
INVERSE = {"broad_match": "narrow_match", "narrow_match": "broad_match"}
# How Mondo and Orphanet qualify references; their other qualifiers do not mean equivalence
_MONDO = {"equivalentto": EXACT, "mondoisnarrowerthansource": "broad_match", "mondoisbroaderthansource": "narrow_match"}
_ORPHANET = {"e": EXACT, "ntbt": "broad_match", "btnt": "narrow_match"}
_ORPHANET_SOURCE = re.compile(r"(?:Orphanet|ORDO|ORPHA):\w+/(\w+)")
_SKOS_SOURCE = re.compile(r"(?:skos:|https?://www\.w3\.org/2004/02/skos/core#)(\w+)")
# not what holds a quoted description, a second identifier after a comma, or a control character
_IDENTIFIER = re.compile(r'[A-Za-z][\w .-]*:[^\s"](?:(?!\s"|[,;]\s*[A-Za-z][\w.-]*:)[^\x00-\x1f\x7f])*')


@dataclass
class Term:
    id: str
    name: str = ""
    synonyms: list[tuple[str, str]] = field(default_factory=list)  # (name, scope)
    definition: str = ""
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)  # where the file names them
    relations: list[tuple[str, str]] = field(default_factory=list)
    alt_ids: list[str] = field(default_factory=list)
    # (what a reference says, identifier); the identifier is empty where there is none
    matches: list[tuple[str, str]] = field(default_factory=list)
    obsolete: bool = False


def read_xref(text: str, sources: Iterable[str]) -> tuple[str, str]:
    """A cross reference, and what the sources that its file gives for it say of it: ``MONDO:equivalentTo``,
    ``skos:narrowMatch``."""
    sources = list(sources)
    mondo = [_MONDO.get(s.removeprefix("MONDO:").lower(), "related_match") for s in sources if s.startswith("MONDO:")]
    orphanet = [_ORPHANET.get(m[1].lower(), "related_match") for s in sources if (m := _ORPHANET_SOURCE.match(s))]
    skos = [_SKOS.get(m[1], "related_match") for s in sources if (m := _SKOS_SOURCE.match(s))]
    stated = mondo or skos or orphanet or [XREF]
    return EXACT if EXACT in stated else stated[0], read_reference(text)


def read_match(predicate: str, target: str) -> list[tuple[str, str]]:
    """A property of a term, if it is one of SKOS's matches: ``skos:exactMatch``."""
    label = _SKOS.get(re.split("[:#/]", predicate)[-1])
    return [(label, read_reference(target))] if label else []


def read_reference(text: str) -> str:
    """The identifier PREFIX:LOCAL that a text is; both may have blanks. Empty if it is not one."""
    id = from_iri(text.strip())
    prefix, _, local = id.partition(":")
    if local.startswith('"') and local.endswith('"'):  # BEL:"9-1-1 Complex"
        id = f"{prefix}:{local[1:-1]}"
    return canonical_id(id) if _IDENTIFIER.fullmatch(id) else ""


def to_records(terms: Iterable[Term], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Records of the terms that are in use, have a name, and stand in a branch that has a semantic type."""
    by_id: dict[str, Term] = {}
    for term in terms:
        if by_id.setdefault(term.id, term) is not term:
            report.drop("identifier that was there before", term.id)
    _cut_cycles(by_id, report)
    says_exact = {vocabulary_of(id) for term in by_id.values() for label, id in term.matches if label == EXACT}
    for term in by_id.values():
        tuis = branch_types(term.id, by_id, types)
        if term.obsolete:
            report.drop("obsolete", term.id)
        elif not term.name:
            report.drop("without a name", term.id)
        elif not tuis:
            report.drop("in no branch of the table of semantic types", term.id)
        else:
            names = [name for name, scope in term.synonyms if scope != "BROAD"]
            report.count("broad synonyms left out", len(term.synonyms) - len(names))
            relations = [("is_a", parent) for parent in term.parents]
            relations += term.relations
            inexact = {id for label, id in term.matches if label not in (XREF, EXACT)}
            for label, id in term.matches:
                if not id:
                    report.drop("cross reference that is not an identifier", term.id)
                elif label != XREF or id not in inexact:  # what the file says elsewhere of the two counts
                    relations.append((SEE_ALSO if label == XREF and vocabulary_of(id) in says_exact else label, id))
            yield ConceptRecord(
                term.id,
                term.name,
                tuple(names),
                tuis,
                term.definition,
                tuple(dict.fromkeys(relations)),
                tuple(term.alt_ids),
            )
            yield from (ConceptRecord(child, "", relations=(("is_a", term.id),)) for child in term.children)


def branch_types(concept: str, terms: dict[str, Term], types: TypeTable) -> tuple[str, ...]:
    """Semantic types of the nearest ancestors in the table, else of the vocabulary."""
    seen, level = {concept}, [concept]
    while level:
        found = tuple(dict.fromkeys(tui for each in level for tui in types.get(each)))
        if found:
            return found
        level = [p for each in level if each in terms for p in terms[each].parents if not (p in seen or seen.add(p))]  # type: ignore[func-returns-value]
    return types.vocabulary(concept)


def _cut_cycles(terms: dict[str, Term], report: SourceReport) -> None:
    """Remove the is_a edges that close a cycle, on the way up from each term."""
    is_done: dict[str, bool] = {}  # False: on the way
    for start in terms:
        stack = [] if start in is_done else [(start, iter(list(terms[start].parents)))]
        while stack:
            id, parents = stack[-1]
            is_done[id] = False
            for parent in parents:
                if is_done.get(parent) is False:
                    terms[id].parents.remove(parent)
                    report.drop("is_a that closes a cycle", f"{id} is_a {parent}")
                elif parent in terms and parent not in is_done:
                    stack.append((parent, iter(list(terms[parent].parents))))
                    break
            else:
                is_done[id] = True
                stack.pop()
