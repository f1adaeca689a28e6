"""A tokenizer that splits at every punctuation mark, so that mentions such as "IκB" in "IκBα-p65" are found."""

import re
from collections.abc import Callable

from spacy.language import Language
from spacy.tokenizer import Tokenizer

# Everything that is neither letter nor digit is a token of its own.
_PUNCTUATION = r"[\W_]"


def create_biomedical_tokenizer() -> Callable[[Language], Tokenizer]:
    """Registered as ``spacy_keci.BiomedicalTokenizer.v1``.

    Tokens are runs of letters and digits, or single other characters; whitespace is handled as in every spaCy
    tokenizer, so ``doc.text`` is the input exactly. No mention of BioRelEx or ADE begins or ends inside a token.
    """

    def create(nlp: Language) -> Tokenizer:
        return Tokenizer(
            nlp.vocab,
            prefix_search=re.compile(f"^{_PUNCTUATION}").search,
            suffix_search=re.compile(f"{_PUNCTUATION}$").search,
            infix_finditer=re.compile(_PUNCTUATION).finditer,
        )

    return create
