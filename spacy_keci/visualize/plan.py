"""What is known of a drawing before its text is broken into rows: atoms of text, lanes of bars, and room for labels."""

from itertools import groupby

from .arcs import RADIUS
from .lines import break_rows, make_atoms
from .picture import DrawnRelation, Picture
from .shapes import FONT, LABEL_FONT, SIGNS
from .text import base_direction, shorten, text_width, writable

# around the text of a mention; at both ends of a bar that is covered by others
PADDING, SHOULDER = 3.0, 14.0
LABEL_LENGTH = 40


class Plan:
    """A picture's text as atoms, with the room that its bars and arcs need.

    ``atoms``, ``before``, ``after`` (what bars add at both sides of an atom's text) and ``gaps`` (what follows it) are
    parallel; so are ``spans`` (in atoms), ``labels``, ``lanes`` and ``margins`` (how far a bar reaches beyond its
    text), to the mentions. ``breaks`` are atoms that begin a row; ``base`` is the direction of the text, L or R.
    """

    def __init__(self, picture: Picture, max_width: float) -> None:
        self.picture = picture
        self.max_width = max_width
        self.atoms, first, self.breaks = make_atoms(picture, FONT, max_width)
        self.base = base_direction([atom.text for atom in self.atoms])
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
        """Rows as ranges of atoms."""
        inside = {k for start, end in self.spans for k in range(start + 1, end)}
        allowed = {k for k in range(1, len(self.atoms)) if self.atoms[k - 1].space and k not in inside}
        widths = [b + atom.width + a for b, atom, a in zip(self.before, self.atoms, self.after, strict=True)]
        starts = [(self.spans[r.head][0], self.spans[r.tail][0]) for r in self.picture.relations]
        pairs = [(min(pair), max(pair)) for pair in starts]
        return break_rows(widths, self.gaps, allowed, self.breaks, pairs, self.max_width)

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
