"""A text divided into rows: sentence by sentence, and a long sentence where the fewest relations are cut."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from .picture import Picture
from .text import text_width, writable


class Atom(NamedTuple):
    """A token, or a part of one that is too wide for a row. ``space``: width of the whitespace after it."""

    text: str
    width: float
    space: float


class Atoms(NamedTuple):
    """The words of a picture; ``first`` has the atom with which each token begins, and the number of atoms at its end;
    ``breaks`` are atoms that begin a row."""

    atoms: list[Atom]
    first: list[int]
    breaks: set[int]


def make_atoms(picture: Picture, size: float, max_width: float) -> Atoms:
    """Whitespace is no atom, unless it is all that a mention holds; a line break in it begins a row."""
    blank = {m.start for m in picture.mentions if not any(text.strip() for text in picture.tokens[m.start : m.end])}
    space = text_width(" ", size)
    atoms: list[Atom] = []
    first: list[int] = []
    breaks: set[int] = set()
    for i, (token, has_space) in enumerate(zip(picture.tokens, picture.spaces, strict=True)):
        first.append(len(atoms))
        if i in picture.breaks:
            breaks.add(len(atoms))
        if token.isspace() and i not in blank:
            if len(f"{token}.".splitlines()) > 1:
                breaks.add(len(atoms))
            elif atoms:
                atoms[-1] = atoms[-1]._replace(space=space)
            continue
        text = "␣" if token.isspace() else " ".join(writable(token).split())
        pieces = [Atom(piece, text_width(piece, size), 0.0) for piece in _pieces(text, size, max_width)]
        atoms += [*pieces[:-1], pieces[-1]._replace(space=space * has_space)]
    return Atoms(atoms, [*first, len(atoms)], breaks - {0, len(atoms)})


def break_rows(
    widths: Sequence[float],
    gaps: Sequence[float],
    allowed: Collection[int],
    breaks: Collection[int],
    relations: Sequence[tuple[int, int]],
    max_width: float,
) -> list[tuple[int, int]]:
    """Rows as ranges of atoms: as few as fit, then with few relations cut, and all but the last of a sentence full.

    widths, gaps: of each atom, and of what follows it in the same row.
    allowed, breaks: atoms before which a row may, and must, end.
    relations: pairs of atoms, the lower first.
    """
    sums = [0.0, *accumulate(width + gap for width, gap in zip(widths, gaps, strict=True))]
    rows: list[tuple[int, int]] = []
    for begin, end in pairwise([0, *sorted(breaks), len(widths)]):
        if begin == end:
            continue
        steps = [0] * (end - begin + 1)
        for low, high in relations:
            if begin <= low < high < end:
                steps[low + 1 - begin] += 1
                steps[high + 1 - begin] -= 1
        cuts = list(accumulate(steps))
        stops = [begin, *(i for i in range(begin + 1, end) if i in allowed), end]
        stops = _divide_wide(stops, sums, max_width)
        best: list[tuple[tuple[int, float], int]] = [((0, 0.0), 0)]
        for j in range(1, len(stops)):
            low = min(bisect_left(sums, sums[stops[j]] - gaps[stops[j] - 1] - max_width), stops[j - 1])
            options = []
            for i in range(j - 1, -1, -1):
                if i < j - 1 and stops[i] < low:
                    break
                (n_rows, cost), _ = best[i]
                if stops[j] < end:
                    slack = 1 - (sums[stops[j]] - gaps[stops[j] - 1] - sums[stops[i]]) / max_width
                    cost += cuts[stops[j] - begin] + slack * slack
                options.append(((n_rows + 1, cost), i))
            best.append(min(options))
        j, found = len(stops) - 1, []
        while j:
            i = best[j][1]
            found.append((stops[i], stops[j]))
            j = i
        rows += reversed(found)
    return rows


def _pieces(text: str, size: float, max_width: float) -> list[str]:
    if text_width(text, size) <= max_width:
        return [text]
    pieces, width = [""], 0.0
    for char in text:
        width += text_width(char, size)
        if width > max_width and pieces[-1]:
            pieces.append("")
            width = text_width(char, size)
        pieces[-1] += char
    return pieces


def _divide_wide(stops: list[int], sums: Sequence[float], max_width: float) -> list[int]:
    """Where nothing between two stops allows a row to end and they are too far apart, it may end anywhere."""
    divided = stops[:1]
    for i, j in pairwise(stops):
        divided += [j] if sums[j] - sums[i] <= max_width else range(i + 1, j + 1)
    return divided
