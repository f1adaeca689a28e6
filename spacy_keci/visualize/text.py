"""Text in a drawing: how wide it is, which way it runs, and how to write what markup cannot hold."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

# Advance widths of Helvetica for the characters from space to tilde, in thousandths of the font size (Adobe's core
# font metrics; Arial and Liberation Sans share them). Drawings stretch each text to its computed width, so that other
# fonts fit as well.
_ASCII_WIDTHS = [
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
]
# What XML 1.0 (section 2.2) does not allow, the C1 controls, and what would make text run another way than it does.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STRONG = {"L": "L", "EN": "L", "R": "R", "AL": "R"}


def writable(text: str) -> str:
    """The text with control characters as visible signs (␀, ␛; � where there is none), fit for XML and HTML."""
    return _UNWRITABLE.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "�"


@lru_cache(maxsize=65536)
def text_width(text: str, size: float) -> float:
    """Width of a text in pixels at this font size."""
    return sum(map(_char_width, text)) * size / 1000


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    base = unicodedata.normalize("NFD", char)[0]
    if " " <= base <= "~":
        return _ASCII_WIDTHS[ord(base) - 32]
    if unicodedata.category(base) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(base) in "WF":
        return 1000
    return 720 if unicodedata.category(base) in ("Lu", "So", "Sm") else 560


def shorten(text: str, length: int) -> str:
    """At most so many characters, the last an ellipsis where the text is longer; whitespace becomes one space."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def direction(text: str) -> str:
    """``L`` or ``R``: the way in which the first letter or digit runs; ``N`` if there is none."""
    return next((_STRONG[kind] for char in text if (kind := unicodedata.bidirectional(char)) in _STRONG), "N")


def base_direction(texts: Sequence[str]) -> str:
    """``R`` if more of the texts run from right to left than from left to right, else ``L``."""
    directions = [direction(text) for text in texts]
    return "R" if directions.count("R") > directions.count("L") else "L"


def resolve_directions(texts: Sequence[str], base: str) -> list[str]:
    """``L`` or ``R`` for each text of a line. Those without a direction take that of their neighbours if these agree,
    else the base direction (Unicode Bidirectional Algorithm, rules N1 and N2, on whole words)."""
    runs = [(kind, len(list(run))) for kind, run in groupby(direction(text) for text in texts)]
    resolved: list[str] = []
    for i, (kind, length) in enumerate(runs):
        if kind == "N":
            before = runs[i - 1][0] if i else base
            after = runs[i + 1][0] if i + 1 < len(runs) else base
            kind = before if before == after else base
        resolved += [kind] * length
    return resolved


def visual_order(directions: Sequence[str], base: str) -> list[int]:
    """Indices of the words of a line from left to right (rule L2 on whole words)."""
    order: list[int] = []
    for kind, run in groupby(range(len(directions)), key=directions.__getitem__):
        indices = list(run)
        order += indices if kind == base else indices[::-1]
    return order if base == "L" else order[::-1]
