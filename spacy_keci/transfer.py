"""Span graphs kept where spaCy loses them: ``Doc.from_docs``, ``Span.as_doc``, ``Doc.to_json`` and ``Doc.from_json``
copy the spans of a group, at best, and not its attributes, in which relations and scores live."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

USER_DATA = ("id", "group", "meta")
RENUMBERED = {"relations", "clusters", "interactions"}
# One value for each span, and what stands for a value that is not known.
PER_SPAN: dict[str, Any] = {"scores": 1.0, "attention": None}
ATTRS_KEY = "span_group_attrs"


def merge_docs(docs: Sequence[Doc], ensure_whitespace: bool = True) -> Doc:
    """``Doc.from_docs`` with relations, scores, clusters and interactions of all span groups.

    The id and the meta of a document, in its user data, are not taken over; its group is, if all documents have the
    same. Raises ValueError without documents, or if these do not share a vocabulary.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\[W102\]")  # of user data such as the id
        warnings.filterwarnings("ignore", r"\[W101\].*'trf_data'")  # which no merged text can have
        merged = Doc.from_docs(list(docs), ensure_whitespace=ensure_whitespace)
    if merged is None:
        raise ValueError("No documents to merge.")
    for key in merged.spans:
        _merge_attrs([doc.spans[key] for doc in docs if key in doc.spans], merged.spans[key].attrs)
    groups = {doc.user_data.get("group", "") for doc in docs}
    if len(groups) == 1 and groups != {""}:
        (merged.user_data["group"],) = groups
    return merged


def span_to_doc(span: Span) -> Doc:
    """``span.as_doc()`` with the spans of all groups that lie inside, their scores, clusters, and the relations and
    interactions among them, and with the document's id, group and meta. What reaches outside is left out."""
    doc, source = span.as_doc(), span.doc
    for key, group in source.spans.items():
        inside = {i: other for i, other in enumerate(group) if span.start <= other.start and other.end <= span.end}
        spans = [
            Span(doc, s.start - span.start, s.end - span.start, label=s.label, kb_id=s.kb_id, span_id=s.id)
            for s in inside.values()
        ]
        doc.spans[key] = SpanGroup(doc, name=key, attrs=_select_attrs(group.attrs, list(inside)), spans=spans)
    doc.user_data |= {key: source.user_data[key] for key in USER_DATA if key in source.user_data}
    return doc


def doc_to_json(doc: Doc, underscore: list[str] | None = None) -> dict[str, Any]:
    """``doc.to_json()`` with the attributes of all span groups, and the document's id, group and meta."""
    data = doc.to_json(underscore=underscore)
    data[ATTRS_KEY] = {key: copy.deepcopy(group.attrs) for key, group in doc.spans.items()}
    return data | {key: doc.user_data[key] for key in USER_DATA if key in doc.user_data}


def doc_from_json(vocab: Vocab, data: dict[str, Any]) -> Doc:
    """The document that :func:`doc_to_json` was given. JSON of ``doc.to_json()`` is read as well."""
    doc = Doc(vocab).from_json(data)
    for key, attrs in data.get(ATTRS_KEY, {}).items():
        doc.spans[key].attrs.update(copy.deepcopy(attrs))
    doc.user_data |= {key: data[key] for key in USER_DATA if key in data}
    return doc


def _merge_attrs(groups: Sequence[SpanGroup], merged: dict[str, Any]) -> None:
    """Attributes that any of the groups has. A group without relations counts as having none, one without scores as
    certain, one without clusters as having one for each mention; attributes of another kind are kept if all groups have
    the same."""
    names = {name for group in groups for name in group.attrs}
    for name in names - RENUMBERED - PER_SPAN.keys():
        if all(group.attrs.get(name) == groups[0].attrs.get(name) for group in groups):
            merged[name] = copy.deepcopy(groups[0].attrs[name])
    n_spans = n_clusters = 0
    for group in groups:
        relations = group.attrs.get("relations", [])
        clusters = group.attrs.get("clusters", [[i] for i in range(len(group))])
        interactions = group.attrs.get("interactions", [] if "clusters" in group.attrs else relations)
        shifted = {
            "relations": [[head + n_spans, tail + n_spans, *rest] for head, tail, *rest in relations],
            "clusters": [[i + n_spans for i in cluster] for cluster in clusters],
            "interactions": [[a + n_clusters, b + n_clusters, *rest] for a, b, *rest in interactions],
        }
        shifted |= {name: group.attrs.get(name, [default] * len(group)) for name, default in PER_SPAN.items()}
        for name in names & shifted.keys():
            merged.setdefault(name, []).extend(shifted[name])
        n_spans += len(group)
        n_clusters += len(clusters)


def _select_attrs(attrs: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """Attributes for the spans at the positions ``kept`` alone; clusters that lose all their mentions go."""
    spans = {old: new for new, old in enumerate(kept)}
    reduced = [[spans[i] for i in cluster if i in spans] for cluster in attrs.get("clusters", [])]
    clusters = {old: new for new, old in enumerate(i for i, cluster in enumerate(reduced) if cluster)}
    selected = {
        "relations": _renumber(attrs.get("relations", []), spans),
        **{name: [attrs[name][i] for i in kept] for name in PER_SPAN.keys() & attrs.keys()},
        "clusters": [reduced[i] for i in clusters],
        "interactions": _renumber(attrs.get("interactions", []), clusters),
    }
    return {name: selected.get(name, copy.deepcopy(value)) for name, value in attrs.items()}


def _renumber(rows: Sequence[Sequence[Any]], numbers: dict[int, int]) -> list[list[Any]]:
    return [[numbers[a], numbers[b], *rest] for a, b, *rest in rows if a in numbers and b in numbers]
