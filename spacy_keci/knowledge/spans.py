"""The spans of a text that may name a concept: names, and what people add to names."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from spacy.lang.en.stop_words import STOP_WORDS

from .normalize import normalize_token
from .variants import TAIL_WORDS, is_modifier, without_species

_BREAK = re.compile(r"[.,;:!?]$")
_BRACKETS = {")": "(", "]": "[", "}": "{"}

Span = tuple[int, int]
# the prefixes of a text that are keys, with their numbers
Prefixes = Callable[[str], Iterable[tuple[str, int]]]


class Hit(NamedTuple):
    """Tokens ``start`` to ``end`` (exclusive) are the key ``key`` of the lexicon."""

    start: int
    end: int
    key: int


def find_spans(prefixes: Prefixes, tokens: Sequence[str], spaces: Sequence[bool], max_words: int = 8) -> list[Hit]:
    """All spans of up to ``max_words`` words whose normalised form is a key, in order of start; they may overlap.

    ``spaces`` says which tokens are followed by a space. Words are tokens with a letter or digit. A span begins and
    ends with a word, or with the bracket that closes one inside; it does not run across punctuation that is followed
    by whitespace. Time is linear in the length of the text.

    Variants of a name are spans of their own, unless they are part of a name: the words before and after it that leave
    it what it is ("severe hepatitis", "p53 protein"), its charge ("Ca2+"), the letter of a species ("hTERT").
    """
    words = _Words(tokens, spaces, max_words)
    names: dict[Span, int] = {}
    variants: dict[Span, int] = {}
    for first in range(len(words.tokens)):
        for last, key in _keys_from(words, first, words.key(first), prefixes):
            if end := words.end(first, last):
                names.setdefault((words.tokens[first], end), key)
            for span in (*_with_tail_word(words, first, last), *_with_modifiers(words, first, last, end)):
                variants.setdefault(span, key)
        for start in without_species(words[first]):
            for last, key in _keys_from(words, first, start, prefixes):
                if end := words.end(first, last):
                    variants.setdefault((words.tokens[first], end), key)
                for span in _with_modifiers(words, first, last, end):
                    variants.setdefault(span, key)
    for part in _parts(variants, names):
        del variants[part]
    return [Hit(*span, key) for span, key in sorted((variants | names).items())]


class _Words:
    """The words of a text, by number.

    tokens: the token of each. text: their keys, joined. edges: where each key begins in it, and the last one ends.
    ending_at: the word of which the key ends there. limits: the word up to which a span that begins with each may run,
    exclusive.
    """

    def __init__(self, tokens: Sequence[str], spaces: Sequence[bool], max_words: int) -> None:
        self.all_tokens, self.spaces = tokens, spaces
        self.tokens: list[int] = []
        pieces: list[str] = []
        self.edges, breaks = [0], list[int]()
        for i, token in enumerate(tokens):
            piece = normalize_token(token)
            if piece:
                self.tokens.append(i)
                pieces.append(piece)
                self.edges.append(self.edges[-1] + len(piece))
            # a line break is a token of its own
            ends_here = _BREAK.search(token) and (spaces[i] or "".join(tokens[i + 1 : i + 2]).isspace())
            if ends_here and self.tokens and (not breaks or breaks[-1] != len(self.tokens)):
                breaks.append(len(self.tokens))
        breaks.append(len(self.tokens))
        self.text = "".join(pieces)
        self.ending_at = {edge: word for word, edge in enumerate(self.edges[1:])}
        self.limits: list[int] = []
        b = 0
        for i in range(len(self.tokens)):
            while breaks[b] <= i:
                b += 1
            self.limits.append(min(i + max_words, breaks[b]))

    def __getitem__(self, word: int) -> str:
        return self.all_tokens[self.tokens[word]]

    def key(self, word: int) -> str:
        return self.text[self.edges[word] : self.edges[word + 1]]

    def end(self, first: int, last: int) -> int:
        """The token after the span of words, with the brackets that it opens closed; 0 if that is not possible."""
        start, end = self.tokens[first], self.tokens[last] + 1
        if first == last:
            return end
        open_brackets: list[str] = []
        position = start
        while position < end or (
            open_brackets and position < len(self.all_tokens) and not normalize_token(self.all_tokens[position])
        ):
            for character in self.all_tokens[position]:
                if character in "([{":
                    open_brackets.append(character)
                elif character in ")]}" and (not open_brackets or open_brackets.pop() != _BRACKETS[character]):
                    return 0
            position += 1
        return 0 if open_brackets else position


def _keys_from(words: _Words, first: int, start: str, prefixes: Prefixes) -> Iterator[tuple[int, int]]:
    """(last word, key) of the spans from a word on that are keys, if ``start`` stands for that word."""
    after = words.edges[first + 1]
    for prefix, key in prefixes(start + words.text[after : words.edges[words.limits[first]]]):
        last = words.ending_at.get(after + len(prefix) - len(start))
        if last is not None and last >= first and not _is_phrase(words, first, last):
            yield last, key


def _is_phrase(words: _Words, first: int, last: int) -> bool:
    """Whether a span is more likely words of the sentence than a name: "as a" is not ASA."""
    return last > first and (words[first] in STOP_WORDS or words[last] in STOP_WORDS)


def _with_tail_word(words: _Words, first: int, last: int) -> Iterator[Span]:
    """The span of the words ``first`` to ``last`` with the word for its kind behind it, if there is one."""
    if last + 1 < words.limits[first] and words[last + 1].lower() in TAIL_WORDS:
        yield words.tokens[first], words.tokens[last + 1] + 1


def _with_modifiers(words: _Words, first: int, last: int, end: int) -> Iterator[Span]:
    """The span of the words ``first`` to ``last``, which ends before the token ``end``, with modifiers before it, or
    with its charge."""
    before = first - 1
    while end and before >= 0 and words.limits[before] > last and is_modifier(words[before], words[before + 1]):
        yield words.tokens[before], end
        before -= 1
    after = words.tokens[last] + 1
    if end == after < len(words.all_tokens) and not words.spaces[after - 1] and words.all_tokens[after][0] == "+":
        yield words.tokens[first], end + 1


def _parts(spans: Iterable[Span], of: Iterable[Span]) -> list[Span]:
    """The spans that lie in one of the others, and are not the same."""
    longest: dict[int, int] = {}
    for start, end in of:
        longest[start] = max(end, longest.get(start, 0))
    parts = []
    reached = 0  # by those that begin before
    starts = iter(sorted(longest))
    following = next(starts, None)
    for start, end in sorted(spans):
        while following is not None and following < start:
            reached = max(reached, longest[following])
            following = next(starts, None)
        if end <= reached or end < longest.get(start, 0):
            parts.append((start, end))
    return parts
