"""Names as people write them: variants that vocabularies do not list, and when the case of a name matters."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

from spacy.lang.en.stop_words import STOP_WORDS

from .normalize import fold, normalize

_QUALIFIER = re.compile(r"(.*\w.*?)\s+[(\[][^()\[\]]*[)\]]")
_KINDS = "proteins?|genes?|domains?|famil(?:y|ies)|molecules?|complex(?:es)?"
_HEAD_WORD = re.compile(rf"(.*\w.*)[\s-](?:{_KINDS})", re.IGNORECASE)
_FIRST = re.compile(r"(.*[^\W\d][\s-]?(?=1)|[A-Z]+\d(?=A))[1A]")
_FIRST_OF_NAME = re.compile(r"([a-z][\w -]*\w{3,}) alpha[ -]?1?(?:,.*)?", re.IGNORECASE)
_SYMBOL = re.compile(r"([A-Z][A-Z0-9]+)([ABGDEZ])(\d?)")
_GREEK_LETTERS = {"A": "alpha", "B": "beta", "G": "gamma", "D": "delta", "E": "epsilon", "Z": "zeta"}
SALTS = tuple(
    "acetate bromide chloride citrate fumarate hydrobromide hydrochloride maleate mesylate nitrate phosphate potassium "  # noqa: SIM905
    "sodium succinate sulfate sulphate tartrate".split()
)
# Words after a name that leave it what it is: kinds of things, and salts of drugs
TAIL_WORDS = frozenset(
    (*SALTS, *"protein proteins gene genes domain domains family families molecule molecules".split())  # noqa: SIM905
)
# Words before the name of a disorder that say how bad it is, or how it runs
COURSE_WORDS = frozenset(
    "acute asymptomatic bilateral chronic delayed diffuse disseminated extensive fatal focal generalised generalized "  # noqa: SIM905
    "intermittent irreversible isolated lethal localised localized marked massive mild moderate multiple persistent "
    "profound progressive prolonged rebound recurrent refractory reversible serious severe spontaneous subacute sudden "
    "sustained symptomatic temporary transient unilateral worsening".split()
)
# Words before the name of an acid's anion that make it a salt
_CATIONS = frozenset({"calcium", "disodium", "magnesium", "potassium", "sodium"})
_SPECIES = re.compile(r"(?:h|m|r|d|x|X|y|Hs|Mm|Dm|Xl|Sc)([A-Z]\w+)|([A-Z][a-z]{2}\d+)p")

# Longer names are sentences, and have no variants: to look for them takes time with the square of their length
_LONGEST = 300

# How the case of a text must agree with a name
ANY_CASE, SAME_CASE, NOT_LOWER_CASE, NEVER = 0, 1, 2, 3
# … and added to it: a name in capitals, which a word in lower case means only where it is the name of nothing else
IN_CAPITALS = 4
# Kinds of keys: a name; the first of a family; less than a name, which counts where nothing has that name
NAME, FIRST, LESS = 0, 1, 2


@lru_cache(maxsize=1)
def ambiguous_words() -> frozenset[str]:
    """Normalised English words that are symbols too (``ambiguous_words.txt``), and spaCy's English stop words."""
    lines = (Path(__file__).parent / "ambiguous_words.txt").read_text(encoding="utf8").splitlines()
    words = chain.from_iterable(line.split() for line in lines if not line.startswith("#"))
    return frozenset(normalize(w) for w in chain(words, STOP_WORDS))


def case_rule(name: str, key: str) -> int:
    """Two characters: not in lower case ("Rb" is RB, "at" is not AT). Words that are symbols too: as written."""
    if key in ambiguous_words():
        rule = ANY_CASE if key not in STOP_WORDS and fold(name)[1:].islower() else SAME_CASE
    else:
        rule = NOT_LOWER_CASE if len(key) < 3 else ANY_CASE
    return rule + (IN_CAPITALS if name.isupper() else 0)


def keys_of(name: str) -> dict[str, int]:
    """Keys under which a name is found, and the kind of each: the name, or a variant that the source does not have.

    Variants: without a qualifier in brackets at the end; without a head word that says what kind of thing it is
    ("SH3 domain" is found as "SH3"); the first of a numbered family without its number ("CREB1" as "CREB", "LIN7A" as
    "LIN7"); Greek for the last letter of a gene symbol ("GSK3B" as "GSK3beta").
    """
    key = normalize(name)
    keys = {key: NAME} if len(key) > 1 and not key.isdigit() else {}
    if len(name) > _LONGEST:
        return keys
    variants = [(m[1], FIRST) for p in (_FIRST, _FIRST_OF_NAME) if (m := p.fullmatch(name))]
    greek = _SYMBOL.fullmatch(name)
    if greek:
        variants.append((f"{greek[1]}{_GREEK_LETTERS[greek[2]]}{greek[3]}", FIRST))
    variants += [(m[1], LESS) for p in (_QUALIFIER, _HEAD_WORD) if (m := p.fullmatch(name))]
    for variant, kind in variants:
        key = normalize(variant)
        if len(key) > 2 and not key.isdigit() and key not in ambiguous_words():
            keys.setdefault(key, kind)
    return keys


def is_modifier(word: str, following: str) -> bool:
    """Whether a word leaves the name that follows it what it is: the course of a disorder, or the metal of a salt."""
    word = word.lower()
    return word in COURSE_WORDS or (word in _CATIONS and following.lower().endswith(("ate", "ide")))


def without_modifiers(text: str) -> Iterator[str]:
    """The names that are left of a text without the letter of a species, words before it, or a word after it.

    "hTERT" as "TERT"; "severe acute hepatitis" as "acute hepatitis", then "hepatitis"; "p53 protein" as "p53".
    """
    words = text.split()
    for key in without_species(words[0]) if words else ():
        yield " ".join([key, *words[1:]])
    for i in range(1, len(words)):
        if not is_modifier(words[i - 1], words[i]):
            break
        yield " ".join(words[i:])
    if len(words) > 1 and words[-1].lower() in TAIL_WORDS:
        yield " ".join(words[:-1])


def without_species(token: str) -> list[str]:
    """Keys of a token without the letter of a species: "hTERT", "mPER1", "dCtBP"; and, of yeast, "Cdc6p"."""
    match = _SPECIES.fullmatch(token)
    return [normalize(match[1] or match[2])] if match else []
