"""Where sentences begin, also in a document whose pipeline has not set them."""

from itertools import pairwise

from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

_ENDS = frozenset(Sentencizer.default_punct_chars)


def sentences(doc: Doc) -> list[Span]:
    """The sentences of the pipeline; where it has set none, they end at a full stop or the like that white space and
    no small Latin letter follow: biomedical tokenizers split "0.5" and "e.g." at the full stop, which is why spaCy's
    own rule does not do. The document stays as it is."""
    if doc.has_annotation("SENT_START"):
        return list(doc.sents)
    words = [token for token in doc if not token.text.isspace()]
    starts = [
        word.i
        for last, word in pairwise(words)
        if last.text in _ENDS and word.idx > last.idx + len(last) and not ("a" <= word.text[0] <= "z")
    ]
    return [doc[start:end] for start, end in pairwise([0, *starts, len(doc)])]
