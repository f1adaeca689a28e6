"""The rule that finds the sentences of biomedical English. It reads the text alone, and so works with any tokenizer."""

import re
from collections import deque
from collections.abc import Iterator

from spacy.lang.en.stop_words import STOP_WORDS
from spacy.pipeline import Sentencizer

from .typography import unify

# White space that no mention crosses, and no sentence either, apart from wrapped lines: line breaks and tabs.
BREAK = re.compile("[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")

_LINE_BREAK = re.compile(r" *\r?\n *").fullmatch
_WRAPPED_LINE = 40  # characters; shorter lines are those of a list or a table
_BLOCK_WIDTH = 60  # characters; minimum width of lines of one width

_ENDS = frozenset(Sentencizer.default_punct_chars)
_OPENERS = "([{\"'«"
_CLOSERS = ")]}\"'»"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_LONGEST_ASIDE = 250  # characters; brackets further apart are not taken for a pair

# An abbreviation whose full stop never ends a sentence,
_ABBREVIATION = re.compile(
    r"approx|Biol|ca|cf|Chem|Dr|[Ee]qs?|e\.g|[Ff]igs?|i\.e|incl|J|Mrs?|Natl|Proc|Prof|[Rr]efs?|resp|St|viz|vs"
).fullmatch
# and one of which that holds only before a number: "No. 5".
_BEFORE_NUMBER = re.compile(r"ch|nos?|pp?|sec|tab|v|ver|vols?", re.IGNORECASE).fullmatch
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]").fullmatch
_INITIAL = re.compile(r"[A-Za-z]\.").fullmatch

_GOES_ON = re.compile(r"[,;:)\]}%/=<>≤≥±×&]").match
_CITED_NUMBER = re.compile(r"\d+[,:;]").match  # of a reference: "J Biol. Chem. 275, 123"
_CAPITALISED = re.compile(r"[A-Z][a-z]").match
_SMALL = re.compile(r"[a-z]").match
# A name that begins with a small letter: "p53", "mTOR", "c-Myc", "c-fos", "alpha-synuclein", but neither "p<0.05" nor
# "kg-1" and "l(-1)".
_SMALL_NAME = re.compile(
    r"(?!\w+[<>=≤≥])(?!(?:k?g|[mμn]?[glm]|min|s|h|d|day|wk|mol)(?:-|\(-)\d)"
    r"(?:(?:alpha|beta|gamma|delta|epsilon|kappa|lambda|omega|[a-z])-\w|\w*[^\W_a-z])"
).match

# A citation behind the full stop: "binds p53.[12] The", "binds p53.1,2 The"
_ATTACHED_CITATION = re.compile(r"(?<=\.)\[\d[\d,-]*\]$|(?<=[^\W\d_]{2}\.)\d{1,3}(?:[,-]\d{1,3})*$").search
_CITATION = re.compile(r"\[\d[\d,-]*\]").fullmatch

_HEAD_WORD = r"""(?:
    abbreviations|abstract|aims?|analysis|approach(?:es)?|background|cases?|clinical|conclusions?|context|data|descriptions?
    |design|diagnos[ie]s|discussion|evidence|experimental|exposures?|features|findings?|funding|future|highlights|hypothesis
    |implications|importance|interpretation|interventions?|introduction|key|limitations?|main|materials?|measures?
    |measurements?|methods?|methodology|motivation|objectives?|observations?|outcomes?|participants?|patients?
    |perspectives?|population|presentation|primary|principal|problem|procedures?|purpose|question|rationale|registration
    |relevance|reports?|research|results?|review|scope|secondary|selection|settings?|significance|sources?|statement|study
    |subjects?|summar(?:y|ies)|synthesis|trials?|words)(?:\(s\))?"""
# One to six such words and a colon, "METHODS AND RESULTS:" or "Main outcome measures:"
_HEAD = re.compile(
    rf"{_HEAD_WORD} (?:(?:,?[ ](?:and[ ]|of[ ]|the[ ]|&[ ])* | [/,])\b{_HEAD_WORD}){{0,5}} [ ]?:(?=\s)",
    re.IGNORECASE | re.VERBOSE,
).match
# or several of any kind in capitals, "TAKE HOME MESSAGE:"
_CAPITALS = re.compile(r"[A-Z]{2,}(?:[ ,/&-]+[A-Z]{2,}){1,6}:(?=\s)").match


def find_sentences(text: str) -> list[int]:
    """The characters that sentences begin with, in order; the first is that of the first word. Takes linear time.

    A sentence begins

    - after a line break or a tab, unless the line seems to be wrapped: the lines have one width, and the next word had
      no room; or it has at least 40 characters and does not end as a sentence does, and the next one begins with a
      small letter (which is not that of a name, "p53");
    - at and after a section head, "BACKGROUND:" or "Methods:";
    - after a full stop or the like, the brackets, quotation marks and citations that follow it, and white space: at a
      word with a capital, a number, or a name that begins with a small letter ("c-Myc", "p53", "alpha-synuclein").

    A full stop in "et al.", "Fig.", "i.e.", "R. G. Roeder", "No. 5", after the "1." of a list, and any between
    brackets, does not end a sentence.
    """
    text = unify(text)
    starts: list[int] = []
    asides = _find_asides(text)
    wrapped = {*_wrapped_lines(text)}
    aside, aside_end, head_end = next(asides, None), 0, 0
    before: deque[str] = deque(maxlen=3)  # the last words of the sentence so far
    end = 0  # of the last word
    line = 0  # the beginning of the line, or of the cell of a table
    for match in re.finditer(r"\S+", text):
        word, start = match.group(), match.start()
        while aside and aside[0] < start:
            if aside[0] != starts[-1]:  # else the sentence itself stands in brackets
                aside_end = max(aside_end, aside[1])
            aside = next(asides, None)
        head = _HEAD(text, start) if start >= head_end and word[0].isupper() else None
        is_line = BREAK.search(text, end, start) is not None
        is_break = is_line and start not in wrapped
        begins = (
            not before
            or (is_break and not (end - line >= _WRAPPED_LINE and _is_wrapped(before[-1], text[end:start], word)))
            or (start >= head_end and end <= head_end)
            or (start > aside_end and _begins(word) and _ends(list(before), word))
        )
        if head and head.group().isupper():  # also where the sentence before has no full stop
            begins = True
        if begins:
            if head := head or _CAPITALS(text, start):
                head_end = head.end()
            starts.append(start)
            before.clear()
        if not before or not _CITATION(word):
            before.append(word)
        if is_line:
            line = start
        end = match.end()
    return starts


def _find_asides(text: str) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of what stands between brackets, in order of the beginning."""
    opened: list[tuple[str, int]] = []
    pairs = []
    for match in re.finditer(r"[()\[\]{}]", text):
        bracket, i = match.group(), match.start()
        if bracket not in _BRACKETS:
            opened.append((bracket, i))
        elif opened and opened[-1][0] == _BRACKETS[bracket]:
            _, begin = opened.pop()
            if i - begin <= _LONGEST_ASIDE:
                pairs.append((begin, i))
    return iter(sorted(pairs))


def _wrapped_lines(text: str) -> Iterator[int]:
    """The first words of lines that go on from the line before, in blocks of lines of one width."""
    lines: list[tuple[int, str]] = []
    begin = 0
    for line in [*text.split("\n"), ""]:
        if line.strip() and "\t" not in line:
            lines.append((begin, line.rstrip()))
        else:
            yield from _going_on(lines)
            lines = []
        begin += len(line) + 1


def _going_on(block: list[tuple[int, str]]) -> list[int]:
    """The first words of lines, with their beginnings, that go on from the line before, because it had no room for
    them. If this holds for half of the lines or more, not only for the longest one, and one of these words has a small
    letter, the lines are of one width, and not a list."""
    width = max((len(line) for _, line in block), default=0)
    if width < _BLOCK_WIDTH:
        return []
    words = [(begin + len(line) - len(line.lstrip()), line.split(maxsplit=1)[0]) for begin, line in block[1:]]
    pairs = zip(block[:-1], words, strict=True)
    going_on = [(start, word) for (_, line), (start, word) in pairs if len(line) + 1 + len(word) > width]
    is_list = len(going_on) < 2 or 2 * len(going_on) < len(words) or not any(_SMALL(word) for _, word in going_on)
    return [] if is_list else [start for start, _ in going_on]


def _is_wrapped(last: str, space: str, following: str) -> bool:
    """Whether a line break may stand for a blank inside a sentence."""
    following = following.lstrip(_OPENERS)
    is_end = last.rstrip(_CLOSERS)[-1:] in _ENDS
    return bool(_LINE_BREAK(space) and not is_end and _SMALL(following) and not _SMALL_NAME(following))


def _begins(word: str) -> bool:
    """Whether a sentence may begin with a word."""
    if _CITATION(word):
        return False
    word = word.lstrip(_OPENERS)
    if _SMALL(word):
        return _SMALL_NAME(word) is not None
    return not (_GOES_ON(word) or _CITED_NUMBER(word))


def _ends(words: list[str], following: str) -> bool:
    """Whether a sentence whose last words these are ends before the following one."""
    *words, last = words
    if citation := _ATTACHED_CITATION(last):
        last = last[: citation.start()]
    last = last.rstrip(_CLOSERS)
    if not last or last[-1] not in _ENDS:
        return False
    if last == "." and words:  # which stands by itself
        *words, last = words
        last += "."
    if last[-1] != ".":
        return True
    following = following.lstrip(_OPENERS)
    last = last[:-1].lstrip(_OPENERS)
    if _ABBREVIATION(last):
        return False
    if following[:1].isdigit() and (last == "0" or _BEFORE_NUMBER(last)):
        return False
    if last.isdigit():
        return bool(words)  # the number of a list stands at the beginning
    if last == "al" or _is_initial(words, last, following) or (_DOTTED(last) and not last.islower()):
        return _is_usual_start(following)
    return not _DOTTED(last) or _CAPITALISED(following) is not None  # "i.v."


def _is_initial(words: list[str], last: str, following: str) -> bool:
    """Whether a letter with a full stop is one of several, the first of a name, or stands behind a surname."""
    if len(last) != 1 or not last.isalpha():
        return False
    return (
        not words
        or _INITIAL(words[-1].lstrip(_OPENERS)) is not None
        or words[-1][-1] == ","
        or _INITIAL(following) is not None
    )


def _is_usual_start(word: str) -> bool:
    """Whether a sentence is likely to begin with a word, which no name does: "The", "However,", "Conversely,"."""
    return word.endswith("ly,") or (word.istitle() and len(word) > 1 and word.rstrip(",").lower() in STOP_WORDS)
