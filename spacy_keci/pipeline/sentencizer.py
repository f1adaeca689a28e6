"""The component ``biomedical_sentencizer``: sets sentence boundaries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

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
    """Create the component. overwrite: whether it replaces existing sentence boundaries."""
    return BiomedicalSentencizer(name, overwrite=overwrite, scorer=scorer)


class BiomedicalSentencizer(Sentencizer):
    """spaCy's sentencizer with the rule of :func:`spacy_keci.sentence_rule.find_sentences`, which handles the
    abbreviations, names, numbers and section heads of biomedical text.

    Its settings are stored only in the config, so that editing the config of a saved pipeline takes effect.
    """

    def predict(self, docs: Iterable[Doc]) -> list[list[bool]]:
        guesses = []
        for doc in docs:
            starts = set(sentence_starts(doc))
            guesses.append([i in starts for i in range(len(doc))])
        return guesses

    def to_bytes(self, *, exclude: Collection[str] = ()) -> bytes:
        return b""

    def from_bytes(self, bytes_data: bytes, *, exclude: Collection[str] = ()) -> BiomedicalSentencizer:
        return self

    def to_disk(self, path: str | Path, *, exclude: Collection[str] = ()) -> None:
        """Write nothing."""

    def from_disk(self, path: str | Path, *, exclude: Collection[str] = ()) -> BiomedicalSentencizer:
        """Read nothing: earlier versions also saved the settings here, and these overrode the config."""
        return self
