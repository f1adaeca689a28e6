"""Abbreviations that a text defines itself: "acute kidney injury (AKI)", "AKI (acute kidney injury)".

After Schwartz and Hearst 2003, A simple algorithm for identifying abbreviation definitions in biomedical text: the
characters of the short form occur in the long form, in order, the first of them at the beginning of a word. They take
the shortest such text; here the alignment with the most characters at the beginnings of words wins, so that CC is
"colon cancer" and not "cancer". On tokens, in time linear in the length of the text.
"""

import re
from collections.abc import Iterator
from functools import cached_property, partial
from typing import NamedTuple

from spacy.tokens import Doc

from ..sentences import break_tokens
from ..typography import unify_doc
from .alignment import Alignment, align
from .normalize import plain

_CLOSING = {"(": ")", "[": "]"}
_QUOTES = frozenset("\"'«»`")
_BREAK = re.compile(r"[.,;:!?]$")
_LONGEST_SHORT = 12  # characters
_FARTHEST = 64  # tokens that a pair of brackets, or a long form, may span
# words before a short form in brackets, and before a long one
_INTRODUCTIONS = frozenset(
    "a abbreviated abbreviation abbr also as called denoted designated eg hereafter hereinafter ie known namely now or "  # noqa: SIM905
    "previously referred short symbol termed the to".split()
)
_NOT_SHORT_FORMS = re.compile(r"(?i)(?:figs?|tables?|refs?|eqs?|nos?|suppl|sect|vols?|pp?)[. ]+\w.*|.*[=<>≤≥±%].*")
_ROMAN = re.compile(r"[IVX]+")
# what stands before a word of a chemical name and belongs to it: "2,3,7,8-", "N-", "alpha-"
_LOCANT = re.compile(
    r"(?:(?:\d+'?|[A-Za-z]|alpha|beta|gamma|delta|omega|tert|sec|cis|trans|ortho|meta|para)[,()\[\]'+-]+)+"
)

Span = tuple[int, int]


class Abbreviation(NamedTuple):
    """A definition: (start, end) tokens of the short form and of the long form, end exclusive.

    other: a longer or shorter reading of the long form, where it begins within a word with hyphens. is_certain: whether
    every character of the short form begins a word of the long form, or follows one that does, and no word is left
    over.
    """

    short: Span
    long: Span
    other: Span | None
    is_certain: bool


def find_abbreviations(doc: Doc) -> list[Abbreviation]:
    """The definitions of a text, in order."""
    text = _Text(unify_doc(doc))
    found = []
    for opening, closing in _brackets(text.tokens):
        definition = _short_in_brackets(text, opening, closing) or _long_in_brackets(text, opening, closing)
        if definition is not None:
            found.append(definition)
    return found


class _Text:
    """The tokens of a Doc, what they read without accents, which of them are glued to the one before, which ones white
    space follows, and which are breaks: the last four for texts with brackets only. White space is glued, too, since it
    is no word."""

    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.tokens = [token.text for token in doc]

    @cached_property
    def plain(self) -> list[str]:
        return [plain(token) for token in self.tokens]

    @cached_property
    def is_glued(self) -> list[bool]:
        ends = [bool(token.whitespace_ or token.is_space) for token in self.doc]
        return [i > 0 and (token.is_space or not ends[i - 1]) for i, token in enumerate(self.doc)]

    @cached_property
    def is_apart(self) -> list[bool]:
        is_space = [*(token.is_space for token in self.doc), True]
        return [bool(token.whitespace_) or is_space[i + 1] for i, token in enumerate(self.doc)]

    @cached_property
    def is_break(self) -> list[bool]:
        return break_tokens([self.doc]).tolist()

    def __call__(self, span: Span) -> str:
        return self.doc[span[0] : span[1]].text

    def chunk(self, token: int) -> int:
        """The first of the tokens that stand before ``token``, and it, without white space between."""
        first = token
        while self.is_glued[first] and token - first < _FARTHEST:
            first -= 1
        return first

    def align(self, short: str, span: Span, *, whole: bool = False) -> Alignment | None:
        """How a short form is contained in the tokens of a span, the last of which it must reach."""
        return align(plain(short), self.plain[span[0] : span[1]], self.is_glued[span[0] : span[1]], whole=whole)


def _brackets(tokens: list[str]) -> Iterator[Span]:
    """Positions of brackets that open and close, with something between; those within others too."""
    for i, token in enumerate(tokens):
        if token not in _CLOSING or i == 0:
            continue
        closing, depth = _CLOSING[token], 0
        for j in range(i + 1, min(i + _FARTHEST, len(tokens))):
            if tokens[j] == token:
                depth += 1
            elif tokens[j] == closing:
                if depth == 0:
                    if j > i + 1:
                        yield i, j
                    break
                depth -= 1


def _short_in_brackets(text: _Text, opening: int, closing: int) -> Abbreviation | None:
    end = next((j for j in range(opening + 1, closing) if text.tokens[j] in ",;"), closing)
    short = _trim(text, opening + 1, end)
    if short is None or not _is_short_form(text(short)):
        return None
    is_glued = text.is_glued[opening]  # "copper(II)" defines nothing
    before, end = _before(text, opening, len(text(short))), opening
    while end > before and not text.plain[end - 1][-1:].isalnum() and text.tokens[end - 1] not in _CLOSING.values():
        end -= 1
    aligned = _aligned(text, short, (before, end))
    if aligned is None or (is_glued and (aligned.n_words < 2 or len(text(short)) < 3)):
        return None
    start = before + aligned.start
    first = text.chunk(start)
    prefix = "".join(text.tokens[first:start])
    is_part = bool(prefix) and bool(_LOCANT.fullmatch(plain(prefix)))
    long, other = ((first, end), (start, end)) if is_part else ((start, end), (first, end))
    if text(long).casefold() == text(short).casefold():
        return None
    return Abbreviation(short, long, other if prefix and before <= first else None, aligned.is_certain)


def _long_in_brackets(text: _Text, opening: int, closing: int) -> Abbreviation | None:
    first = text.chunk(opening - 1) if not text.is_glued[opening] else opening
    short = _trim(text, first, opening)
    if short is None or not _is_short_form(text(short)) or len(text(short).split()) > 1:
        return None
    if sum(c.isupper() or c.isdigit() for c in text(short)) < 2:
        return None
    for long in _parts(text, opening + 1, closing):
        if len(text(long)) < 2 * len(text(short)) or text(long).casefold().startswith(text(short).casefold()):
            continue
        if aligned := _aligned(text, short, long, whole=True):
            return Abbreviation(short, long, None, aligned.is_certain)
    return None


def _parts(text: _Text, start: int, end: int) -> Iterator[Span]:
    """What a bracket may hold as a long form: what its semicolons divide, as a whole, or up to a comma."""
    for first, last in _divided(text, start, end, ";"):
        commas = [*_divided(text, first, last, ",")]
        for span in ((first, last), *(commas[:1] if len(commas) > 1 else ())):
            if (trimmed := _trim(text, *span)) is not None:
                yield trimmed


def _divided(text: _Text, start: int, end: int, sign: str) -> Iterator[Span]:
    """The spans between signs that white space follows."""
    for i in range(start, end):
        if text.tokens[i] == sign and text.is_apart[i]:
            yield start, i
            start = i + 1
    yield start, end


def _aligned(text: _Text, short: Span, span: Span, *, whole: bool = False) -> Alignment | None:
    """The better alignment of the short form as it stands, and without the s of a plural."""
    form = text(short)
    singular = form[:-1] if len(form) > 2 and form[-1] == "s" and (form[-2].isupper() or form[-2].isdigit()) else form
    return text.align(singular, span, whole=whole) or text.align(form, span, whole=whole)


def _trim(text: _Text, start: int, end: int) -> Span | None:
    """A span without white space, quotation marks and introducing words at its ends; None if nothing is left."""

    def is_blank(token: int) -> bool:
        return text.tokens[token] in _QUOTES or text.tokens[token].isspace()

    for is_left_out in (is_blank, partial(_introduces, text), is_blank):
        while start < end and is_left_out(start):
            start += 1
    while start < end and is_blank(end - 1):
        end -= 1
    return (start, end) if start < end else None


def _introduces(text: _Text, token: int) -> bool:
    """Whether a token is, or is part of, a word that introduces a short or long form; tokenizers divide "i.e."."""
    word, after = text.tokens[token], text.tokens[token + 1 : token + 2]
    return word.replace(".", "") in _INTRODUCTIONS or word in ".:," or (word in "ieg" and after == ["."])


def _before(text: _Text, opening: int, length: int) -> int:
    """The first token that a long form may begin with: at most min(|A| + 5, 2|A|) words before the bracket, in the same
    clause."""
    n_words, start, depth = min(length + 5, 2 * length), opening, 0
    while start > max(0, opening - _FARTHEST):
        token = text.tokens[start - 1]
        if text.is_break[start - 1] or (start < opening and _BREAK.search(token) and text.is_apart[start - 1]):
            break
        depth += (token in _CLOSING.values()) - (token in _CLOSING)
        if depth < 0 or (token in _CLOSING.values() and not _belongs_to_word(text, start - 1)):
            break
        start -= 1
        n_words -= not text.is_glued[start]
        if n_words == 0:
            break
    return start


def _belongs_to_word(text: _Text, closing: int) -> bool:
    """Whether a pair of brackets that closes here opens within a word: "poly(ADP-ribose)"."""
    depth = 0
    for i in range(closing, max(closing - _FARTHEST, -1), -1):
        depth += (text.tokens[i] in _CLOSING.values()) - (text.tokens[i] in _CLOSING)
        if depth == 0:
            return text.is_glued[i]
    return False


def _is_short_form(text: str) -> bool:
    """2 to 12 characters, at most two words, a letter, a capital or digit, the first character a letter or digit."""
    return (
        2 <= len(text) <= _LONGEST_SHORT
        and len(text.split()) <= 2
        and text[0].isalnum()
        and any(c.isalpha() for c in text)
        and any(c.isupper() or c.isdigit() for c in text)
        and not _NOT_SHORT_FORMS.fullmatch(text)
        and not _ROMAN.fullmatch(text)
    )
