"""Arcs above a row: which goes over which, where their labels stand, and their outlines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .shapes import PILL

RADIUS, ARROW, CLEARANCE, INSET = 6.0, 6.0, 3.0, 5.0
MOST_STEPS = 64  # at which a label is tried on its way


@dataclass
class Link:
    """An arc with a label; or a leg, ``x1 == x2``, with ``height`` labels one above the other, the widest of
    ``label_width``. ``x1`` and ``x2``, the lower first, are its feet on bars."""

    label_width: float
    height: int = 1
    x1: float = 0.0
    x2: float = 0.0
    label_x: float = 0.0
    level: int = 0

    @property
    def top(self) -> int:
        """The highest level that it takes."""
        return self.level + self.height - 1

    @property
    def is_wide(self) -> bool:
        """Whether the label fits between the feet."""
        return self.x2 - self.x1 >= self.label_width + 2 * RADIUS

    @property
    def extent(self) -> tuple[float, float]:
        half = self.label_width / 2
        return min(self.x1, self.label_x - half), max(self.x2, self.label_x + half)

    def feet_below(self, others: Iterable["Link"]) -> Iterator["Link"]:
        """Other links that have a foot under the label of this one, once for each foot."""
        low, high = self.label_x - self.label_width / 2, self.label_x + self.label_width / 2
        for other in others:
            if other is not self:
                yield from [other] * sum(low - CLEARANCE < x < high + CLEARANCE for x in {other.x1, other.x2})


def place(links: Sequence[Link], width: float) -> None:
    """Set ``label_x`` and ``level`` (1: lowest) so that lines cross little and labels not at all, if possible;
    labels stay between 0 and ``width`` where they can."""
    for link in links:
        link.label_x = (link.x1 + link.x2) / 2
        if not link.is_wide:
            half = link.label_width / 2
            reach = max(half - INSET, 0.0)
            _slide(link, (link.x2 - reach, link.x1 + reach), (half, width - half), links)
    placed: list[Link] = []
    for link in sorted(links, key=lambda link: _order(link, links)):
        taken = {i for other in placed if _overlap(link, other) for i in range(other.level, other.top + 1)}
        link.level = 1 + max((other.top for other in placed if _goes_over(link, other)), default=0)
        while taken.intersection(range(link.level, link.top + 1)):
            link.level += 1
        placed.append(link)
    for link in links:
        if link.is_wide:
            half = link.label_width / 2 + RADIUS
            way = link.x1 + half, link.x2 - half
            _slide(link, way, way, [other for other in links if other.level > link.level])


class Outline(NamedTuple):
    """SVG path data of an arc and of its arrow head ("" without), and the height of the label's middle."""

    path: str
    arrow: str
    label_y: float


def outline(link: Link, y: float, foot1: float, foot2: float, arrow: str) -> Outline:
    """An arc at height ``y`` with feet at heights ``foot1`` and ``foot2``, and an arrow head at ``x1`` (``arrow`` is
    "1"), at ``x2`` ("2") or nowhere (""). The label interrupts a wide arc, and stands on a narrow one."""
    x1, x2, label_y, head = link.x1, link.x2, y, ""
    if arrow == "1":
        head, foot1 = _arrow_head(x1, foot1), foot1 - ARROW + 1
    elif arrow == "2":
        head, foot2 = _arrow_head(x2, foot2), foot2 - ARROW + 1
    if x1 == x2:
        return Outline(f"M{x1:.1f} {foot1:.1f}V{y + PILL / 2:.1f}", head, label_y)
    radius, middle = RADIUS, ""
    if link.is_wide:
        half = link.label_width / 2
        middle = f"H{link.label_x - half:.1f}M{link.label_x + half:.1f} {y:.1f}"
    else:
        label_y, y, radius = y - 2, y + 6, min(RADIUS, x2 - x1) / 2
    left = f"M{x1:.1f} {foot1:.1f}V{y + radius:.1f}q0 {-radius:.1f} {radius:.1f} {-radius:.1f}"
    right = f"H{x2 - radius:.1f}q{radius:.1f} 0 {radius:.1f} {radius:.1f}V{foot2:.1f}"
    return Outline(left + middle + right, head, label_y)


def _arrow_head(x: float, y: float) -> str:
    return f"M{x:.1f} {y - 0.5:.1f}l{-ARROW / 2:.1f} {-ARROW:.1f}h{ARROW:.1f}z"


def _order(link: Link, links: Sequence[Link]) -> tuple[float, bool]:
    """Short arcs first; what has a label beyond its feet after the arcs that rise there."""
    length = link.x2 - link.x1
    if link.is_wide:
        return length, False
    return max([length, *(other.x2 - other.x1 for other in link.feet_below(links))]), True


def _goes_over(link: Link, other: Link) -> bool:
    spans = link.x1 <= other.x1 and other.x2 <= link.x2
    return spans or (not link.is_wide and any(link.feet_below([other])))


def _overlap(link: Link, other: Link) -> bool:
    (low, high), (other_low, other_high) = link.extent, other.extent
    return low < other_high + CLEARANCE and other_low < high + CLEARANCE


def _slide(link: Link, way: tuple[float, float], bounds: tuple[float, float], others: Sequence[Link]) -> None:
    """Move the middle of the label on its way, within the bounds if possible, to where the fewest feet of others are
    under it, and there as little as possible."""
    (low, high), (least, most), middle = way, bounds, link.label_x

    def cost(x: float) -> tuple[float, int, float]:
        link.label_x = x
        return max(least - x, x - most, 0.0), sum(1 for _ in link.feet_below(others)), abs(x - middle)

    steps = min(max(int((high - low) / 4), 1), MOST_STEPS)
    link.label_x = min((middle, *(low + (high - low) * i / steps for i in range(steps + 1))), key=cost)
