"""A tokenizer that splits at every punctuation mark, so that mentions such as "IκB" in "IκBα-p65" are found."""

import re
from collections.abc import Callable
from functools import lru_cache

import spacy
from spacy.language import Language
from spacy.tokenizer import Tokenizer

from .deferred_imports import import_transformers

# Everything that is neither letter, digit nor whitespace is a token of its own: a boundary lies before and after it.
# Combining marks are parts of letters ("u" and a diaeresis in two characters), which re does not count as such.
# Infixes alone do that; spaCy strips prefixes and suffixes one by one, in time quadratic in their number.
_COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARK = rf"[^\w\s{_COMBINING}]|_"
_BOUNDARY = f"(?<=.)(?={_MARK})|(?<={_MARK})(?=.)"


@lru_cache(maxsize=1)
def biomedical_tokenizer() -> Tokenizer:
    """The tokenizer alone, with an English vocabulary, where there is no pipeline."""
    return create_biomedical_tokenizer()(spacy.blank("en"))


def create_biomedical_tokenizer() -> Callable[[Language], Tokenizer]:
    """Registered as ``spacy_keci.BiomedicalTokenizer.v1``.

    Tokens are runs of letters (with combining marks) and digits, or single other characters; whitespace is handled as
    in every spaCy tokenizer, so ``doc.text`` is the input exactly. No mention of BioRelEx or ADE begins or ends
    inside a token.
    """
    # spaCy asks for the tokenizer of a pipeline before it imports the factories of all packages
    import_transformers()

    def create(nlp: Language) -> Tokenizer:
        return Tokenizer(nlp.vocab, infix_finditer=re.compile(_BOUNDARY).finditer)

    return create
