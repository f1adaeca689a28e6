"""Collects the records of all sources, with names on disk and numbers in memory, before concepts are made of them."""

import re
from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..identifiers import canonical_id
from .knowledge_base import HAS_TYPE
from .sources import ConceptRecord, SourceReport
from .storage import KnowledgeBaseError, StringTableWriter, as_array

MOST_LABELS = 32_767  # numbers of 16 bits
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Collection:
    """Records, as arrays that refer to identifiers by number; names, definitions and identifiers of concepts in
    ``folder``. Memory grows with the number of concepts and relations, not with text.

    A concept is an identifier with a name. It may come after relations that refer to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers: dict[str, int] = {}  # of every identifier that was met
        self._concept = array("i")  # by that number: the concept, or -1
        self.alternatives: dict[int, int] = {}  # identifier to the identifier that it stands for
        self.ids = StringTableWriter(folder, "ids")
        self.names = StringTableWriter(folder, "names")
        self.definitions = StringTableWriter(folder, "definitions")
        self.source = bytearray()  # of each concept
        self._name_owner = array("i")
        self._name_rank = array("h")
        self._definition_owner = array("i")
        self._is_defined: set[int] = set()
        self.type_sets: dict[tuple[str, ...], int] = {}
        self._typed, self._type_set = array("i"), array("i")
        self.labels: dict[str, int] = {HAS_TYPE: 0}
        self._heads, self._label, self._targets = array("i"), array("h"), array("i")

    @property
    def n_concepts(self) -> int:
        return len(self.ids)

    def add(self, record: ConceptRecord, source: int, report: SourceReport) -> None:
        """Take up a record; it may stand alone, or add to a concept that has come or is yet to come.

        source: the number of the source, of up to 255. Raises KnowledgeBaseError for too many labels of relations.
        """
        if why := _fault(record):
            report.drop("malformed", f"{record.id!r}: {why}")
            return
        number = self._number(record.id)
        names = dict.fromkeys(n for n in (record.name, *record.aliases) if n)
        if record.name:
            if self._concept[number] < 0:
                self._concept[number] = self.ids.append(record.id)
                self.source.append(min(source, 255))
                report.count("concepts")
            else:
                report.count("records merged into a concept that was there")
        for name in names:
            self.names.append(name)
            self._name_owner.append(number)
            self._name_rank.append(2 * min(source, 255) + (name != record.name))
        report.count("names", len(names))
        if record.definition and number not in self._is_defined:
            self._is_defined.add(number)
            self.definitions.append(record.definition)
            self._definition_owner.append(number)
            report.count("definitions")
        if record.types:
            self._typed.append(number)
            self._type_set.append(self.type_sets.setdefault(record.types, len(self.type_sets)))
        for label, target in record.relations:
            self._heads.append(number)
            self._label.append(self.label_number(label))
            self._targets.append(self._number(target))
        report.count("relations", len(record.relations))
        for alternative in record.alt_ids:
            if self.alternatives.setdefault(self._number(alternative), number) != number:
                report.drop("alternative identifier of another concept", f"{alternative} of {record.id}")

    def _number(self, id: str) -> int:
        """Of an identifier, however its vocabulary is written."""
        number = self.numbers.setdefault(canonical_id(id), len(self.numbers))
        if number == len(self._concept):
            self._concept.append(-1)
        return number

    def label_number(self, label: str) -> int:
        number = self.labels.setdefault(label, len(self.labels))
        if number > MOST_LABELS:
            raise KnowledgeBaseError(
                f"There are more than {MOST_LABELS:,} labels of relations, the last is {label[:60]!r}: are these "
                "labels, or texts?"
            )
        return number

    def concepts(self) -> NDArray[np.int32]:
        """The concept of each identifier, (identifiers,); -1 for one that is known by its identifier alone.

        That of an alternative identifier is the concept that it stands for, unless it is one itself.
        """
        concepts = as_array(self._concept, np.int32).copy()
        for alternative, number in self.alternatives.items():
            if concepts[alternative] < 0:
                concepts[alternative] = concepts[number]
        return concepts

    def is_own(self) -> NDArray[np.bool_]:
        """Which identifiers are concepts by themselves, and not alternative ones, (identifiers,)."""
        return as_array(self._concept, np.int32) >= 0

    @property
    def name_owner(self) -> NDArray[np.int32]:
        """(names,): the identifier whose name it is."""
        return as_array(self._name_owner, np.int32)

    @property
    def name_rank(self) -> NDArray[np.int16]:
        """(names,): which names come first, those of the first sources, and of each source those that it prefers."""
        return as_array(self._name_rank, np.int16)

    @property
    def definition_owner(self) -> NDArray[np.int32]:
        """(definitions,): the identifier that it defines."""
        return as_array(self._definition_owner, np.int32)

    @property
    def types(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(identifiers, numbers of sets of types), in order of coming."""
        return as_array(self._typed, np.int32), as_array(self._type_set, np.int32)

    @property
    def relations(self) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int32]]:
        """(heads, numbers of labels, targets), heads and targets as numbers of identifiers."""
        heads, labels, targets = self._heads, self._label, self._targets
        return as_array(heads, np.int32), as_array(labels, np.int16), as_array(targets, np.int32)

    def close(self) -> None:
        for writer in (self.ids, self.names, self.definitions):
            writer.close()


def _fault(record: ConceptRecord) -> str:
    """Why an identifier, type or label of the record cannot be written, or nothing finds it; "" if all is well. Names
    that cannot be written are written with a question mark."""
    labels, targets = zip(*record.relations, strict=True) if record.relations else ((), ())
    ids = "".join((record.id, *record.alt_ids, *targets))
    if _CONTROL.search(ids):
        return "a control character in an identifier"
    try:
        "".join((ids, *record.types, *labels)).encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair in a text"
    return ""
