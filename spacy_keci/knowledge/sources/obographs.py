"""OBO Graphs JSON (https://github.com/geneontology/obographs)."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..storage import KnowledgeBaseError
from .ontology import Term, to_records
from .record import ConceptRecord, SourceReport, TypeTable, read_text

_PURL = re.compile(r".*[/#]([A-Za-z][A-Za-z0-9]*)[_:]([A-Za-z0-9-]+)$")


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
        edges: list[dict[str, str]] = []
        labels: dict[str, str] = {}
        for graph in graphs:
            edges += graph.get("edges") or []
            for node in graph.get("nodes") or []:
                if "id" not in node:
                    report.drop("malformed", f"{path.name}: a node without an id")
                elif node.get("type") == "PROPERTY":
                    labels[node["id"]] = node.get("lbl", _curie(node["id"])).replace(" ", "_")
                elif node.get("type", "CLASS") == "CLASS":
                    term = _to_term(node)
                    terms.setdefault(term.id, term)
        for edge in edges:
            subject, target = _curie(edge.get("sub", "")), _curie(edge.get("obj", ""))
            if subject not in terms or not target:
                continue
            if edge.get("pred") == "is_a":
                terms[subject].parents.append(target)
            else:
                predicate = edge.get("pred", "")
                terms[subject].relations.append((labels.get(predicate, _curie(predicate)), target))
        yield from to_records(terms.values(), types, report)


def _to_term(node: dict[str, Any]) -> Term:
    meta = node.get("meta") or {}
    properties = meta.get("basicPropertyValues", [])
    return Term(
        id=_curie(node["id"]),
        name=node.get("lbl") or "",
        synonyms=[
            (s["val"], s.get("pred", "").removeprefix("has").removesuffix("Synonym").upper())
            for s in meta.get("synonyms", [])
            if s.get("val")
        ],
        definition=(meta.get("definition") or {}).get("val") or "",
        alt_ids=[p["val"] for p in properties if p.get("pred", "").endswith("hasAlternativeId")],
        xrefs=[x["val"] for x in meta.get("xrefs", []) if x.get("val")],
        obsolete=bool(meta.get("deprecated")),
    )


def _curie(iri: str) -> str:
    """http://purl.obolibrary.org/obo/DOID_4 is DOID:4."""
    match = _PURL.match(iri)
    return f"{match[1]}:{match[2]}" if match else iri
