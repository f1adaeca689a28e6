"""Text in a drawing: how wide it is, and how to write what markup cannot hold."""

import re
import unicodedata
from functools import lru_cache

# Widths of letters in thousandths of the font size, of a sans serif font. Drawings stretch each text to its computed
# width, so that these need not be exact.
_NARROW, _WIDE = frozenset(" !',./:;I[\\]`fijlrt|()-"), frozenset("mwMW@%")
# What XML 1.0 (section 2.2) does not allow, the C1 controls, and what would make text run another way than it does.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    if unicodedata.category(base) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(base) in "WF":
        return 1000
    if base in _NARROW:
        return 290
    if base in _WIDE:
        return 850
    return 700 if unicodedata.category(base) in ("Lu", "So", "Sm") else 560


def shorten(text: str, length: int) -> str:
    """At most so many characters, the last an ellipsis where the text is longer; whitespace becomes one space."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
