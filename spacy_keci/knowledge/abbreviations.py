"""Abbreviations that a text defines itself: "acute kidney injury (AKI)".

Schwartz and Hearst 2003, A simple algorithm for identifying abbreviation definitions in biomedical text; on tokens.
"""

from spacy.tokens import Doc


def find_abbreviations(doc: Doc) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of (start, end) tokens: short form in brackets, and the long form before it."""
    pairs = []
    for i, token in enumerate(doc):
        if token.text not in "([" or i == 0:
            continue
        closing = ")" if token.text == "(" else "]"
        end = next((j for j in range(i + 1, min(i + 8, len(doc))) if doc[j].text in (closing, ",", ";")), None)
        if end is None or end == i + 1:
            continue
        short = doc[i + 1 : end].text
        if not _is_short_form(short):
            continue
        # at most min(|A| + 5, 2|A|) words
        first = max(0, i - 2 * min(len(short) + 5, 2 * len(short)))
        start = _align(short, doc.text[doc[first].idx : token.idx].rstrip())
        if start is not None:
            at = doc[first].idx + start
            begin = next((t.i for t in doc[first:i] if t.idx == at), None)
            if begin is not None and doc[begin:i].text != short:
                pairs.append(((i + 1, end), (begin, i)))
    return pairs


def _is_short_form(text: str) -> bool:
    """2 to 10 characters, at most two words, a letter, the first character a letter or digit."""
    return (
        2 <= len(text) <= 10
        and len(text.split()) <= 2
        and text[0].isalnum()
        and any(c.isalpha() for c in text)
        and any(c.isupper() or c.isdigit() for c in text)
    )


def _align(short: str, text: str) -> int | None:
    """Where the long form starts: the characters of the short form, from the last, in the shortest text before it."""
    position = len(text)
    for i in range(len(short) - 1, -1, -1):
        character = short[i].lower()
        if not character.isalnum():
            continue
        position -= 1
        while position >= 0 and (
            text[position].lower() != character or (i == 0 and position > 0 and text[position - 1].isalnum())
        ):
            position -= 1
        if position < 0:
            return None
    return position if len(text) - position > len(short) else None
