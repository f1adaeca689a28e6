"""One graph of a whole corpus, from documents or the rows of Parquet files, and graphs as files for other tools.

Rows are read some at a time: memory grows with the graph, not with the corpus.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from .doc_operations import each_doc
from .files import files_in, without_gz
from .identifiers import identifiers
from .knowledge.normalize import normalize
from .sentences import sentences
from .span_groups import SPANS_KEY, checked_spans, relation_rows_of
from .visualize.text import writable

if TYPE_CHECKING:
    import networkx

# of the rows, what a graph is made of
COLUMNS = [
    "text",
    "sentences",
    *(f"mentions.list.element.{name}" for name in ("start", "end", "text", "label", "concept")),
    "relations",
]
SEPARATOR = " | "  # of the members of a list, where a format has no lists


def corpus_graph(
    docs: Doc | Iterable[Doc], spans_key: str = SPANS_KEY, max_sentences: int = 10
) -> "networkx.MultiDiGraph":
    """:func:`corpus_graph_of_rows` for the span graphs of a document, or of many. Sentences are those of the pipeline
    where it has set them, else of a simple rule."""
    return corpus_graph_of_rows((_row(doc, spans_key) for doc in each_doc(docs)), max_sentences)


def corpus_graph_of_files(*paths: str | Path, max_sentences: int = 10) -> "networkx.MultiDiGraph":
    """:func:`corpus_graph_of_rows` for Parquet files, and folders of them, as ``spacy keci annotate`` writes them.

    Raises ValueError if a file is not of that kind, or there is none.
    """
    return corpus_graph_of_rows(_read(paths), max_sentences)


def corpus_graph_of_rows(rows: Iterable[Mapping[str, Any]], max_sentences: int = 10) -> "networkx.MultiDiGraph":
    """One graph of rows of :data:`spacy_keci.arrow.SCHEMA`: what is said of the same concepts comes together.

    Nodes are the concepts that mentions are linked to (a mention with several, "5604,5605", counts for each), and
    ``name:<type>:<normalised name>`` for mentions without one: homonyms of different types are different nodes. They
    have the ``concept`` (or ""), the most frequent ``name``, all ``types``, and the number of ``mentions``.
    Edges, one for each label between two nodes, and for each direction where the label has one, have ``label``, the
    ``count`` of relations, the number of ``documents``, the highest ``score``, and up to ``max_sentences`` different
    supporting ``sentences``: from the first to the last that head and tail are in.
    """
    import networkx

    graph = networkx.MultiDiGraph()
    names: dict[str, Counter[str]] = {}
    for row in rows:
        mentions = row["mentions"] or []
        nodes = [_nodes(mention) for mention in mentions]
        for mention, node in ((mention, node) for mention, each in zip(mentions, nodes, strict=True) for node in each):
            graph.add_node(node)
            data = graph.nodes[node]
            data.setdefault("concept", "" if node.startswith("name:") else node)
            data.setdefault("types", set()).add(mention["label"])
            data["mentions"] = data.get("mentions", 0) + 1
            names.setdefault(node, Counter())[mention["text"]] += 1
        seen: set[tuple[str, str, str]] = set()
        for relation in row["relations"] or ():
            head, tail = relation["head"], relation["tail"]
            pairs = list(product(nodes[head], nodes[tail]))
            if relation["symmetric"]:
                pairs = list(dict.fromkeys((min(pair), max(pair)) for pair in pairs))
            sentence = _around(row, mentions[head], mentions[tail])
            for pair in pairs:
                edge = (*pair, relation["label"])
                if not graph.has_edge(*edge):
                    graph.add_edge(*edge, label=edge[2], count=0, documents=0, score=0.0, sentences=[])
                data = graph.edges[edge]
                data["count"] += 1
                data["documents"] += edge not in seen
                data["score"] = max(data["score"], relation["score"])
                if sentence and len(data["sentences"]) < max_sentences and sentence not in data["sentences"]:
                    data["sentences"].append(sentence)
                seen.add(edge)
    for node, data in graph.nodes(data=True):
        # of names that are equally frequent the first in the alphabet, whatever the order of the files
        data["name"] = min(names[node].items(), key=lambda item: (-item[1], item[0]))[0]
        data["types"] = sorted(data["types"])
    return graph


def write_graph(graph: "networkx.MultiDiGraph", path: str | Path) -> None:
    """Write a graph as GraphML (``.graphml``), GEXF (``.gexf``) or node-link JSON (``.json``).

    GraphML and GEXF, for Cytoscape, Gephi and the like, have no lists: members are joined with " | ". Control
    characters become visible signs. Raises ValueError for another suffix.
    """
    import json

    import networkx

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".json":
        data = networkx.node_link_data(graph, edges="edges")
        path.write_text(json.dumps(data, ensure_ascii=False, default=list), encoding="utf8")
        return
    writers = {".graphml": networkx.write_graphml, ".gexf": networkx.write_gexf}
    if suffix not in writers:
        raise ValueError(f"Cannot tell the kind of graph of {path}: its name must end in .graphml, .gexf or .json.")
    flat = networkx.MultiDiGraph()
    for node, data in graph.nodes(data=True):
        # a label is what viewers show
        flat.add_node(_flat(node), label=_flat(data.get("name", node)), **_flat_values(data))
    for number, (head, tail, data) in enumerate(graph.edges(data=True)):
        flat.add_edge(_flat(head), _flat(tail), key=number, **_flat_values(data))
    writers[suffix](flat, path)


def _row(doc: Doc, spans_key: str) -> dict[str, Any]:
    """What :func:`corpus_graph_of_rows` reads of a row."""
    row: dict[str, Any] = {"text": doc.text, "mentions": [], "relations": []}
    if spans_key in doc.spans:
        group = doc.spans[spans_key]
        symmetric = group.attrs.get("symmetric", ())
        row["mentions"] = [
            {"start": s.start_char, "end": s.end_char, "text": s.text, "label": s.label_, "concept": s.kb_id_}
            for s in checked_spans(group)
        ]
        row["relations"] = [
            {"head": head, "tail": tail, "label": label, "score": score, "symmetric": label in symmetric}
            for head, tail, label, score in relation_rows_of(group)
        ]
    if row["relations"]:
        row["sentences"] = [sentence.start_char for sentence in sentences(doc)]
    return row


def _read(paths: Iterable[str | Path]) -> Iterator[Mapping[str, Any]]:
    from .corpora.parquet import read_batches

    for path in map(Path, paths):
        files = [path]
        if path.is_dir():
            files = [file for file in files_in(path) if without_gz(file).suffix.lower() == ".parquet"]
        if not files:
            raise ValueError(f"{path} holds no .parquet files.")
        for file in files:
            for batch in read_batches(file, ["mentions", "relations"], COLUMNS):
                yield from batch.to_pylist()


def _nodes(mention: Mapping[str, Any]) -> list[str]:
    text, label = mention["text"], mention["label"]
    return identifiers(mention["concept"] or "") or [f"name:{label}:{normalize(text) or text}"]


def _around(row: Mapping[str, Any], *mentions: Mapping[str, Any]) -> str:
    """The text from the begin of the first sentence to the end of the last that one of the mentions is in."""
    text, starts = row.get("text"), row.get("sentences") or [0]
    if text is None:
        return ""
    first = bisect(starts, min(mention["start"] for mention in mentions)) - 1
    last = bisect(starts, max(mention["end"] for mention in mentions) - 1)
    return text[starts[max(first, 0)] : starts[last] if last < len(starts) else len(text)].strip()


def _flat_values(data: Mapping[str, Any]) -> dict[str, str | int | float]:
    return {key: value if isinstance(value, (int, float)) else _flat(value) for key, value in data.items()}


def _flat(value: Any) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return SEPARATOR.join(map(_flat, value))
    return writable("" if value is None else str(value))
