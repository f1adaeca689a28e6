"""Terms of an ontology, whatever its file format: semantic types come from the branch, through is_a."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...identifiers import canonical_id
from .record import ConceptRecord, SourceReport, TypeTable


@dataclass
class Term:
    id: str
    name: str = ""
    synonyms: list[tuple[str, str]] = field(default_factory=list)  # (name, scope)
    definition: str = ""
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)  # where these are told from above
    relations: list[tuple[str, str]] = field(default_factory=list)
    alt_ids: list[str] = field(default_factory=list)
    xrefs: list[str] = field(default_factory=list)
    obsolete: bool = False


def to_records(terms: Iterable[Term], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Records of the terms that are in use, have a name, and stand in a branch that has a semantic type."""
    by_id: dict[str, Term] = {}
    for term in terms:
        if by_id.setdefault(term.id, term) is not term:
            report.drop("identifier that was there before", term.id)
    _cut_cycles(by_id, report)
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
            relations += term.relations + [("xref", canonical_id(xref)) for xref in term.xrefs]
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
    """Remove the is_a edges that lie on a cycle (those left when terms without parents are taken away in turn)."""
    children: dict[str, list[str]] = {}
    waiting: dict[str, int] = {}
    for term in terms.values():
        parents = [p for p in term.parents if p in terms]
        waiting[term.id] = len(parents)
        for parent in parents:
            children.setdefault(parent, []).append(term.id)
    free = deque(id for id, n in waiting.items() if n == 0)
    while free:
        for child in children.get(free.popleft(), ()):
            waiting[child] -= 1
            if waiting[child] == 0:
                free.append(child)
    # what is left lies on a cycle or below one; walk up to find the edges that close it
    left = {id: None for id, n in waiting.items() if n > 0}  # in order, as which edge goes depends on it
    state: dict[str, int] = {}
    for start in left:
        stack = [(start, iter(list(terms[start].parents)))]
        if state.get(start):
            continue
        state[start] = 1
        while stack:
            id, parents_left = stack[-1]
            for parent in parents_left:
                if parent not in left:
                    continue
                if state.get(parent) == 1:
                    terms[id].parents.remove(parent)
                    report.drop("is_a that closes a cycle", f"{id} is_a {parent}")
                elif not state.get(parent):
                    state[parent] = 1
                    stack.append((parent, iter(list(terms[parent].parents))))
                    break
            else:
                state[id] = 2
                stack.pop()
