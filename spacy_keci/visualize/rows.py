"""A text divided into rows, sentence by sentence, and a long sentence where the fewest relations are cut; with what the
bars and arcs of its mentions and relations need: lanes, and room for labels."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from .arcs import RADIUS
from .picture import DrawnRelation, Picture
from .shapes import FONT, LABEL_FONT, SIGNS
from .text import shorten, text_width, writable

# around the text of a mention; at both ends of a bar that is covered by others
PADDING, SHOULDER = 3.0, 14.0
LABEL_LENGTH = 40


class Plan:
    """A picture's text as atoms, with the room that its bars and arcs need.

    ``atoms``, ``before``, ``after`` (what bars add at both sides of an atom's text) and ``gaps`` (what follows it) are
    parallel; so are ``spans`` (in atoms), ``labels``, ``lanes`` and ``margins`` (how far a bar reaches beyond its
    text), to the mentions. ``breaks`` are atoms that begin a row.
    """

    def __init__(self, picture: Picture, max_width: float) -> None:
        self.picture = picture
        self.max_width = max_width
        self.atoms, first, self.breaks = _make_atoms(picture, max_width)
        self.spans = [(first[m.start], first[m.end]) for m in picture.mentions]
        self.labels = [SIGNS[m.mark] + shorten(writable(m.label), LABEL_LENGTH) for m in picture.mentions]
        self.lanes, self._top_lanes = self._stack()
        self.before, self.after = [0.0] * len(self.atoms), [0.0] * len(self.atoms)
        self.gaps = [atom.space for atom in self.atoms]
        self.margins = [(0.0, 0.0)] * len(self.spans)
        self._make_room_for_bars()
        self._make_room_for_arcs()

    def width(self, start: int, end: int) -> float:
        """Of atoms in one row, with what bars add."""
        widths = (self.before[k] + self.atoms[k].width + self.after[k] + self.gaps[k] for k in range(start, end))
        return sum(widths) - self.gaps[end - 1]

    def label(self, relation: DrawnRelation) -> str:
        return SIGNS[relation.mark] + shorten(writable(relation.label), LABEL_LENGTH)

    def break_rows(self) -> list[tuple[int, int]]:
        inside = {k for start, end in self.spans for k in range(start + 1, end)}
        allowed = {k for k in range(1, len(self.atoms)) if self.atoms[k - 1].space and k not in inside}
        widths = [b + atom.width + a for b, atom, a in zip(self.before, self.atoms, self.after, strict=True)]
        starts = [(self.spans[r.head][0], self.spans[r.tail][0]) for r in self.picture.relations]
        pairs = [(min(pair), max(pair)) for pair in starts]
        return _break_rows(widths, self.gaps, allowed, self.breaks, pairs, self.max_width)

    def _stack(self) -> tuple[list[int], list[int]]:
        """The lane of each mention, above all longer ones that it overlaps, and the highest over each atom."""
        top = [-1] * len(self.atoms)
        lanes = [0] * len(self.spans)
        for m in sorted(range(len(self.spans)), key=lambda m: self.spans[m][0] - self.spans[m][1]):
            start, end = self.spans[m]
            lanes[m] = 1 + max(top[start:end])
            top[start:end] = [lanes[m]] * (end - start)
        return lanes, top

    def _make_room_for_bars(self) -> None:
        """A bar has room for its label, and can be seen beside those above it."""
        lanes = self.lanes
        for m in sorted(range(len(self.spans)), key=lambda m: -lanes[m]):
            start, end = self.spans[m]
            label_width = text_width(self.labels[m], LABEL_FONT) + 4 * PADDING
            extra = max(PADDING, (label_width - self.width(start, end)) / 2)
            free = [
                list(run) for lane, run in groupby(range(start, end), self._top_lanes.__getitem__) if lane == lanes[m]
            ]
            if all(self.width(run[0], run[-1] + 1) < SHOULDER for run in free):
                extra = max(extra, SHOULDER)
            self.before[start] += extra
            self.after[end - 1] += extra
            self.margins[m] = self.before[start], self.after[end - 1]

    def _make_room_for_arcs(self) -> None:
        """Move mentions apart where the label of their relation is wider than the way between them."""
        for relation in self.picture.relations:
            first, second = sorted((self.spans[relation.head], self.spans[relation.tail]))
            if first[1] > second[0] or any(first[0] < k <= second[0] for k in self.breaks):
                continue
            way = self.width(first[0], second[1]) - (self.width(*first) + self.width(*second)) / 2
            missing = text_width(self.label(relation), LABEL_FONT) + 4 * RADIUS - way
            if missing > 0:
                self.gaps[first[1] - 1] += missing / 2
                self.gaps[second[0] - 1] += missing / 2


class Atom(NamedTuple):
    """A token, or a part of one that is too wide for a row. ``space``: width of the whitespace after it."""

    text: str
    width: float
    space: float


def _make_atoms(picture: Picture, max_width: float) -> tuple[list[Atom], list[int], set[int]]:
    """The words of a picture; the atom with which each token begins, and the number of atoms behind these; the atoms
    that begin a row. Whitespace is not an atom, unless a mention holds nothing else. A line break begins a row."""
    blank = {m.start for m in picture.mentions if not any(text.strip() for text in picture.tokens[m.start : m.end])}
    space = text_width(" ", FONT)
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
        pieces = [Atom(piece, text_width(piece, FONT), 0.0) for piece in _pieces(text, max_width)]
        atoms += [*pieces[:-1], pieces[-1]._replace(space=space * has_space)]
    return atoms, [*first, len(atoms)], breaks - {0, len(atoms)}


def _break_rows(
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


def _pieces(text: str, max_width: float) -> list[str]:
    if text_width(text, FONT) <= max_width:
        return [text]
    pieces, width = [""], 0.0
    for char in text:
        width += text_width(char, FONT)
        if width > max_width and pieces[-1]:
            pieces.append("")
            width = text_width(char, FONT)
        pieces[-1] += char
    return pieces


def _divide_wide(stops: list[int], sums: Sequence[float], max_width: float) -> list[int]:
    """Where nothing between two stops allows a row to end and they are too far apart, it may end anywhere."""
    divided = stops[:1]
    for i, j in pairwise(stops):
        divided += [j] if sums[j] - sums[i] <= max_width else range(i + 1, j + 1)
    return divided
