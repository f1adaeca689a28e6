"""Where the parts of a drawing go: text in rows, mentions as bars stacked above it, relations as arcs above these.

The longer of two nested mentions lies below the shorter, as in a pyramid, so that an arc can reach every bar from
above. A relation between two rows has a leg in each, with a label that names the other end.
"""

from .picture import Picture
from .plan import Plan
from .row import RowPlan
from .shapes import DESCENT, MARGIN, ROW_GAP, SENTENCE_GAP, Layout


def lay_out(picture: Picture, max_width: float) -> Layout:
    """Place everything, in rows at most ``max_width`` pixels wide (a label alone may be wider)."""
    plan = Plan(picture, max_width - 2 * MARGIN)
    plans = [RowPlan(plan, begin, end) for begin, end in plan.break_rows()]
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
