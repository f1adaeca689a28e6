"""Where sentences begin, also in a document whose pipeline has not set them."""

import re
from itertools import pairwise

from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

_ENDS = frozenset(Sentencizer.default_punct_chars)
_CONTINUES = re.compile(r"[a-z\d]").match


def sentences(doc: Doc) -> list[Span]:
    """The sentences of the pipeline; where it has set none, they end at a full stop or the like that white space and
    neither a digit ("Fig. 5") nor a small Latin letter follow: biomedical tokenizers split "0.5" and "e.g." at the full
    stop, which is why spaCy's own rule does not do. The document stays as it is."""
    if doc.has_annotation("SENT_START"):
        return list(doc.sents)
    words = [token for token in doc if not token.text.isspace()]
    starts = [
        word.i
        for last, word in pairwise(words)
        if last.text in _ENDS and word.idx > last.idx + len(last) and not _CONTINUES(word.text)
    ]
    return [doc[start:end] for start, end in pairwise([0, *starts, len(doc)])]
