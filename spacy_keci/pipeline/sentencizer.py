"""The component ``biomedical_sentencizer``: sets where sentences begin, for texts of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

from ..sentences import sentence_starts


@Language.factory(
    "biomedical_sentencizer",
    assigns=["token.is_sent_start", "doc.sents"],
    default_config={"overwrite": False, "scorer": {"@scorers": "spacy.senter_scorer.v1"}},
)
def make_biomedical_sentencizer(
    nlp: Language, name: str, overwrite: bool, scorer: Callable | None
) -> BiomedicalSentencizer:
    """Create the component. overwrite: whether sentences that are set already are set anew."""
    return BiomedicalSentencizer(name, overwrite=overwrite, scorer=scorer)


class BiomedicalSentencizer(Sentencizer):
    """spaCy's sentencizer with the rule of :func:`spacy_keci.sentences.sentence_starts`, which knows the abbreviations,
    names and numbers of biomedical text, in the tokens of a biomedical tokenizer."""

    def predict(self, docs: Iterable[Doc]) -> list[list[bool]]:
        guesses = []
        for doc in docs:
            starts = set(sentence_starts(doc))
            guesses.append([i in starts for i in range(len(doc))])
        return guesses
