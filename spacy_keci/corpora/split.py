"""Hold out a part of a corpus."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def hold_out(
    items: Sequence[T], fraction: float, seed: int = 0, group: Callable[[T], str] | None = None
) -> tuple[list[T], list[T]]:
    """A random split, the same for the same items and seed: the rest, and the held-out part of about ``fraction``.

    With ``group``, items of one group stay together, and the held-out part may be a little smaller. Both parts keep
    the order of the items. Raises ValueError if a part would be empty, or if an item has no group.
    """
    groups: dict[object, list[int]] = {}
    for i, item in enumerate(items):
        key: object = group(item) if group else i
        if key == "":
            raise ValueError(f"Item {i + 1} of {len(items)} has no group: a split by group needs one for every item.")
        groups.setdefault(key, []).append(i)
    keys = list(groups)
    random.Random(seed).shuffle(keys)
    target = round(fraction * len(items))
    held_out: set[int] = set()
    for key in keys:
        if len(held_out) + len(groups[key]) <= target:
            held_out.update(groups[key])
    if not 0 < len(held_out) < len(items):
        raise ValueError(
            f"Holding out {fraction} of {len(items)} items in {len(groups)} groups leaves one part empty. "
            "Take another fraction, between 0 and 1."
        )
    return [item for i, item in enumerate(items) if i not in held_out], [items[i] for i in sorted(held_out)]
