"""OBO Graphs JSON (https://github.com/geneontology/obographs)."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ...identifiers import from_iri
from ..storage import KnowledgeBaseError
from .ontology import Term, to_records
from .record import ConceptRecord, SourceReport, TypeTable, read_text


def read_obographs(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Classes of all graphs of the files; what a term has is as for OBO files."""
    for path in paths:
        try:
            graphs = list(json.loads(read_text(path, report))["graphs"])
            for part in chain([graphs], (graph.get(key) or [] for graph in graphs for key in ("nodes", "edges"))):
                if not all(isinstance(each, dict) for each in part):
                    raise ValueError("graphs, nodes and edges are objects")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise KnowledgeBaseError(f"{path} is no OBO Graphs JSON: {error}") from None
        # the graphs after the first are what it imports
        version = (graphs[0].get("meta") or {}).get("version") if graphs else None
        if version:
            report.versions.append(version)
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
                        # what a graph refers to, it may name by its identifier alone
                        if not terms.setdefault(term.id, term).name:
                            terms[term.id] = term
                except (AttributeError, KeyError, TypeError):
                    report.drop("malformed", f"{path.name}: the node {json.dumps(node)[:80]}")
        for edge in edges:
            ends = [edge.get(end) or "" for end in ("sub", "pred", "obj")]
            if not all(isinstance(end, str) for end in ends):
                report.drop("malformed", f"{path.name}: the edge {json.dumps(edge)[:80]}")
                continue
            subject, predicate, target = from_iri(ends[0]), ends[1], from_iri(ends[2])
            if subject not in terms or not target:
                continue
            if predicate == "is_a":
                terms[subject].parents.append(target)
            else:
                terms[subject].relations.append((labels.get(predicate, from_iri(predicate)), target))
        yield from to_records(terms.values(), types, report)


def _to_term(node: dict[str, Any]) -> Term:
    """Raises AttributeError, KeyError or TypeError where it is not what the format says."""
    meta = node.get("meta") or {}
    term = Term(
        id=from_iri(node["id"]),
        name=node.get("lbl") or "",
        synonyms=[
            (s["val"], (s.get("pred") or "").removeprefix("has").removesuffix("Synonym").upper())
            for s in meta.get("synonyms") or []
            if s.get("val")
        ],
        definition=(meta.get("definition") or {}).get("val") or "",
        alt_ids=[
            p["val"]
            for p in meta.get("basicPropertyValues") or []
            if (p.get("pred") or "").endswith("hasAlternativeId")
        ],
        xrefs=[x["val"] for x in meta.get("xrefs") or [] if x.get("val")],
        obsolete=bool(meta.get("deprecated")),
    )
    names = (name for name, _ in term.synonyms)
    if not all(isinstance(text, str) for text in (term.name, term.definition, *names, *term.alt_ids, *term.xrefs)):
        raise TypeError("names, definitions and identifiers are strings")
    return term
