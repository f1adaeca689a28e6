"""OBO Graphs JSON (https://github.com/geneontology/obographs)."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ...identifiers import from_iri
from ..semantic_types import TypeTable
from ..storage import KnowledgeBaseError
from .files import read_text
from .ontology import Term, read_match, read_xref, to_records
from .source import ConceptRecord, SourceReport


def read_obographs(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Classes of all graphs of the files, with the same parts as the terms of OBO files."""
    for path in paths:
        text = read_text(path, report)
        try:
            graphs = list(json.loads(text)["graphs"])
            for part in chain([graphs], (graph.get(key) or [] for graph in graphs for key in ("nodes", "edges"))):
                if not all(isinstance(each, dict) for each in part):
                    raise ValueError("graphs, nodes and edges are objects")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise KnowledgeBaseError(f"{path} is not OBO Graphs JSON: {error}") from None
        if graphs:  # those after the first are imports
            _read_header(graphs[0].get("meta"), report)
        terms: dict[str, Term] = {}
        edges: list[dict[str, Any]] = []
        labels: dict[str, str] = {}
        for graph in graphs:
            edges += graph.get("edges") or []
            for node in graph.get("nodes") or []:
                try:
                    if node.get("type") == "PROPERTY":
                        labels[node["id"]] = (node.get("lbl") or from_iri(node["id"])).replace(" ", "_")
                    elif (node.get("type") or "CLASS") == "CLASS":
                        term = _to_term(node)
                        # of a term that it refers to, a graph may have only the identifier
                        if not terms.setdefault(term.id, term).name:
                            terms[term.id] = term
                        elif term.name and terms[term.id] is not term:
                            report.drop("identifier that was there before", term.id)
                except (AttributeError, KeyError, TypeError, ValueError):
                    report.drop("malformed", f"{path.name}: the node {json.dumps(node)[:80]}")
        for edge in edges:
            ends = [edge.get(end) or "" for end in ("sub", "pred", "obj")]
            if not all(isinstance(end, str) for end in ends):
                report.drop("malformed", f"{path.name}: the edge {json.dumps(edge)[:80]}")
                continue
            subject, predicate, target = from_iri(ends[0]), ends[1], from_iri(ends[2])
            if subject not in terms or not target:
                report.count("edges left out: not from a class to something")
            elif predicate == "is_a":
                terms[subject].parents.append(target)
            else:
                terms[subject].relations.append((labels.get(predicate, from_iri(predicate)), target))
        yield from to_records(terms.values(), types, report)


def _read_header(meta: Any, report: SourceReport) -> None:
    if not isinstance(meta, dict):
        return
    if isinstance(meta.get("version"), str):
        report.versions.append(meta["version"])
    properties = [p for p in meta.get("basicPropertyValues") or [] if isinstance(p, dict)]
    report.licences += [str(p.get("val")) for p in properties if str(p.get("pred")).endswith("license")]


def _to_term(node: dict[str, Any]) -> Term:
    """Raises AttributeError, KeyError, TypeError or ValueError where it is not what the format says."""
    meta = node.get("meta") or {}
    properties = [(p.get("pred") or "", p.get("val") or "") for p in meta.get("basicPropertyValues") or []]
    synonyms = [
        (s["val"], (s.get("pred") or "").removeprefix("has").removesuffix("Synonym").upper())
        for s in meta.get("synonyms") or []
        if s.get("val")
    ]
    term = Term(
        id=from_iri(node["id"]),
        name=node.get("lbl") or "",
        synonyms=synonyms,
        definition=(meta.get("definition") or {}).get("val") or "",
        alt_ids=[value for predicate, value in properties if predicate.endswith("hasAlternativeId")],
        matches=[read_xref(x["val"], _sources(x)) for x in meta.get("xrefs") or [] if x.get("val")],
        obsolete=bool(meta.get("deprecated")),
    )
    for predicate, value in properties:
        term.matches += read_match(predicate, value)
    texts = [term.id, term.name, term.definition, *term.alt_ids]
    texts += [name for name, _ in synonyms] + [id for _, id in term.matches]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("names, definitions and identifiers are strings")
    "".join(texts).encode()  # half of a surrogate pair, which JSON may hold, is a ValueError
    return term


def _sources(xref: dict[str, Any]) -> list[str]:
    """What a file gives as the sources of a cross reference."""
    properties = (xref.get("meta") or {}).get("basicPropertyValues") or []
    stated = [p.get("val") for p in properties if (p.get("pred") or "").endswith("source")]
    return [source for source in (*stated, *(xref.get("xrefs") or [])) if isinstance(source, str)]
