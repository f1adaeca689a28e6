"""Change documents and keep their span graphs: remove and add mentions; merge, cut and store documents.

``Doc.from_docs``, ``Span.as_doc``, ``Doc.to_json`` and ``Doc.from_json`` copy the spans of a group, at best, and not
its attributes, in which relations and scores live.
"""

import copy
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import filter_spans
from spacy.vocab import Vocab

from .span_groups import (
    MEMBERS,
    PER_MENTION,
    PER_RELATION,
    SPANS_KEY,
    Member,
    Row,
    checked_spans,
    edited,
    group_of,
    is_intact,
    members_of,
    offsets_of,
    per_mention,
    read_spans,
    set_span_graph,
    stored_values,
)

USER_DATA = ("id", "group", "meta")
RENUMBERED = {"relations", "clusters", "cluster_ids", "interactions", *PER_RELATION}
ATTRS_KEY = "span_group_attrs"


def select_mentions(doc: Doc, keep: Callable[[Span], bool] | Iterable[Span], spans_key: str = SPANS_KEY) -> SpanGroup:
    """Keep some mentions of ``doc.spans[spans_key]``, with their scores, attention and clusters and the relations and
    interactions among them. What refers to other mentions is removed. Returns the new group.

    keep: a function that says whether a mention stays; or the mentions that stay, in their new order. Spans that were
        not in the group are added to it, without relations. After an edit, ``select_mentions(doc,
        doc.spans["entities"])`` keeps what is still valid.
    Raises ValueError if there is no such group, or if it was edited and has no record of its mentions (``members``).
    """
    group = group_of(doc, spans_key)
    spans = read_spans(group)
    kept: list[int | None]
    if callable(keep):
        checked_spans(group)
        kept = [i for i, span in enumerate(spans) if keep(span)]
        wanted = [spans[i] for i in kept if i is not None]
    else:
        wanted = list(keep)
        if is_intact(group, spans):
            kept = _find(members_of(spans), wanted)
        elif MEMBERS in group.attrs:
            kept = _find(group.attrs[MEMBERS], wanted)
        else:
            raise ValueError(edited(group, spans))
    return _set_attrs(doc, spans_key, wanted, _select_attrs(group.attrs, kept))


def add_mentions(
    doc: Doc, spans: Iterable[Span], spans_key: str = SPANS_KEY, *, scores: Sequence[float] | None = None
) -> SpanGroup:
    """Append mentions to ``doc.spans[spans_key]``, which is created if it is missing, and keep the data of the others.
    Returns the new group; relations of new mentions can be set with :func:`spacy_keci.set_relations`.

    scores: probabilities of the new mentions; default: 1.
    Raises ValueError if there is not one score for each of them, or the group was edited.
    """
    group = doc.spans[spans_key] if spans_key in doc.spans else SpanGroup(doc, name=spans_key)
    old, new = checked_spans(group), list(spans)
    if scores is not None and len(scores) != len(new):
        raise ValueError(f"There are {len(scores)} scores for {len(new)} mentions.")
    attrs = _select_attrs(group.attrs, [*range(len(old)), *[None] * len(new)])
    if scores is not None:
        attrs["scores"] = [*per_mention(group, "scores", 1.0), *map(float, scores)]
    return _set_attrs(doc, spans_key, [*old, *new], attrs)


def set_ents(doc: Doc, spans_key: str = SPANS_KEY) -> None:
    """Write the longest mentions of ``doc.spans[spans_key]`` that do not overlap to ``doc.ents``, for tools that read
    only these; of two that overlap and are equally long, the first. What ``doc.ents`` held is replaced.

    Raises ValueError if there is no such group.
    """
    doc.set_ents(filter_spans(checked_spans(group_of(doc, spans_key))))


DocOrSpan = TypeVar("DocOrSpan", Doc, Doc | Span)


def each_doc(
    docs: DocOrSpan | Iterable[DocOrSpan], kinds: tuple[type[Doc] | type[Span], ...] = (Doc,)
) -> Iterator[DocOrSpan]:
    """The documents, for functions that take one or many of these ``kinds``. Raises TypeError for anything else, such
    as a text."""
    several: Any = docs if isinstance(docs, Iterable) and not isinstance(docs, Doc | Span | str) else [docs]
    for doc in several:
        if not isinstance(doc, kinds):
            shown = f"the {type(doc).__name__} {doc!r:.60}"
            way = "span_to_doc(span)" if isinstance(doc, Span) else "nlp(text) or nlp.pipe(texts)"
            raise TypeError(f"Expected a Doc, or several, but got {shown}: call {way} first.")
        yield doc  # type: ignore[misc]


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
    for key in list(merged.spans):
        groups = [doc.spans[key] for doc in docs if key in doc.spans]
        attrs = _merge_attrs(groups, [len(checked_spans(group)) for group in groups])
        _set_attrs(merged, key, list(merged.spans[key]), attrs)
    papers = {doc.user_data.get("group", "") for doc in docs}
    if len(papers) == 1 and papers != {""}:
        (merged.user_data["group"],) = papers
    return merged


def span_to_doc(span: Span) -> Doc:
    """``span.as_doc()`` with the spans of all groups that lie inside, their scores, clusters, and the relations and
    interactions among them, and with the document's id, group and meta. What reaches outside is left out."""
    doc, source = span.as_doc(), span.doc
    for key, group in source.spans.items():
        inside = {
            i: other
            for i, other in enumerate(checked_spans(group))
            if span.start <= other.start and other.end <= span.end
        }
        spans = [
            Span(doc, s.start - span.start, s.end - span.start, label=s.label, kb_id=s.kb_id, span_id=s.id)
            for s in inside.values()
        ]
        _set_attrs(doc, key, spans, _select_attrs(group.attrs, list(inside)))
    doc.user_data |= identity_of(source)
    return doc


def identity_of(doc: Doc) -> dict[str, Any]:
    """What the user data of a document say of where it comes from: its id, group and meta."""
    return {key: doc.user_data[key] for key in USER_DATA if key in doc.user_data}


def id_text(id: object) -> str:
    """An identifier as text, empty where there is none; some files count from 0. A whole number has no point: pandas
    makes floats of integers, and NaN of None, where some of a column are missing."""
    if isinstance(id, float) and not id.is_integer():
        return "" if math.isnan(id) else str(id)
    return "" if id is None else str(int(id) if isinstance(id, float) else id)


def doc_to_json(doc: Doc, underscore: list[str] | None = None) -> dict[str, Any]:
    """``doc.to_json()`` with the attributes of all span groups, and the document's id, group and meta."""
    data = doc.to_json(underscore=underscore)
    data[ATTRS_KEY] = {
        key: copy.deepcopy(group.attrs | {n: stored_values(group.attrs, n) for n in PER_MENTION if n in group.attrs})
        for key, group in doc.spans.items()
    }
    return data | identity_of(doc)


def doc_from_json(vocab: Vocab, data: dict[str, Any]) -> Doc:
    """The document that :func:`doc_to_json` was given. JSON of ``doc.to_json()`` is read as well."""
    doc = Doc(vocab).from_json(data)
    for key, attrs in data.get(ATTRS_KEY, {}).items():
        doc.spans[key].attrs.update(copy.deepcopy(attrs))
    doc.user_data |= {key: data[key] for key in USER_DATA if key in data}
    return doc


def _merge_attrs(groups: Sequence[SpanGroup], sizes: Sequence[int]) -> dict[str, Any]:
    """Attributes that any of the groups has. A group without relations counts as having none, one without scores as
    certain, one without clusters as having one for each mention. A label without direction in one of the groups has
    none in the merged one. Attributes of another kind are kept if all groups have the same."""
    names = {name for group in groups for name in group.attrs} - {MEMBERS}
    merged: dict[str, Any] = {}
    for name in names - RENUMBERED - PER_MENTION.keys() - {"symmetric"}:
        if all(group.attrs.get(name) == groups[0].attrs.get(name) for group in groups):
            merged[name] = copy.deepcopy(groups[0].attrs[name])
    if "symmetric" in names:
        merged["symmetric"] = sorted({label for group in groups for label in group.attrs.get("symmetric", ())})
    n_spans = n_clusters = 0
    for group, size in zip(groups, sizes, strict=True):
        relations = group.attrs.get("relations", [])
        clusters = group.attrs.get("clusters", [[i] for i in range(size)])
        interactions = group.attrs.get("interactions", [] if "clusters" in group.attrs else relations)
        shifted = {
            "relations": _shift(relations, n_spans),
            "clusters": [[i + n_spans for i in cluster] for cluster in clusters],
            "cluster_ids": group.attrs.get("cluster_ids", [""] * len(clusters)),
            "interactions": [
                [*row[:5], *(_shift(evidence, n_spans) for evidence in row[5:6])]
                for row in _shift(interactions, n_clusters)
            ],
        }
        shifted |= {name: per_mention(group, name, value) for name, value in PER_MENTION.items()}
        shifted |= {name: _shift(group.attrs.get(name, []), n_spans) for name in PER_RELATION}
        for name in names & shifted.keys():
            merged.setdefault(name, []).extend(shifted[name])
        n_spans += size
        n_clusters += len(clusters)
    return merged


def _shift(rows: Iterable[Sequence[Any]], by: int) -> list[Row]:
    return [[a + by, b + by, *rest] for a, b, *rest in rows]


def _select_attrs(attrs: dict[str, Any], kept: Sequence[int | None]) -> dict[str, Any]:
    """Attributes of a group for the mentions at the positions ``kept`` alone, in this order; None stands for a mention
    that is new, and in a cluster of its own. Clusters that lose all their mentions go, with their interactions."""
    spans = {old: new for new, old in enumerate(kept) if old is not None}
    reduced = [[spans[i] for i in cluster if i in spans] for cluster in attrs.get("clusters", [])]
    clusters = {old: new for new, old in enumerate(i for i, cluster in enumerate(reduced) if cluster)}
    fresh = [[new] for new, old in enumerate(kept) if old is None]
    ids = attrs.get("cluster_ids", [])
    selected: dict[str, Any] = {
        "relations": _renumber(attrs.get("relations", []), spans),
        "clusters": [*(reduced[i] for i in clusters), *fresh],
        "cluster_ids": [*(ids[i] for i in clusters if i < len(ids)), *[""] * len(fresh)],
        "interactions": [_select_evidence(row, spans) for row in _renumber(attrs.get("interactions", []), clusters)],
    }
    selected |= {name: _renumber(attrs.get(name, []), spans) for name in PER_RELATION}
    for name, new_value in PER_MENTION.items():
        values = stored_values(attrs, name)
        selected[name] = [new_value if i is None or i >= len(values) else values[i] for i in kept] if values else []
    return {name: selected.get(name, copy.deepcopy(value)) for name, value in attrs.items() if name != MEMBERS}


def _set_attrs(doc: Doc, spans_key: str, spans: Sequence[Span], attrs: dict[str, Any]) -> SpanGroup:
    attrs = {name: value for name, value in attrs.items() if value or not spans or name not in PER_MENTION}
    return set_span_graph(doc, spans_key, spans, attrs.pop("relations", None), **attrs)


def _find(members: Sequence[Member], wanted: Sequence[Span]) -> list[int | None]:
    """For each span the position of its member, None for one without: the same offsets, label and concept; else the
    same offsets, where only one member has them."""
    exact: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    rough: dict[tuple[int, int], list[int]] = defaultdict(list)
    for start, end, position, label, kb_id in members:
        exact[start, end, label, kb_id].append(position)
        rough[start, end].append(position)
    found: list[int | None] = []
    taken: set[int] = set()
    for span in wanted:
        offsets = offsets_of(span)
        options = exact[(*offsets, span.label_, span.kb_id_)] or (rough[offsets] if len(rough[offsets]) == 1 else [])
        position = next((i for i in options if i not in taken), None)
        if position is not None:
            taken.add(position)
        found.append(position)
    return found


def _renumber(rows: Iterable[Sequence[Any]], numbers: dict[int, int]) -> list[Row]:
    return [[numbers[a], numbers[b], *rest] for a, b, *rest in rows if a in numbers and b in numbers]


def _select_evidence(row: Row, spans: dict[int, int]) -> Row:
    """An interaction, ``[cluster, cluster, label, score, novelty, evidence]``, with the evidence that is left."""
    return [*row[:5], *(_renumber(evidence, spans) for evidence in row[5:6])]
