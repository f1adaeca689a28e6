"""Semantic types for concepts of vocabularies that do not use those of UMLS."""

from pathlib import Path

from .storage import KnowledgeBaseError


class TypeTable:
    """Which semantic types (TUIs) the branches of vocabularies get; see ``semantic_types.tsv``.

    A line is a branch, its types (comma-separated) and a note, divided by tabs. A branch is a vocabulary (``DOID:``),
    a concept, and with it what lies below (``GO:0005575``), a tree number (``MESH:C04``), or a class of the source's
    own (``HGNC:pseudogene``). The nearest branch counts.
    """

    def __init__(self, *paths: Path) -> None:
        self._types: dict[str, tuple[str, ...]] = {}
        for path in (Path(__file__).parent / "semantic_types.tsv", *paths):
            for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    branch, _, rest = line.partition("\t")
                    tuis = tuple(t.strip() for t in rest.partition("\t")[0].split(",") if t.strip())
                    if not tuis:
                        raise KnowledgeBaseError(f"{path}, line {number}: expected branch<TAB>type")
                    self._types[branch.strip()] = tuis

    def get(self, branch: str) -> tuple[str, ...]:
        """Types of exactly this branch; () if the table does not have it."""
        return self._types.get(branch, ())

    def vocabulary(self, concept: str) -> tuple[str, ...]:
        """Types of the vocabulary that the identifier belongs to."""
        return self.get(concept.partition(":")[0] + ":")

    def tree(self, vocabulary: str, number: str) -> tuple[str, ...]:
        """Types of the longest tree number of the table that ``number`` begins with: C04.588 is below C04."""
        while number:
            types = self.get(f"{vocabulary}:{number}")
            if types:
                return types
            number = number.rpartition(".")[0] if "." in number else number[:-1]
        return ()
