"""One's own ontology as JSON lines or a table, and scispaCy's JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..semantic_types import TypeTable
from ..storage import KnowledgeBaseError
from .files import read_lines
from .source import ConceptRecord, SourceReport

_COLUMNS = ("id", "name", "aliases", "types", "definition", "relations")


def read_jsonl(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """A JSON object on a line: ``id`` and ``name``, and if there are any ``aliases`` (list), ``types`` (list of TUIs),
    ``definition``, ``relations`` (list of ``{"label": …, "target": …}``), ``alt_ids`` (list).

    A concept without types gets those of its vocabulary in the table of semantic types, or none.
    """
    for path, number, data in _objects(paths, report):
        try:
            relations = tuple((_name(r["label"]), _name(r["target"])) for r in data.get("relations") or ())
            record = ConceptRecord(
                _name(data["id"]),
                _name(data["name"]),
                _texts(data.get("aliases")),
                _texts(data.get("types")),
                _text(data.get("definition") or ""),
                relations,
                _texts(data.get("alt_ids")),
            )
        except (KeyError, TypeError, ValueError) as error:
            report.malformed(path, number, f"{type(error).__name__}: {error}")
            continue
        yield record if record.types else record._replace(types=types.vocabulary(record.id))


def read_tsv(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """A table with the columns ``id name aliases types definition relations``: tabs between them, ``|`` within.

    A head, which begins with ``id`` and ``name``, may name fewer columns, in another order; without one, the last may
    be missing. A relation is ``label=target``. Raises KnowledgeBaseError for a head with other columns.
    """
    for path in paths:
        columns: tuple[str, ...] = _COLUMNS
        for number, line in read_lines(path, report):
            fields = line.split("\t")
            if number == 1 and [field.lower() for field in fields[:2]] == ["id", "name"]:
                columns = tuple(field.lower() for field in fields)
                if unknown := [column for column in columns if column not in _COLUMNS]:
                    raise KnowledgeBaseError(
                        f"{path} has unknown columns: {', '.join(unknown)}. Allowed: {', '.join(_COLUMNS)}."
                    )
                continue
            if not line.strip():
                continue
            row = dict.fromkeys(_COLUMNS, "") | dict(zip(columns, fields, strict=False))
            if len(fields) > len(columns) or not row["id"] or not row["name"]:
                report.malformed(path, number, f"expected the tab-separated columns {', '.join(columns)}")
                continue
            pairs = [relation.partition("=") for relation in row["relations"].split("|") if relation]
            for label, _, target in pairs:
                if not label or not target:
                    report.drop("relation that is not label=target", f"{path.name}, line {number}: {label or target}")
            yield ConceptRecord(
                row["id"],
                row["name"],
                tuple(alias for alias in row["aliases"].split("|") if alias),
                tuple(tui for tui in row["types"].split("|") if tui) or types.vocabulary(row["id"]),
                row["definition"],
                tuple((label, target) for label, _, target in pairs if label and target),
            )


def read_scispacy(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Knowledge bases of scispaCy: ``concept_id``, ``canonical_name``, ``aliases``, ``types``, ``definition``.

    https://github.com/allenai/scispacy, ``scispacy/linking_utils.py``
    """
    for path, number, data in _objects(paths, report):
        try:
            yield ConceptRecord(
                _name(data["concept_id"]),
                _name(data["canonical_name"]),
                _texts(data.get("aliases")),
                _texts(data.get("types")) or types.vocabulary(data["concept_id"]),
                _text(data.get("definition") or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            report.malformed(path, number, f"{type(error).__name__}: {error}")


def _objects(paths: list[Path], report: SourceReport) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    for path in paths:
        for number, line in read_lines(path, report):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except (ValueError, RecursionError) as error:
                report.malformed(path, number, f"not JSON: {error}")
                continue
            if isinstance(data, dict):
                yield path, number, data
            else:
                report.malformed(path, number, "expected a JSON object")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    value.encode()  # a half of a surrogate pair, which JSON may hold, is a ValueError
    return value


def _name(value: Any) -> str:
    if not (text := _text(value)).strip():
        raise ValueError("an identifier, a name or a label is empty")
    return text


def _texts(values: Any) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is not a list")
    return tuple(_text(v) for v in values)
