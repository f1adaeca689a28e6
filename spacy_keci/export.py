"""Span graphs as tables and as one graph: a row for each relation, what a whole corpus says of each concept.

pandas and pyarrow come with the extra ``spacy-keci[export]`` and are imported when they are needed.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc, Span

from .identifiers import identifiers
from .knowledge.normalize import normalize
from .sentences import sentences
from .tokens import SPANS_KEY, get_relations

if TYPE_CHECKING:
    import networkx
    import pandas

# Offsets are characters of the document, end exclusive.
COLUMNS: dict[str, type] = {
    "doc": str,
    "group": str,
    "head": str,
    "head_type": str,
    "head_concept": str,
    "head_start": int,
    "head_end": int,
    "label": str,
    "tail": str,
    "tail_type": str,
    "tail_concept": str,
    "tail_start": int,
    "tail_end": int,
    "score": float,
    "sentence": str,
    "sentence_start": int,
    "sentence_end": int,
}
_ROWS_AT_ONCE = 10_000


def relation_rows(docs: Iterable[Doc], spans_key: str = SPANS_KEY) -> Iterator[dict[str, Any]]:
    """One row with the keys of :data:`COLUMNS` for each relation.

    ``doc`` and ``group`` are those in the document's user data. ``sentence`` is the sentence of head and tail, or the
    two sentences with " … " between them: those of the pipeline where it has set them, else of a simple rule.
    """
    for doc in docs:
        relations = get_relations(doc, spans_key)
        sentence_of = [sentence for sentence in sentences(doc) for _ in sentence] if relations else []
        for relation in relations:
            head, tail = relation.head, relation.tail
            parts = _around(doc, sentence_of, head, tail)
            ends = {
                key: value
                for name, span in (("head", head), ("tail", tail))
                for key, value in (
                    (name, span.text),
                    (f"{name}_type", span.label_),
                    (f"{name}_concept", span.kb_id_),
                    (f"{name}_start", span.start_char),
                    (f"{name}_end", span.end_char),
                )
            }
            yield {
                "doc": str(doc.user_data.get("id", "")),
                "group": str(doc.user_data.get("group", "")),
                **ends,
                "label": relation.label,
                "score": relation.score,
                "sentence": " … ".join(part.text for part in parts),
                "sentence_start": parts[0].start_char,
                "sentence_end": parts[-1].end_char,
            }


def relations_frame(docs: Iterable[Doc], spans_key: str = SPANS_KEY) -> "pandas.DataFrame":
    """:func:`relation_rows` as a DataFrame. Raises ImportError if pandas is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"A DataFrame needs pandas: pip install 'spacy-keci[export]' ({error}).") from None
    return pandas.DataFrame(list(relation_rows(docs, spans_key)), columns=list(COLUMNS)).astype(COLUMNS)


def write_relations(docs: Iterable[Doc], path: Path, spans_key: str = SPANS_KEY) -> None:
    """Write :func:`relation_rows` to a ``.csv`` or ``.parquet`` file, a part at a time.

    Raises ValueError for another suffix, ImportError if pyarrow, for Parquet, is not installed.
    """
    rows = relation_rows(docs, spans_key)
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.DictWriter(file, list(COLUMNS))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix.lower() == ".parquet":
        _write_parquet(rows, path)
    else:
        raise ValueError(f"Cannot tell the kind of table of {path}: its name must end in .csv or .parquet.")


def corpus_graph(docs: Iterable[Doc], spans_key: str = SPANS_KEY, max_sentences: int = 10) -> "networkx.MultiDiGraph":
    """One graph of many documents: what is said of the same concepts comes together.

    Nodes are the concepts that mentions are linked to (``kb_id_``; a mention with several, "5604,5605", counts for
    each), and ``name:...`` for the normalised name of mentions without one. They have the ``concept`` (or ""), the
    most frequent ``name``, all ``types``, and the number of ``mentions``. Edges, one for each label between two nodes,
    and for each direction where the label has one, have ``label``, the ``count`` of relations, the number of
    ``documents``, the highest ``score``, and up to ``max_sentences`` different supporting ``sentences``.
    """
    import networkx

    graph = networkx.MultiDiGraph()
    names: dict[str, Counter[str]] = {}
    for doc in docs:
        seen: set[tuple[str, str, str]] = set()
        for span in doc.spans.get(spans_key, ()):
            for node in _nodes(span.text, span.kb_id_):
                graph.add_node(node)
                data = graph.nodes[node]
                data.setdefault("concept", "" if node.startswith("name:") else node)
                data.setdefault("types", set()).add(span.label_)
                data["mentions"] = data.get("mentions", 0) + 1
                names.setdefault(node, Counter())[span.text] += 1
        for relation, row in zip(get_relations(doc, spans_key), relation_rows([doc], spans_key), strict=True):
            pairs = product(*(_nodes(row[end], row[f"{end}_concept"]) for end in ("head", "tail")))
            for head, tail in dict.fromkeys(tuple(sorted(pair)) for pair in pairs) if relation.symmetric else pairs:
                edge = head, tail, row["label"]
                if not graph.has_edge(*edge):
                    graph.add_edge(*edge, label=row["label"], count=0, documents=0, score=row["score"], sentences=[])
                data = graph.edges[edge]
                data["count"] += 1
                data["documents"] += edge not in seen
                data["score"] = max(data["score"], row["score"])
                if len(data["sentences"]) < max_sentences and row["sentence"] not in data["sentences"]:
                    data["sentences"].append(row["sentence"])
                seen.add(edge)
    for node, data in graph.nodes(data=True):
        data["name"] = names[node].most_common(1)[0][0]
        data["types"] = sorted(data["types"])
    return graph


def _nodes(text: str, kb_id: str) -> list[str]:
    return identifiers(kb_id) or [f"name:{normalize(text) or text}"]


def _around(doc: Doc, sentence_of: Sequence[Span], *spans: Span) -> list[Span]:
    """The sentences of the spans, in the order of the text; one span of text where they overlap."""
    parts: list[Span] = []
    for first, last in sorted((sentence_of[span.start].start, sentence_of[span.end - 1].end) for span in spans):
        while doc[last - 1].text.isspace() and last - 1 > first:
            last -= 1
        if parts and first < parts[-1].end:
            parts[-1] = doc[parts[-1].start : max(parts[-1].end, last)]
        else:
            parts.append(doc[first:last])
    return parts


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path) -> None:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise ImportError(f"Parquet needs pyarrow: pip install 'spacy-keci[export]' ({error}).") from None
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    with ParquetWriter(path, schema) as writer:
        while part := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(part, schema))
