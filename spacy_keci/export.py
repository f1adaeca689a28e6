"""Span graphs as tables, with a row for each mention or for each relation, and as one graph of a corpus.

pandas and pyarrow come with the extra ``export`` and are imported when they are needed.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from .corpus_graph import corpus_graph, corpus_graph_of_files, write_graph
from .tables import COLUMNS, MENTION_COLUMNS, mention_rows, relation_rows, write_mentions, write_relations
from .tokens import SPANS_KEY

if TYPE_CHECKING:
    import pandas

__all__ = [
    "COLUMNS",
    "MENTION_COLUMNS",
    "corpus_graph",
    "corpus_graph_of_files",
    "mention_rows",
    "mentions_frame",
    "relation_rows",
    "relations_frame",
    "write_graph",
    "write_mentions",
    "write_relations",
]


def relations_frame(docs: Doc | Iterable[Doc], spans_key: str = SPANS_KEY) -> "pandas.DataFrame":
    """:func:`relation_rows` as a DataFrame. Raises ImportError if pandas is not installed."""
    return _frame(relation_rows(docs, spans_key), COLUMNS)


def mentions_frame(docs: Doc | Iterable[Doc], spans_key: str = SPANS_KEY) -> "pandas.DataFrame":
    """:func:`mention_rows` as a DataFrame. Raises ImportError if pandas is not installed."""
    return _frame(mention_rows(docs, spans_key), MENTION_COLUMNS)


def _frame(rows: Iterable[dict[str, Any]], columns: Mapping[str, type]) -> "pandas.DataFrame":
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"A DataFrame needs pandas: pip install pandas pyarrow ({error}).") from None
    return pandas.DataFrame(list(rows), columns=list(columns)).astype(columns)
