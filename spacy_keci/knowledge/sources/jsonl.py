"""One's own ontology as JSON lines or a table, and scispaCy's JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .record import ConceptRecord, SourceReport, TypeTable, read_lines

_TABLE_HEAD = ("id", "name", "aliases", "types", "definition", "relations")


def read_jsonl(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """A JSON object on a line: ``id`` and ``name``, and if there are any ``aliases`` (list), ``types`` (list of TUIs),
    ``definition``, ``relations`` (list of ``{"label": …, "target": …}``), ``alt_ids`` (list).

    A concept without types gets those of its vocabulary in the table of semantic types, or none.
    """
    for path, number, data in _objects(paths, report):
        try:
            relations = tuple((str(r["label"]), str(r["target"])) for r in data.get("relations") or ())
            record = ConceptRecord(
                _text(data["id"]),
                _text(data["name"]),
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
    """A table with the head ``id name aliases types definition relations``: tabs between columns, ``|`` within.

    Columns after ``name`` may be missing; a relation is ``label=target``.
    """
    for path in paths:
        for number, line in read_lines(path, report):
            fields = line.split("\t")
            if number == 1 and tuple(fields) == _TABLE_HEAD[: len(fields)]:
                continue
            if len(fields) < 2 or len(fields) > len(_TABLE_HEAD) or not fields[0] or not fields[1]:
                report.malformed(path, number, f"tab-separated columns are wanted: {', '.join(_TABLE_HEAD)}")
                continue
            id, name, aliases, tuis, definition, relations = (fields + [""] * 4)[:6]
            pairs = [r.partition("=") for r in relations.split("|") if r]
            yield ConceptRecord(
                id,
                name,
                tuple(a for a in aliases.split("|") if a),
                tuple(t for t in tuis.split("|") if t) or types.vocabulary(id),
                definition,
                tuple((label, target) for label, _, target in pairs if target),
            )


def read_scispacy(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Knowledge bases of scispaCy: ``concept_id``, ``canonical_name``, ``aliases``, ``types``, ``definition``.

    https://github.com/allenai/scispacy, ``scispacy/linking_utils.py``
    """
    for path, number, data in _objects(paths, report):
        try:
            yield ConceptRecord(
                _text(data["concept_id"]),
                _text(data["canonical_name"]),
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
            except ValueError as error:
                report.malformed(path, number, f"no JSON: {error}")
                continue
            if isinstance(data, dict):
                yield path, number, data
            else:
                report.malformed(path, number, "a JSON object is wanted")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is no list")
    return tuple(_text(v) for v in values)
