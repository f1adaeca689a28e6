"""The parts of a drawing in pixels, and the measures that they share."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .picture import DrawnMention

FONT, LABEL_FONT = 15.0, 10.5
# heights: of a bar, from bar to bar, from arc to arc, of a label in a frame
BAR, LANE, LEVEL, PILL = 15.0, 18.0, 17.0, 14.0
# of text above and below its baseline; between rows, and more between sentences
ASCENT, DESCENT, ROW_GAP, SENTENCE_GAP, MARGIN = 17.0, 7.0, 9.0, 9.0, 6.0
SIGNS = {"lost": "− ", "gained": "+ ", "": ""}


class Words(NamedTuple):
    """Text between two boundaries of mentions; ``x`` is its middle."""

    x: float
    width: float
    text: str


class Bar(NamedTuple):
    """A mention, or its part in one row. ``outer``: not inside another mention."""

    x: float
    y: float
    width: float
    label: str
    mention: DrawnMention
    outer: bool


class Arc(NamedTuple):
    """A relation in one row; or (``framed``) the relations of a mention to other rows that have the same label.

    ``path`` and ``arrow`` (may be empty) are SVG path data; (``x``, ``y``) is the middle of the label.
    """

    path: str
    arrow: str
    x: float
    y: float
    label_width: float
    label: str
    title: str
    mark: str
    framed: bool


@dataclass
class Row:
    """``x`` and ``y``: where it is in the drawing; all other coordinates are relative to that."""

    x: float
    y: float
    baseline: float
    words: list[Words]
    bars: list[Bar]
    arcs: list[Arc]


@dataclass
class Layout:
    """Size of the drawing, and its rows."""

    width: float
    height: float
    rows: list[Row] = field(default_factory=list)
