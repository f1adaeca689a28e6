"""What the offsets of a file count, and where they are in a text.

Most formats count characters. Files in circulation also count UTF-8 bytes (as the BioC paper asks for), UTF-16 code
units (as JavaScript does), a line end of two characters as one or one of one as two (DOS line ends that were converted
after the annotation), and the byte order mark before the text.
"""

from bisect import bisect, bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CHARACTERS, BYTES, CODE_UNITS = "characters", "UTF-8 bytes", "UTF-16 code units"
# No text has so much space between two passages: such an offset is an error, and filling it would take the memory.
MAX_GAP = 1_000_000
_ONE, _TWO = "CRLF as one", "LF as two"


class Passage(NamedTuple):
    """A part of a text at its offset in the file. n_annotations: how many annotations name this passage."""

    offset: int
    text: str
    n_annotations: int = 0


class Reading(NamedTuple):
    """What offsets count. line_ends: empty where these count as they stand. bom: whether offsets count it."""

    unit: str = CHARACTERS
    line_ends: str = ""
    bom: bool = False

    @property
    def name(self) -> str:
        return ", ".join(filter(None, (self.unit, self.line_ends, "the byte order mark too" if self.bom else "")))

    @property
    def shift(self) -> int:
        return (3 if self.unit == BYTES else 1) if self.bom else 0

    def borders(self, text: str) -> list[int] | None:
        """The offset of each character and of the end; None where each character counts as one."""
        if not self.unit_matters(text) and not self.line_ends:
            return None
        return [0, *np.cumsum(self._widths(text)).tolist()]

    def unit_matters(self, text: str) -> bool:
        if self.unit == CHARACTERS or text.isascii():
            return False
        return self.unit == BYTES or max(text) > "\uffff"

    def _widths(self, text: str) -> NDArray[np.int64]:
        """(characters,) how much each counts."""
        code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        widths = np.ones(len(code), dtype="int64")
        for begin in {BYTES: (0x80, 0x800, 0x10000), CODE_UNITS: (0x10000,)}.get(self.unit, ()):
            widths += code >= begin
        is_return, is_feed = code == ord("\r"), code == ord("\n")
        if self.line_ends == _ONE:
            widths[:-1][is_return[:-1] & is_feed[1:]] = 0
        elif self.line_ends == _TWO:
            is_feed[1:] &= ~is_return[:-1]
            widths[is_feed] = 2
        return widths


def readings(text: str, unit: str = CHARACTERS, bom: bool = False) -> Iterator[Reading]:
    """The readings that differ on a text, from the usual one on, in which offsets count ``unit``.

    bom: whether the file has a byte order mark, which ``text`` is without."""
    line_ends = [""]
    if "\r\n" in text:
        line_ends.append(_ONE)
    if text.count("\n") > text.count("\r\n"):
        line_ends.append(_TWO)
    for has_bom in (False, True)[: 1 + bom]:
        units: dict[str, str] = {}
        for each in (unit, CHARACTERS, BYTES, CODE_UNITS):
            # a byte order mark has three bytes
            differs = Reading(each).unit_matters(text) or (has_bom and each == BYTES)
            units.setdefault(each if differs else CHARACTERS, each)
        for each in units.values():
            yield from (Reading(each, ends, has_bom) for ends in line_ends)


class _Placed(NamedTuple):
    """Where a passage begins in the file and in the text, and how long it is there."""

    offset: int
    length: int
    start: int
    n_characters: int
    borders: list[int] | None


class Layout:
    """Passages joined to one text, each at its offset, with ``filler``, a single character, between them.

    text: the whole text. left_out: the passages that overlap others or stand very far behind them; of those that
    overlap, the ones with the most annotations stay.
    """

    def __init__(self, passages: Sequence[Passage], reading: Reading, filler: str) -> None:
        borders = [reading.borders(passage.text) for passage in passages]
        lengths = [len(p.text) if b is None else b[-1] for p, b in zip(passages, borders, strict=True)]
        kept = _compatible(passages, lengths)
        self.left_out = sorted(set(range(len(passages))) - set(kept))
        self._shift = reading.shift
        self._placed: list[_Placed] = []
        parts: list[str] = []
        end = start = 0
        for i in kept:
            offset, text, _ = passages[i]
            parts += [filler * (offset - end), text]
            start += offset - end
            self._placed.append(_Placed(offset, lengths[i], start, len(text), borders[i]))
            start, end = start + len(text), offset + lengths[i]
        self._offsets = [placed.offset for placed in self._placed]
        self.text = "".join(parts)

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """The characters from ``start`` to ``end``; None if there are none, or an offset is inside of a character."""
        first = self._locate(start - self._shift, bisect(self._offsets, start - self._shift) - 1)
        last = self._locate(end - self._shift, bisect_left(self._offsets, end - self._shift) - 1)
        return None if first is None or last is None or not 0 <= first < last <= len(self.text) else (first, last)

    def character_at(self, offset: int) -> int | None:
        """The character at an offset; None if there is none, or the offset is inside of it."""
        offset -= self._shift
        found = self._locate(offset, bisect(self._offsets, offset) - 1)
        return found if found is not None and 0 <= found < len(self.text) else None

    def _locate(self, offset: int, number: int) -> int | None:
        if number < 0:
            return offset
        placed = self._placed[number]
        inside = offset - placed.offset
        if inside > placed.length:  # in the gap behind it
            return placed.start + placed.n_characters + inside - placed.length
        if placed.borders is None:
            return placed.start + inside
        i = bisect_left(placed.borders, inside)
        return placed.start + i if placed.borders[i] == inside else None


def _compatible(passages: Sequence[Passage], lengths: Sequence[int]) -> list[int]:
    """The passages that do not overlap, in the order of their offsets: as many annotations, and passages, as may be."""
    ends = [passage.offset + length for passage, length in zip(passages, lengths, strict=True)]
    order = sorted((i for i, p in enumerate(passages) if p.offset >= 0), key=lambda i: (ends[i], passages[i].offset, i))
    sorted_ends = [ends[i] for i in order]
    # of the first n of them: annotations and passages, then characters, that the best choice keeps
    best, before, taken = [(0, 0)], [0], [False]
    for n, i in enumerate(order):
        previous = bisect_right(sorted_ends, passages[i].offset, hi=n)
        n_kept, length = best[previous]
        n_kept += passages[i].n_annotations + bool(passages[i].text)
        weight = (n_kept, length + lengths[i])
        takes = weight > best[n] or (weight == best[n] and previous == n)
        best.append(weight if takes else best[n])
        before.append(previous if takes else n)
        taken.append(takes)
    kept, n = [], len(order)
    while n:
        if taken[n]:
            kept.append(order[n - 1])
        n = before[n]
    near, end = [], 0
    for i in reversed(kept):
        if passages[i].offset - end <= MAX_GAP:
            near.append(i)
            end = ends[i]
    return near
