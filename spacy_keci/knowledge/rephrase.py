"""Other ways to say what a mention says, as a vocabulary may have it: "hypertensive" as "hypertension", "renal damage"
as "renal disease". These are guesses, in order; one counts only if it names a concept of the mention's type."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_BRACKETS = re.compile(r"\s*\([^()]*\)")
_OF = re.compile(r"(.+?) (?:of|in|to) (?:the )?(.+)")
_GREEK = {"a": "alpha", "b": "beta", "g": "gamma", "k": "kappa"}
_GREEK_FIRST, _GREEK_LAST = re.compile(r"([abgk])-(\w.*)"), re.compile(r"(.*[A-Z0-9])-?([abgk])")
_CHARGE = re.compile(r"(.*[A-Za-z])\s?(?:\(\d?[+-]\)|\d?\s?[+-])")
_ISOTOPE = re.compile(r"\[?\(?\d+\)?[A-Z][a-z]?\]?-?(\w{4,}.*)")
_SPECIES = re.compile(r"(?:human|mouse|murine|rat|bovine|porcine|canine|rabbit|chicken|zebrafish|yeast)\s+(.+)", re.I)
_WHAT_OF_IT = re.compile(r"(.+?)[\s-](?:mrnas?|cdnas?|transcripts?|promoters?|alleles?|polypeptides?|isoforms?)", re.I)
_RECEPTOR = re.compile(r"(.+?)[\s-]receptors?[\s-]?(\d?)", re.I)
_ISOFORM = re.compile(r"(.+?)[\s-]?(?:alpha|beta|gamma|delta|[α-δ])\d?")
# Endings of adjectives, and of the nouns that they come from: "hypertensive" and "hypertension", as the derivations of
# the SPECIALIST Lexicon have them
_DERIVED = (
    ("ory", "ion"), ("ive", "ion"), ("tic", "sis"), ("tic", "sy"), ("ic", "ia"), ("ic", "y"), ("ic", "es"),
    ("ic", "us"), ("ic", "e"), ("ic", "ism"), ("ic", "is"), ("ic", ""), ("ous", "us"), ("ous", ""), ("ed", "ion"),
    ("e", "ity"), ("ate", "ic acid"), ("al", "y"), ("al", ""), ("ar", ""),
)  # fmt: skip
_SHORTEST_STEM = 4
# Words for harm that vocabularies call a disease or a disorder, and those words themselves
_HARM = (
    "damage|injury|injuries|dysfunctions?|impairments?|deficits?|abnormality|abnormalities|anomaly|anomalies|defects?"
    "|lesions?|involvement|problems?|complications?|disturbances?"
)
_DISEASE = "diseases?|disorders?|syndromes?|infections?|conditions?"
_HARMED = re.compile(rf"(.+)[\s-](?:{_HARM}|{_DISEASE}|toxicity|toxicities)", re.I)
_WITH_DISEASE = re.compile(rf"(.+)[\s-](?:{_DISEASE})", re.I)
_DISEASES = ("disease", "disorder", "syndrome", "infection")


def rephrase(text: str) -> Iterator[str]:
    """Other texts for that of a mention, the most faithful first: without brackets, with words in another order, Greek
    letters spelled out, without charge, isotope, species; a noun for an adjective; another word for a disorder."""
    if _BRACKETS.search(text) and (shorter := _BRACKETS.sub("", text).strip()):
        yield shorter
    if of := _OF.fullmatch(text):
        yield f"{of[2]} {of[1]}"
    if greek := _GREEK_FIRST.fullmatch(text):
        yield f"{_GREEK[greek[1]]} {greek[2]}"
    if greek := _GREEK_LAST.fullmatch(text):
        yield f"{greek[1]} {_GREEK[greek[2]]}"
    if charged := _CHARGE.fullmatch(text):
        yield elements().get(charged[1], charged[1])
    elif len(text) > 1 and text in elements():
        yield elements()[text]
    if receptor := _RECEPTOR.fullmatch(text):
        yield f"{receptor[1]}R{receptor[2]}"
    for pattern in (_ISOTOPE, _SPECIES, _WHAT_OF_IT, _ISOFORM):
        if found := pattern.fullmatch(text):
            yield found[1]
    yield from _nouns(text)
    if harmed := _HARMED.fullmatch(text):
        yield from (f"{harmed[1]} {disease}" for disease in _DISEASES[:2])
    if disease := _WITH_DISEASE.fullmatch(text):
        yield disease[1]
    else:
        yield from (f"{text} {disease}" for disease in _DISEASES)


def _nouns(adjective: str) -> Iterator[str]:
    """The nouns that the last word may come from."""
    before, _, word = adjective.rpartition(" ")
    for ending, noun in _DERIVED:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            yield f"{before} {stem}{noun}".strip()


@lru_cache(maxsize=1)
def elements() -> dict[str, str]:
    """Names of the chemical elements by symbol, from ``elements.txt``."""
    lines = (Path(__file__).parent / "elements.txt").read_text(encoding="utf8").splitlines()
    return dict(line.split() for line in lines if not line.startswith("#"))
