"""What formats with stand-off annotation share: mentions with ids over a text, relations that name these ids."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, takewhile
from typing import NamedTuple

from ..reports import Report
from .annotation import AnnotatedText, Mention, RelationTriple
from .offsets import CHARACTERS, Layout, Passage, Reading, readings


class _Annotation(NamedTuple):
    id: str
    pieces: Sequence[tuple[int, int]]
    label: str
    surface: str | None
    kb_id: str
    passage: int | None


class StandoffText:
    """Gathers the annotations of one text, and counts in the report what does not fit.

    text: the text, or its passages, each at its offset.
    filler: the character between two passages.
    unit: what offsets count in this format. Where the words that the file gives for its mentions fit better if offsets
        count something else (see :mod:`spacy_keci.corpora.offsets`), they are corrected, and the text is counted.
        Without any such words, they are if all mentions are whole words in another reading, and two or more are not in
        the usual one.
    bom: whether the file of the text begins with a byte order mark (which ``text`` is without).

    Dropped are mentions outside the text, mentions whose offsets do not hold the words that the file gives for them
    (apart from white space, and letters that the file spells in ASCII), mentions without a type, and relations of
    mentions that are not there or that share their id with another. A mention in several pieces, in any order, is kept
    as one, from the first piece to the last; that is counted.
    """

    def __init__(
        self,
        text: str | Sequence[Passage],
        id: str,
        report: Report,
        *,
        filler: str = "\n",
        unit: str = CHARACTERS,
        bom: bool = False,
    ) -> None:
        self.id = id
        self._passages = [Passage(0, text)] if isinstance(text, str) else list(text)
        self._report = report
        self._filler, self._unit, self._bom = filler, unit, bom
        self._mentions: list[_Annotation] = []
        self._relations: list[tuple[str, str, str, float]] = []
        self._sentences: list[tuple[int, int]] = []

    def add_mention(
        self,
        id: str,
        pieces: Sequence[tuple[int, int]],
        label: str,
        surface: str | None = None,
        kb_id: str = "",
        passage: int | None = None,
    ) -> None:
        """``pieces``: start and end, end exclusive. ``surface``: the words of all pieces, if given. ``passage``: the
        number of the passage that the mention is of, if given."""
        self._mentions.append(_Annotation(id, pieces, label, surface, kb_id, passage))

    def add_relation(self, head: str, tail: str, label: str, score: float = 1.0) -> None:
        """``head`` and ``tail``: ids of mentions."""
        self._relations.append((head, tail, label, score))

    def add_sentence(self, offset: int, passage: int) -> None:
        """A sentence begins at this offset of the file, in the passage with this number."""
        self._sentences.append((offset, passage))

    def build(self, group: str = "", sentences: list[int] | None = None) -> AnnotatedText:
        """The text with what fits. sentences: the characters that they begin with, if they are not added."""
        layout = self._lay_out()
        text = layout.text
        where = self.id or repr(text[:40])
        for i in layout.left_out:
            offset, words, _ = self._passages[i]
            if words:
                found = (
                    "overlaps another, or stands far behind it" if offset >= 0 else "has no offset, or a negative one"
                )
                self._report.drop(f"passage that {found}", f"{where}: at {offset}, {words[:40]!r}")
        left_out = set(layout.left_out)
        if self._sentences:
            sentences = self._place_sentences(layout, left_out, where)
        mentions: list[Mention] = []
        index: dict[str, int | None] = {}
        for each in self._mentions:
            at = ", ".join(f"{start}-{end}" for start, end in each.pieces)
            case = f"{where}: {each.label} {each.id} at {at}"
            pieces = _pieces(layout, each)
            if not each.label:
                self._report.drop("mention without a type", case)
            elif each.passage in left_out:
                self._report.drop("mention of a passage that is left out", case)
            elif pieces is None:
                self._report.drop("mention outside the text or empty", case)
            elif each.surface is not None and not _holds(text, pieces, each.surface):
                self._report.drop("mention whose offsets do not hold its text", f"{case} ({each.surface[:40]!r})")
            else:
                mention = self._to_mention(text, pieces, each)
                first = index.setdefault(each.id, len(mentions))
                if first is not None and first < len(mentions) and mentions[first] != mention:
                    index[each.id] = None
                mentions.append(mention)
        relations = []
        for head, tail, label, score in self._relations:
            ends = index.get(head), index.get(tail)
            case = f"{where}: {label} of {head} and {tail}"
            if not label:
                self._report.drop("relation without a label", case)
            elif ends[0] is None or ends[1] is None:
                self._report.drop("relation of a missing mention", case)
            else:
                relations.append(RelationTriple(ends[0], ends[1], label, score))
        return AnnotatedText(text, mentions, relations, id=self.id, group=group, sentences=sentences)

    def _place_sentences(self, layout: Layout, left_out: set[int], where: str) -> list[int]:
        starts = set()
        for offset, passage in self._sentences:
            character = layout.character_at(offset)
            if character is not None and passage not in left_out:
                starts.add(character)
            elif passage not in left_out:
                self._report.drop("sentence that begins outside the text", f"{where}: at {offset}")
        return sorted(starts)

    def _lay_out(self) -> Layout:
        """The text as its mentions say it is: the usual reading of offsets, unless more mentions fit in another."""
        usual = Reading(self._unit)
        passages = list(self._passages)
        for each in self._mentions:
            if each.passage is not None:
                passage = passages[each.passage]
                passages[each.passage] = passage._replace(n_annotations=passage.n_annotations + 1)
        best = Layout(passages, usual, self._filler)
        evidence = [each for each in self._mentions if each.surface is not None]
        has_words = bool(evidence)
        evidence = evidence or self._mentions
        fit = sum(_fit(best, each) for each in evidence)
        if fit == 2 * len(evidence):
            return best
        if not has_words and len({tuple(each.pieces) for each in evidence if not _fit(best, each)}) < 2:
            return best
        chosen = usual
        whole = "\n".join(passage.text for passage in passages)
        for reading in readings(whole, self._unit, self._bom and len(passages) == 1):
            layout = Layout(passages, reading, self._filler)
            value = sum(_fit(layout, each) for each in evidence)
            if value > fit and (has_words or value == 2 * len(evidence)):
                best, fit, chosen = layout, value, reading
        if chosen != usual:
            self._report.count(f"texts whose offsets count {chosen.name}, corrected")
        return best

    def _to_mention(self, text: str, pieces: Sequence[tuple[int, int]], each: _Annotation) -> Mention:
        start, end = min(start for start, _ in pieces), max(end for _, end in pieces)
        if text[start:end].split() != _words(text, pieces):
            self._report.count("mentions in several pieces, kept as one from the first to the last")
        if each.surface is not None and not _is_equal(text, pieces, each.surface):
            self._report.count("mentions that the file spells differently from the text")
        return Mention(start, end, each.label, each.kb_id)


def _pieces(layout: Layout, each: _Annotation) -> list[tuple[int, int]] | None:
    found = [layout.locate(start, end) for start, end in each.pieces]
    return [piece for piece in found if piece is not None] if found and None not in found else None


def _fit(layout: Layout, each: _Annotation) -> int:
    """0 if its offsets do not hold the words of a mention, 1 if they do with white space at the edges, else 2; of a
    mention without words, 2 if it begins and ends where words do."""
    pieces = _pieces(layout, each)
    if each.surface is None:
        return 2 * (pieces is not None and all(_is_whole(layout.text, *piece) for piece in pieces))
    if pieces is None or not _holds(layout.text, pieces, each.surface):
        return 0
    found = [layout.text[start:end] for start, end in pieces]
    return 2 if found == [each.surface] or all(piece.strip() == piece for piece in found) else 1


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether it begins and ends at the edges of words, and not with white space."""
    inside = (text[i - 1 : i + 1] for i in (start, end) if 0 < i < len(text))
    return text[start:end] == text[start:end].strip() and not any(edge.isalnum() for edge in inside)


def _words(text: str, pieces: Sequence[tuple[int, int]]) -> list[str]:
    return " ".join(text[start:end] for start, end in sorted(pieces)).split()


def _is_equal(text: str, pieces: Sequence[tuple[int, int]], surface: str) -> bool:
    if len(pieces) == 1:
        return surface.split() == _words(text, pieces)
    # pieces may be joined without a blank, and stand in another order than in the text
    given = "".join(surface.split())
    return any(
        given == "".join("".join(text[start:end] for start, end in order).split()) for order in (pieces, sorted(pieces))
    )


def _holds(text: str, pieces: Sequence[tuple[int, int]], surface: str) -> bool:
    if _is_equal(text, pieces, surface):
        return True
    found, given = " ".join(_words(text, pieces)), " ".join(surface.split())
    return _is_spelling_of(found, given) or _is_spelling_of(given, found)


def _is_spelling_of(text: str, ascii_text: str) -> bool:
    """Whether the second is the first in ASCII: "TNF-a" or "TNF-alpha" of "TNF-α", "naive" of "naïve"."""
    if text.isascii() or not ascii_text.isascii():
        return False
    ends = {0}  # every place where the characters so far may end: no pattern, which would try all combinations
    for character in text:
        ends = {end for begin in ends for end in _ends(character, ascii_text, begin)}
    return len(ascii_text) in ends


def _ends(character: str, ascii_text: str, begin: int) -> Iterator[int]:
    """Where the spellings of a character that begin at a place end. A symbol may be any two symbols, or none."""
    spellings = _spellings(character)
    yield from (begin + len(each) for each in spellings if ascii_text.startswith(each, begin))
    if not character.isalnum() and not character.isascii():
        symbols = takewhile(lambda each: not each.isalnum(), ascii_text[begin : begin + 2])
        yield from range(begin, begin + len(list(symbols)) + 1)


@cache
def _spellings(character: str) -> frozenset[str]:
    if character.isascii():
        return frozenset(character)
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    found = {"?", plain}
    if (name := unicodedata.name(character, "")).startswith("GREEK") or character == "µ":
        letter = "mu" if character == "µ" else name.partition(" LETTER ")[2].split(" ")[0].lower()
        written = (letter, letter[:1], "u" if letter == "mu" else "")
        found |= set(chain.from_iterable((each, each.capitalize(), each.upper()) for each in written))
    return frozenset(found - {""})
