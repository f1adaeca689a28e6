"""Label Studio's JSON (https://labelstud.io/guide/export): a list of tasks, each with its text and the results of those
who annotated it.

A result of the type ``labels`` is a mention; its offsets, end exclusive, are those of JavaScript, UTF-16 code units. A
result of the type ``relation`` joins two of them. Besides what Label Studio asks for, mentions have a ``kb_id``. The
short form JSON-MIN, an object for each annotation with the data of its task, has mentions only.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from ..doc_operations import id_text
from ..reports import Report
from .annotation import AnnotatedText
from .offsets import CODE_UNITS, Reading
from .reading import Record, check_records, read_objects
from .standoff import StandoffText
from .writing import present, write_list

FORMAT = "Label Studio's JSON"
# Of JSON-MIN, besides the data of the task.
_ABOUT_ANNOTATION = ("annotation_id", "annotator", "created_at", "updated_at", "lead_time")


class _Value(Record):
    start: int
    end: int
    text: str | None = None
    labels: list[str] = Field(default_factory=list)


class _Result(Record):
    type: str = ""
    id: str | int = ""
    value: Any = None
    from_id: str | int = ""
    to_id: str | int = ""
    direction: str | None = None
    labels: list[str] | None = None
    score: float | None = Field(None, allow_inf_nan=False)
    kb_id: str = ""


class _Annotation(Record):
    result: list[_Result] = Field(default_factory=list)
    was_cancelled: bool = False
    ground_truth: bool = False


class _Task(Record):
    data: dict[str, Any]
    annotations: list[_Annotation] = Field(default_factory=list)
    predictions: list[Any] = Field(default_factory=list)
    id: str | int | None = None


def read_label_studio(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of tasks that have an annotation: the first that is marked as ground truth, else the first. The text
    is ``text`` of the task's data, else the only string in it. A mention with several labels is several mentions; a
    relation to the left goes from its end to its beginning, one in both directions is two. In JSON-MIN the text is
    ``text``. Other annotations, predictions, and tasks that were skipped, have no place here."""
    for task in check_records(_full_tasks(read_objects(path, FORMAT, report)), _Task, path, FORMAT, report):
        id = id_text(task.data.get("id", task.id))
        strings = [value for value in task.data.values() if isinstance(value, str)]
        words = task.data.get("text", strings[0] if len(strings) == 1 else None)
        given = [annotation for annotation in task.annotations if not annotation.was_cancelled]
        given.sort(key=lambda annotation: not annotation.ground_truth)
        if not isinstance(words, str) or not given:
            report.drop_text("task without a text" if given else "task without an annotation", f"task {id}")
            continue
        report.count("annotations of a task besides the one that is read", len(given) - 1)
        report.count("predictions of tasks", len(task.predictions))
        for key in task.data.keys() - {"text", "id", "group"}:
            report.count("entries of a task's data besides text, id and group", int(task.data[key] != words))
        yield _parse(words, id, id_text(task.data.get("group")), given[0], report)


def is_minimal(task: Any) -> bool:
    """Whether it is an object of JSON-MIN: with a mention, or with the number of an annotation."""
    if not isinstance(task, dict) or "data" in task:
        return False
    return {"annotation_id", "annotator"} <= task.keys() or any(_is_mentions(value) for value in task.values())


def _is_mentions(value: Any) -> bool:
    match value:
        case [{"start": int(), "end": int(), "labels": list()}, *_]:
            return True
    return False


def _full_tasks(items: Iterable[Any]) -> list[Any]:
    """The objects of JSON-MIN as tasks, those of one task together; anything else as it is."""
    tasks: list[Any] = []
    by_id: dict[str, dict[str, Any]] = {}
    for item in items:
        task = _to_full(item) if is_minimal(item) else item
        if task is not item and (id := id_text(item.get("id"))):
            first = by_id.setdefault(id, task)
            if first is not task:
                first["annotations"] += task["annotations"]
                continue
        tasks.append(task)
    return tasks


def _to_full(task: dict[str, Any]) -> dict[str, Any]:
    """An object of JSON-MIN as a task with one annotation."""
    mentions = {key: value for key, value in task.items() if _is_mentions(value)}
    result = [
        {"type": "labels", "id": f"{key} {number}", "value": mention}
        for key, value in mentions.items()
        for number, mention in enumerate(value)
    ]
    data = {key: value for key, value in task.items() if key not in mentions and key not in _ABOUT_ANNOTATION}
    return {"data": data, "annotations": [{"result": result}]}


def write_label_studio(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """A list of tasks for a labelling interface whose ``Labels`` is called "label", and whose ``Text`` "text"."""
    write_list((_to_task(text, number) for number, text in enumerate(texts, start=1)), path)


def _parse(words: str, id: str, group: str, annotation: _Annotation, report: Report) -> AnnotatedText:
    text = StandoffText(words, id, report, unit=CODE_UNITS)
    for result in annotation.result:
        if result.type == "labels":
            try:
                value = _Value.model_validate(result.value)
            except ValueError:
                report.drop("malformed mention or relation", f"{id}: {str(result.value)[:80]}")
                continue
            for number, label in enumerate(value.labels or [""]):
                name = f"{result.id} {number}" if number else str(result.id)
                text.add_mention(name, [(value.start, value.end)], label, value.text, result.kb_id)
        elif result.type == "relation":
            ends = [str(result.from_id), str(result.to_id)]
            if result.direction == "left":
                ends.reverse()
            score = 1.0 if result.score is None else result.score
            for label in result.labels or [""]:
                text.add_relation(ends[0], ends[1], label, score)
                if result.direction == "bi":
                    text.add_relation(ends[1], ends[0], label, score)
        else:
            report.drop("result that is neither a mention nor a relation", f"{id}: {result.type}")
    return text.build(group=group)


def _to_task(text: AnnotatedText, number: int) -> dict[str, Any]:
    units = Reading(CODE_UNITS).borders(text.text) or range(len(text.text) + 1)
    mentions: list[dict[str, Any]] = [
        {
            "id": f"T{i}",
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {
                "start": units[m.start],
                "end": units[m.end],
                "text": text.words(m),
                "labels": [m.label],
            },
        }
        | present(kb_id=m.kb_id)
        for i, m in enumerate(text.mentions)
    ]
    relations = [
        {"type": "relation", "from_id": f"T{r.head}", "to_id": f"T{r.tail}", "direction": "right", "labels": [r.label]}
        | present(score=r.score)
        for r in text.relations
    ]
    data = {"text": text.text, **present(id=text.id, group=text.group)}
    return {"id": number, "data": data, "annotations": [{"result": [*mentions, *relations]}]}
