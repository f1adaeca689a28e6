"""One character for those that mean the same: a text must not have other entities because of its dashes or quotes.

Components read texts so; what they write are offsets of the text as it is, which does not change.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from spacy.tokens import Doc, Token

# What Unicode does not call a compatible form of the character before the colon, but texts use in its place
_IN_PLACE_OF = (
    "-:‐‒–—―⁃−", "':‘’‚‛´′‵", '":“”„‟″', "/:⁄∕", "~:∼", "*:∗", "·:∙⋅",
    "α:ɑ", "Α:Ɑ", "γ:ɣ", "Γ:Ɣ", "δ:∂", "Δ:∆", "ε:ɛ", "Ε:Ɛ",
)  # fmt: skip


class _Table(dict[int, str]):
    """For ``str.translate``: the characters that were met so far."""

    def __missing__(self, code: int) -> str:
        compatible = unicodedata.normalize("NFKC", chr(code))
        # a superscript may be a power or a citation: "10⁵" is not 105, nor is "p53¹²" another protein
        is_other = len(compatible) > 1 or unicodedata.decomposition(chr(code)).startswith(("<super>", "<circle>"))
        character = chr(code) if is_other else compatible
        self[code] = _SAME.get(character, character)
        return self[code]


_SAME = {other: line[0] for line in _IN_PLACE_OF for other in line[2:]}
_TABLE = _Table()


def unify(text: str) -> str:
    """The text with one character for each kind of dash, quotation mark and blank, for the micro sign and the Greek mu,
    for full-width forms, subscripts and the like. Its length does not change, nor do ASCII texts."""
    return text if text.isascii() else text.translate(_TABLE)


def unify_doc(doc: Doc) -> Doc:
    """The document itself if :func:`unify` does not change its text; else a copy of its tokens and sentences with the
    changed text."""
    if unify(doc.text) == doc.text:
        return doc
    return keep_norms(doc, with_texts(doc, [unify(token.text) for token in doc]))


def keep_norms(tokens: Iterable[Token], copy: Doc) -> Doc:
    """Give the copies of tokens the norms that a tokenizer has set, such as "not" for "n't". A new Doc has only those
    of the vocabulary."""
    for token, other in zip(tokens, copy, strict=True):
        if token.norm != token.lex.norm:
            other.norm_ = unify(token.norm_)
    return copy


def with_texts(doc: Doc, texts: Sequence[str]) -> Doc:
    """A copy of the tokens, with other texts, and of the sentences."""
    starts: list[bool | int | None] | None = None
    if doc.has_annotation("SENT_START"):
        starts = [token.is_sent_start for token in doc]
    return Doc(doc.vocab, list(texts), [bool(token.whitespace_) for token in doc], sent_starts=starts)
