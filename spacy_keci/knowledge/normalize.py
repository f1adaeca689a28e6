"""Normalised form of names: what makes "NF-κBs" in a text the same as "nf kappa b" in a vocabulary."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi",
    "ρ": "rho", "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega",
    # what texts use in their place
    "ɛ": "epsilon", "ɑ": "alpha", "ɣ": "gamma", "∂": "delta", "∆": "delta",
}  # fmt: skip
_LETTERS = str.maketrans(
    {**_GREEK, **{k.upper(): v.capitalize() for k, v in _GREEK.items() if k != "ς"}}
    | {
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
    }
)
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 64  # characters of a word that is remembered: texts may hold sequences of any length


def _plain(text: str) -> str:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_LETTERS)
    return text


def _remember(function: Callable[[str], str]) -> Callable[[str], str]:
    """Remember what comes of words, at most 65,536 of them, and not of long ones: memory stays bounded."""
    remembered = lru_cache(maxsize=1 << 16)(function)

    @wraps(function)
    def call(word: str) -> str:
        return remembered(word) if len(word) <= _LONGEST else function(word)

    return call


def fold(text: str) -> str:
    """Letters and digits only, accents and compatibility forms removed, Greek letters spelled out; case is kept."""
    return "".join(_WORD.findall(_plain(text)))


def normalize(text: str) -> str:
    """The key of a name: as :func:`fold`, in lower case, each word in one spelling (see below). May be empty.

    Words lose the regular plural ending and the possessive "s", and British "ae" and "oe" become "e". Keys of parts
    make the key of the whole: ``normalize(a + " " + b) == normalize(a) + normalize(b)``. That lets every span of a text
    be looked up by running along one string.
    """
    return "".join(map(_spelling, _WORD.findall(_plain(text))))


@_remember
def normalize_token(text: str) -> str:
    """:func:`normalize`, remembered: the words of a text come back often."""
    return normalize(text)


@_remember
def _spelling(word: str) -> str:
    """Right or wrong matters less than doing the same to names and texts."""
    if word == "s":  # of "Crohn's"; the protein S is written with a capital
        return ""
    word = word.lower()
    if len(word) < 4:
        return word
    if len(word) > 4 and ("ae" in word or "oe" in word):
        word = word.replace("ae", "e").replace("oe", "e")
    if word.endswith("mour"):
        return word[:-4] + "mor"
    if word[-1] != "s" or word[-2] in "suia":
        return word
    if word.endswith(("oses", "yses", "stases")):
        return word[:-2] + "is"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "viruses")):
        return word[:-2]
    return word[:-1]
