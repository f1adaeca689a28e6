"""Abbreviations that a text defines: how the linker uses them, and how they are stored on a Doc.

``doc.spans["abbreviations"]`` holds the definitions, each as its short form followed by its long form, and is
serialized with the Doc; ``doc._.abbreviations`` reads it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from spacy.tokens import Doc, Span, SpanGroup

if TYPE_CHECKING:
    from ..knowledge.abbreviations import Abbreviation
    from ..knowledge.candidates import Candidate

ABBREVIATIONS_KEY = "abbreviations"
_SHORT, _LONG = "SHORT_FORM", "LONG_FORM"

Found = dict[tuple[int, int], "tuple[Candidate, ...]"]


@dataclass(frozen=True)
class DefinedAbbreviation:
    """A definition in a text: "acute kidney injury (AKI)"."""

    short: Span
    long: Span


def abbreviate(doc: Doc, found: "Found", definitions: "Iterable[Abbreviation]") -> "list[Abbreviation]":
    """Give all occurrences of short forms the candidates of their long forms. Returns the definitions, each with the
    variant of its long form that has candidates.

    found: candidates of token spans; short forms are added to it. A short form has the long form that was last defined
    before it. If the definition is uncertain, a short form keeps its own candidates: those that it shares with the long
    form, or all if it shares none. Time is linear in the length of the text.
    """
    chosen = [
        each._replace(long=each.other, other=each.long) if each.long not in found and each.other in found else each
        for each in definitions
    ]
    meanings = Meanings(doc, (each for each in chosen if each.long in found))
    tokens = [token.text for token in doc] if meanings.lengths else []
    candidates = {each.long: found[each.long] for each in chosen if each.long in found}
    for start in range(len(tokens)):
        for length in meanings.lengths:
            span = (start, start + length)
            if span[1] <= len(tokens) and (meant := meanings(tokens[slice(*span)], start)):
                found[span] = _combine(found.get(span), candidates[meant.long], meant.is_certain)
    return chosen


class Meanings:
    """What short forms, with their plurals and singulars, mean in a text.

    lengths: of short forms in tokens, the longest first.
    """

    def __init__(self, doc: Doc, definitions: "Iterable[Abbreviation]") -> None:
        self._definitions: dict[tuple[str, ...], list[Abbreviation]] = defaultdict(list)
        for each in definitions:
            for form in _forms_of([token.text for token in doc[each.short[0] : each.short[1]]]):
                self._definitions[form].append(each)
        self.lengths = sorted({len(form) for form in self._definitions}, reverse=True)

    def __call__(self, tokens: Sequence[str], start: int) -> "Abbreviation | None":
        """The definition of these tokens, which begin at ``start``: the last one before, else the first after it; None
        if they are no short form."""
        several = self._definitions.get(tuple(tokens))
        if several is None:
            return None
        return several[max(bisect_right(several, start, key=lambda each: each.short[0]) - 1, 0)]


def _forms_of(short: Sequence[str]) -> list[tuple[str, ...]]:
    """The tokens of a short form, and of its plural or singular."""
    *first, last = short
    forms = [tuple(short)]
    if len(last) > 2 and last[-1] == "s" and (last[-2].isupper() or last[-2].isdigit()):
        forms.append((*first, last[:-1]))
    elif last[-1].isupper() or last[-1].isdigit():
        forms.append((*first, f"{last}s"))
    return forms


def _combine(
    own: "tuple[Candidate, ...] | None", defined: "tuple[Candidate, ...]", is_certain: bool
) -> "tuple[Candidate, ...]":
    if own is None or is_certain:
        return defined
    concepts = {candidate.concept for candidate in own}
    return tuple(candidate for candidate in defined if candidate.concept in concepts) or own


def set_abbreviations(doc: Doc, definitions: "Iterable[Abbreviation]") -> None:
    """Write definitions to ``doc.spans["abbreviations"]``, replacing previous ones."""
    spans = []
    for each in definitions:
        spans += [Span(doc, *each.short, label=_SHORT), Span(doc, *each.long, label=_LONG)]
    doc.spans[ABBREVIATIONS_KEY] = SpanGroup(doc, name=ABBREVIATIONS_KEY, spans=spans)


def get_abbreviations(doc: Doc) -> list[DefinedAbbreviation]:
    """The definitions that the linker found, in order of the text."""
    spans = list(doc.spans[ABBREVIATIONS_KEY]) if ABBREVIATIONS_KEY in doc.spans else []
    return [
        DefinedAbbreviation(short, long)
        for short, long in pairwise(spans)
        if (short.label_, long.label_) == (_SHORT, _LONG)
    ]


def install_abbreviations_extension(attr: str = "abbreviations") -> None:
    """Make ``doc._.abbreviations`` read the definitions; the linker calls it when it is created.

    Raises ValueError if another package uses the name, such as scispaCy's detector.
    """
    if not Doc.has_extension(attr):
        Doc.set_extension(attr, getter=get_abbreviations)
    elif Doc.get_extension(attr)[2] is not get_abbreviations:
        raise ValueError(
            f"Doc._.{attr} is already used by another package. Set abbreviations_attr of the component to a free name."
        )
