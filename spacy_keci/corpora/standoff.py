"""What formats with stand-off annotation share: mentions with ids over a text, relations that name these ids."""

from collections.abc import Iterable, Sequence

from ..reports import Report
from .annotation import AnnotatedText, Mention, RelationTriple

# No text has so much space between two passages: such an offset is an error, and filling it would take the memory.
MAX_GAP = 1_000_000


class StandoffText:
    """Gathers the annotations of one text, and counts in the report what does not fit.

    Dropped are mentions outside the text, mentions whose offsets do not hold the words that the file gives for them
    (white space apart), mentions without a type, and relations of mentions that are not there or that share their id
    with another. A mention in several pieces is kept as one, from the first piece to the last; that is counted.
    """

    def __init__(self, text: str, id: str, report: Report) -> None:
        self.text = text
        self.id = id
        self.mentions: list[Mention] = []
        self.relations: list[RelationTriple] = []
        self._report = report
        self._index: dict[str, int | None] = {}

    def add_mention(
        self, id: str, pieces: Sequence[tuple[int, int]], label: str, surface: str | None = None, kb_id: str = ""
    ) -> None:
        """``pieces``: start and end in characters, end exclusive. ``surface``: the words of all pieces, if given."""
        where = f"{self._where()}: {label} {id} at {', '.join(f'{start}-{end}' for start, end in pieces)}"
        if not label:
            self._report.drop("mention without a type", where)
        elif not pieces or not all(0 <= start < end <= len(self.text) for start, end in pieces):
            self._report.drop("mention outside the text or empty", where)
        elif surface is not None and surface.split() != self._words(pieces):
            self._report.drop("mention whose offsets do not hold its text", f"{where} ({surface[:40]!r})")
        else:
            start, end = min(start for start, _ in pieces), max(end for _, end in pieces)
            if self._words([(start, end)]) != self._words(pieces):
                self._report.count("mentions in several pieces, kept as one from the first to the last")
            mention = Mention(start, end, label, kb_id)
            i = self._index.setdefault(id, len(self.mentions))
            if i is not None and i < len(self.mentions) and self.mentions[i] != mention:
                self._index[id] = None
            self.mentions.append(mention)

    def add_relation(self, head: str, tail: str, label: str, score: float = 1.0) -> None:
        """``head`` and ``tail``: ids of mentions that were added before."""
        ends = self._index.get(head), self._index.get(tail)
        where = f"{self._where()}: {label} of {head} and {tail}"
        if not label:
            self._report.drop("relation without a label", where)
        elif ends[0] is None or ends[1] is None:
            self._report.drop("relation of a mention that is not there", where)
        else:
            self.relations.append(RelationTriple(ends[0], ends[1], label, score))

    def build(self) -> AnnotatedText:
        return AnnotatedText(self.text, self.mentions, self.relations, id=self.id)

    def _words(self, pieces: Sequence[tuple[int, int]]) -> list[str]:
        return " ".join(self.text[start:end] for start, end in sorted(pieces)).split()

    def _where(self) -> str:
        return self.id or repr(self.text[:40])


def join_passages(passages: Iterable[tuple[int, str]], filler: str) -> str:
    """One text of passages, each at its offset, with ``filler``, a single character, between them.

    Raises ValueError if a passage begins before the one before it has ended, or very far behind it.
    """
    parts: list[str] = []
    length = 0
    for offset, passage in passages:
        if not 0 <= offset - length <= MAX_GAP:
            raise ValueError(f"the passage at {offset} does not follow on the one before it, which ends at {length}")
        parts += [filler * (offset - length), passage]
        length = offset + len(passage)
    return "".join(parts)
