"""Normalised form of names: what makes "NF-κBs" in a text the same as "nf kappa b" in a vocabulary."""

import re
import unicodedata
from functools import lru_cache

from ..typography import unify

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi",
    "ρ": "rho", "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega",
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
_REMEMBERED = 64  # characters; longer words are sequences, and hardly ever come back


def plain(text: str) -> str:
    """Without accents and compatibility forms, Greek letters spelled out."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", unify(text))
        text = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_LETTERS)
    return text


def fold(text: str) -> str:
    """Letters and digits only, accents and compatibility forms removed, Greek letters spelled out; case is kept."""
    return "".join(_WORD.findall(plain(text)))


def normalize(text: str) -> str:
    """The key of a name: as :func:`fold`, in lower case, each word in one spelling (see below). May be empty.

    Words lose the regular plural ending and the possessive "s", and British "ae" and "oe" become "e". Keys of parts
    make the key of the whole: ``normalize(a + " " + b) == normalize(a) + normalize(b)``. That lets every span of a text
    be looked up by running along one string.
    """
    return "".join(map(_spelling, _WORD.findall(plain(text))))


def normalize_token(text: str) -> str:
    """:func:`normalize`, remembered: the words of a text come back often."""
    return _normalize_word(text) if len(text) <= _REMEMBERED else normalize(text)


@lru_cache(maxsize=1 << 16)
def _normalize_word(text: str) -> str:
    return normalize(text)


def _spelling(word: str) -> str:
    return _spell_word(word) if len(word) <= _REMEMBERED else _spell_word.__wrapped__(word)


@lru_cache(maxsize=1 << 16)
def _spell_word(word: str) -> str:
    """Names and texts must be treated alike; that matters more than correct English."""
    if word == "s":  # of "Crohn's"; the protein S is written with a capital
        return ""
    word = word.lower()
    if len(word) < 4:
        return word
    if len(word) > 4 and ("ae" in word or "oe" in word):
        word = word.replace("ae", "e").replace("oe", "e")
    if word.endswith(("mour", "mours")):
        return word[: word.rindex("mour")] + "mor"
    if word[-1] != "s" or word[-2] in "suia":
        return word
    if word.endswith(("oses", "yses", "stases")):
        return word[:-2] + "is"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "viruses")):
        return word[:-2]
    return word[:-1]
