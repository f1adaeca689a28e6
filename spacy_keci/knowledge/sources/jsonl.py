"""One's own ontology as JSON lines or a table, and scispaCy's JSON lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..semantic_types import TypeTable
from ..storage import KnowledgeBaseError
from .files import read_lines
from .source import ConceptRecord, SourceReport

_COLUMNS = ("id", "name", "aliases", "types", "definition", "relations")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("an identifier, a name or a label is empty")
    return text


_Name = Annotated[str, AfterValidator(_not_blank)]
_Texts = tuple[str, ...] | None


class _Relation(BaseModel):
    label: _Name
    target: _Name


class _Concept(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")  # other fields are counted

    id: _Name
    name: _Name
    aliases: _Texts = None
    types: _Texts = None
    definition: str | None = None
    relations: tuple[_Relation, ...] | None = None
    alt_ids: _Texts = None


class _ScispacyConcept(_Concept):
    id: _Name = Field(alias="concept_id")
    name: _Name = Field(alias="canonical_name")


def read_jsonl(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """A JSON object on a line: ``id`` and ``name``, and if there are any ``aliases`` (list), ``types`` (list of TUIs),
    ``definition``, ``relations`` (list of ``{"label": …, "target": …}``), ``alt_ids`` (list).

    A concept without types gets those of its vocabulary in the table of semantic types, or none.
    """
    return _read(paths, _Concept, types, report)


def read_tsv(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """A table with the columns ``id name aliases types definition relations``: tabs between them, ``|`` within.

    A head, which has ``id`` and ``name``, may name fewer columns, in another order; without one, the last may be
    missing. A relation is ``label=target``. Raises KnowledgeBaseError for a head with other columns.
    """
    for path in paths:
        columns: tuple[str, ...] = _COLUMNS
        for number, line in read_lines(path, report):
            fields = [field.strip() for field in line.split("\t")]
            if number == 1 and {"id", "name"} <= set(head := tuple(field.lower() for field in fields)):
                columns = head
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
    return _read(paths, _ScispacyConcept, types, report)


def _read(paths: list[Path], schema: type[_Concept], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    for path in paths:
        for number, line in read_lines(path, report):
            if not line.strip():
                continue
            try:
                concept = schema.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where, why = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
                report.malformed(path, number, f"{where}: {why}" if where else why)
                continue
            report.drop_each("unknown field", f"{path.name}, line {number}", concept.model_extra or ())
            yield ConceptRecord(
                concept.id,
                concept.name,
                concept.aliases or (),
                concept.types or types.vocabulary(concept.id),
                concept.definition or "",
                tuple((r.label, r.target) for r in concept.relations or ()),
                concept.alt_ids or (),
            )
