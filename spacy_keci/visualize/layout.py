"""Where the parts of a drawing go: text in rows, mentions as bars stacked above it, relations as arcs above these.

The longer of two nested mentions lies below the shorter, as in a pyramid, so that an arc can reach every bar from
above. A relation between two rows has a leg in each, with a label that names the other end.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .arcs import INSET, Link, outline, place
from .picture import DrawnRelation, Picture
from .rows import Plan
from .shapes import (
    ASCENT,
    DESCENT,
    LABEL_FONT,
    LANE,
    LEVEL,
    MARGIN,
    PILL,
    ROW_GAP,
    SENTENCE_GAP,
    Arc,
    Bar,
    Layout,
    Row,
    Words,
)
from .text import shorten, text_width

MAX_STEP = 9.0  # between feet on one bar
LABEL_PADDING, PILL_PADDING = 8.0, 12.0
NAME_LENGTH, SHOWN_NAMES, SHOWN_TITLES = 24, 3, 12


def lay_out(picture: Picture, max_width: float) -> Layout:
    """Place everything, in rows at most ``max_width`` pixels wide (a label alone may be wider)."""
    plan = Plan(picture, max_width - 2 * MARGIN)
    plans = [_RowPlan(plan, begin, end) for begin, end in plan.break_rows()]
    home = {mention: row for row in plans for mention in row.homes}
    for relation in picture.relations:
        for end in dict.fromkeys((home[relation.head], home[relation.tail])):
            end.relations.append(relation)
    rows = [row.finish() for row in plans]
    low = min((row.low for row in plans), default=0.0)
    high = max((row.high for row in plans), default=0.0)
    y = MARGIN
    for planned, row in zip(plans, rows, strict=True):
        row.x = MARGIN - low
        row.y = y + SENTENCE_GAP * (planned.begin in plan.breaks)
        y = row.y + row.baseline + DESCENT + ROW_GAP
    return Layout(high - low + 2 * MARGIN, y + MARGIN, rows)


@dataclass
class _Edge:
    """What a link stands for: a relation between the mentions ``first`` and ``second``; or (``second`` None) all of
    ``first`` to mentions that begin in other rows, grouped by what their labels say."""

    first: int
    second: int | None
    groups: list[list[DrawnRelation]]


class _RowPlan:
    """The atoms ``begin`` to ``end``. ``relations`` are those of the ``homes``, the mentions that begin here; they are
    added from outside. ``low`` and ``high`` are its left and right end."""

    def __init__(self, plan: Plan, begin: int, end: int) -> None:
        self.plan = plan
        self.begin, self.end = begin, end
        self.relations: list[DrawnRelation] = []
        self.low, self.high = 0.0, plan.width(begin, end)
        self.words: list[Words] = []
        self._edges: dict[int, tuple[float, float]] = {}  # of the text of each atom
        self._place_words()
        here = [m for m, (start, stop) in enumerate(plan.spans) if start < end and begin < stop]
        self.boxes = {m: self._box(m) for m in here}
        self.homes = [m for m in here if begin <= plan.spans[m][0]]

    def finish(self) -> Row:
        """Bars and arcs, once all relations are known."""
        plan = self.plan
        edges = self._make_edges()
        links = self._make_links(edges)
        place(links, plan.max_width)
        for link in links:
            self.low, self.high = min(self.low, link.extent[0]), max(self.high, link.extent[1])
        arcs_height = max((link.top for link in links), default=0) * LEVEL + 5 * bool(links)
        n_lanes = 1 + max((plan.lanes[m] for m in self.boxes), default=-1)
        tops = {m: arcs_height + (n_lanes - 1 - plan.lanes[m]) * LANE for m in self.boxes}
        bars = [
            Bar(low, tops[m], high - low, self._bar_label(m), plan.picture.mentions[m], plan.lanes[m] == 0)
            for m, (low, high) in self.boxes.items()
        ]
        arcs = [
            arc
            for link, edge in zip(links, edges, strict=True)
            for arc in self._arcs(link, edge, arcs_height - link.level * LEVEL + 3, tops)
        ]
        return Row(0.0, 0.0, arcs_height + n_lanes * LANE + ASCENT - 3 * (n_lanes > 0), self.words, bars, arcs)

    # Words and bars

    def _place_words(self) -> None:
        """Place the atoms, and join those between which nothing was put."""
        plan, x, run = self.plan, 0.0, list[int]()
        for k in range(self.begin, self.end):
            if plan.before[k]:
                self._join(run)
            self._edges[k] = x + plan.before[k], x + plan.before[k] + plan.atoms[k].width
            x = self._edges[k][1] + plan.after[k] + plan.gaps[k]
            run.append(k)
            if plan.after[k] or plan.gaps[k] != plan.atoms[k].space:
                self._join(run)
        self._join(run)

    def _join(self, run: list[int]) -> None:
        """Words of atoms that stand one after the other; empties the run."""
        if run:
            left, right = self._edges[run[0]][0], self._edges[run[-1]][1]
            atoms = [self.plan.atoms[k] for k in run]
            text = "".join(atom.text + " " * (atom.space > 0) for atom in atoms).rstrip()
            self.words.append(Words((left + right) / 2, right - left, text))
            run.clear()

    def _box(self, m: int) -> tuple[float, float]:
        start, stop = self.plan.spans[m]
        before, after = self.plan.margins[m]
        first, last = max(start, self.begin), min(stop, self.end)
        # one pixel less, so that neighbours do not touch
        left = self._edges[first][0] - before * (first == start) + 1
        return left, self._edges[last - 1][1] + after * (last == stop) - 1

    def _bar_label(self, m: int) -> str:
        start, stop = self.plan.spans[m]
        low, high = self.boxes[m]
        label = "… " * (start < self.begin) + self.plan.labels[m] + " …" * (self.end < stop)
        # a mention that goes on in another row may have little room here
        while text_width(label, LABEL_FONT) > high - low and len(label) > 1:
            label = shorten(label, len(label) - 1)
        return label

    # Arcs

    def _make_edges(self) -> list[_Edge]:
        edges: list[_Edge] = []
        continued: dict[int, dict[tuple[bool, str, str], list[DrawnRelation]]] = {}
        for relation in self.relations:
            here = [m for m in (relation.head, relation.tail) if m in self._free]
            if len(here) == 2:
                first, second = sorted(here, key=lambda m: (self._middle(m), m))
                edges.append(_Edge(first, second, [[relation]]))
            else:
                key = relation.directed and here[0] == relation.head, relation.label, relation.mark
                continued.setdefault(here[0], {}).setdefault(key, []).append(relation)
        return [*edges, *(_Edge(m, None, list(groups.values())) for m, groups in continued.items())]

    def _make_links(self, edges: Sequence[_Edge]) -> list[Link]:
        links = []
        # From left to right: arcs to the left, near ones first; the leg; arcs to the right, far ones first. Arcs
        # between the same two mentions stand around each other.
        feet: dict[int, list[tuple[int, float, int, int]]] = defaultdict(list)
        for i, edge in enumerate(edges):
            width = max(text_width(self._label(edge, group), LABEL_FONT) for group in edge.groups)
            links.append(Link(width + (PILL_PADDING if edge.second is None else LABEL_PADDING), len(edge.groups)))
            if edge.second is None:
                feet[edge.first].append((1, 0.0, i, 0))
            else:
                feet[edge.first].append((2, -self._middle(edge.second), i, 1))
                feet[edge.second].append((0, -self._middle(edge.first), -i, 2))
        for m, group in feet.items():
            low, high = self._free[m]
            step = min(MAX_STEP, (high - low) / len(group))
            for position, (_, _, i, foot) in enumerate(sorted(group)):
                x = self._middle(m) + step * (position - (len(group) - 1) / 2)
                if foot != 2:
                    links[abs(i)].x1 = x
                if foot != 1:
                    links[abs(i)].x2 = x
        for link in links:  # both feet may be on one bar
            link.x1, link.x2 = sorted((link.x1, link.x2))
        return links

    def _arcs(self, link: Link, edge: _Edge, y: float, tops: dict[int, float]) -> list[Arc]:
        """The arc of a relation; or the labels of a leg, which begins at the lowest of them."""
        arcs = []
        for i, group in enumerate(edge.groups):
            label, x, width = self._label(edge, group), link.label_x, link.label_width
            if edge.second is None:
                width = text_width(label, LABEL_FONT) + PILL_PADDING
                reach = max(width / 2 - INSET, 0.0)
                x = min(max(x, link.x1 - reach), link.x1 + reach)
            if i == 0:
                second = edge.first if edge.second is None else edge.second
                path, arrow, label_y = outline(link, y, tops[edge.first], tops[second], _arrow(edge))
            else:
                label_y = y - i * LEVEL
                path, arrow = f"M{link.x1:.1f} {label_y + LEVEL - PILL / 2:.1f}v{PILL - LEVEL:.1f}", ""
            titles = [relation.title for relation in group]
            if len(titles) > SHOWN_TITLES:
                titles[SHOWN_TITLES:] = [f"and {len(titles) - SHOWN_TITLES} more"]
            framed = edge.second is None
            arcs.append(Arc(path, arrow, x, label_y, width, label, "\n".join(titles), group[0].mark, framed))
        return arcs

    def _label(self, edge: _Edge, group: Sequence[DrawnRelation]) -> str:
        relation = group[0]
        label = self.plan.label(relation)
        if edge.second is not None:
            return label
        others = [r.tail if r.head == edge.first else r.head for r in group]
        names = list(dict.fromkeys(self._name(m) for m in others))
        if len(names) > SHOWN_NAMES:
            names[SHOWN_NAMES:] = [f"+{len(names) - SHOWN_NAMES}"]
        listed = ", ".join(names)
        if not relation.directed:
            return f"{label} · {listed}"
        return f"{label} → {listed}" if relation.head == edge.first else f"{listed}: {label} ↓"

    def _name(self, m: int) -> str:
        start, stop = self.plan.spans[m]
        atoms = self.plan.atoms[start:stop]
        return shorten("".join(atom.text + " " * (atom.space > 0) for atom in atoms), NAME_LENGTH)

    def _middle(self, m: int) -> float:
        low, high = self._free[m]
        return (low + high) / 2

    @cached_property
    def _free(self) -> dict[int, tuple[float, float]]:
        """Of each mention that begins here, the widest part of the bar's upper edge with no other bar above it; all
        of the edge, if there is none."""
        return {m: self._widest_free(m) for m in self.homes}

    def _widest_free(self, m: int) -> tuple[float, float]:
        low, high = self.boxes[m]
        lanes = self.plan.lanes
        above = [box for other, box in self.boxes.items() if lanes[other] > lanes[m]]
        free, left = [], low
        for other_low, other_high in sorted(box for box in above if box[0] < high and low < box[1]):
            free.append((left, other_low))
            left = max(left, other_high)
        widest = max([*free, (left, high)], key=lambda part: part[1] - part[0])
        return widest if widest[1] - widest[0] >= 4 else (low, high)


def _arrow(edge: _Edge) -> str:
    """Which foot is at the tail of all relations: "1", "2" or, if neither is, ""."""
    for foot, mention in (("1", edge.first), ("2", edge.second)):
        if all(relation.directed and relation.tail == mention for group in edge.groups for relation in group):
            return foot
    return ""
