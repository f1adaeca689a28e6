"""Windows of text in which mentions are marked, so that the encoder knows what the pairs to classify are."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..typography import with_texts
from .mentions import has_mentions, read_mentions, without_mentions

GetSpans = Callable[[Iterable[Doc]], list[list[Span]]]


def create_marked_mentions(get_spans: GetSpans, source: str, words: Mapping[str, str], keep_text: bool) -> GetSpans:
    """Registered as ``spacy_keci.MarkedMentions.v1``, for ``get_spans`` of a transformer that reads given mentions.

    The transformer reads marks before the mentions, "gene 1 BRCA1 causes disease 1 breast cancer": of each its type, as
    in the typed entity markers of Zhou and Chen 2022, and the number of its concept among those of the type, which
    shows which mentions name the same concept. Mentions inside others have no mark. Only the text that the encoder
    reads changes; the tokens do not.

    get_spans: cuts the texts. source: the mentions, ``doc.spans[source]`` or ``doc.ents`` ("ents"); a component must
        set them before the encoder reads the text, or there is a warning. words: the word for each label; the label
        itself for others.
    keep_text: whether names follow the marks. Otherwise these stand in their place, "gene 1 causes disease 1": entity
        masking, as in the corpora of BioBERT (Lee et al. 2020).
    """
    return partial(_get_marked_spans, get_spans=get_spans, source=source, words=dict(words), keep_text=keep_text)


def _get_marked_spans(
    docs: Iterable[Doc], *, get_spans: GetSpans, source: str, words: Mapping[str, str], keep_text: bool
) -> list[list[Span]]:
    texts = list(docs)
    if not all(has_mentions(doc, source) for doc in texts):
        warnings.warn(without_mentions(source, "transformer", "mark", "source"), stacklevel=2)
    return get_spans([mark_mentions(doc, source, words, keep_text) for doc in texts])


def mark_mentions(doc: Doc, source: str, words: Mapping[str, str], keep_text: bool) -> Doc:
    """A copy of the tokens and the sentences, with as many tokens, of which the first of each mention has the mark."""
    texts = [token.text for token in doc]
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    for span in filter_spans(read_mentions(doc, source)):
        of_type = numbers[span.label_]
        number = of_type.setdefault(span.kb_id_ or span.text.lower(), len(of_type) + 1)
        mark = f"{words.get(span.label_, span.label_)} {number}"
        if keep_text:
            texts[span.start] = f"{mark} {texts[span.start]}"
        else:
            # tokens of white space have no word pieces, so their vectors are zeros
            texts[span.start : span.end] = [mark, *[" "] * (len(span) - 1)]
    return with_texts(doc, texts)
