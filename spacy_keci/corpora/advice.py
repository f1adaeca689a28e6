"""What is worth knowing of a corpus before a model is trained on it."""

from collections.abc import Iterable, Sequence
from itertools import islice

from spacy.tokens import Doc

from ..reports import Report
from ..sentences import sentences
from ..tokenizer import biomedical_tokenizer
from ..tokens import get_relations
from .annotation import AnnotatedText
from .documents import to_docs

FEW_TEXTS = 30
MANY_ACROSS = 0.25
_SAMPLE = 500


def advise(texts: Sequence[AnnotatedText]) -> list[str]:
    """Warnings: too few texts to learn from; relations that a component cannot predict if it reads sentences alone,
    counted in the first 500 texts."""
    found = []
    if 0 < len(texts) < FEW_TEXTS:
        found.append(
            f"{len(texts)} texts are too few to train on from a bare encoder: annotate more, or start from a trained "
            "pipeline (docs/training.md). As a part to evaluate on they are too few for a difference of some points."
        )
    across, total = _across_sentences(to_docs(islice(texts, _SAMPLE), biomedical_tokenizer(), Report()))
    if total and across / total > MANY_ACROSS:
        found.append(
            f"{across / total:.0%} of the relations hold between mentions in different sentences: a component with "
            "by_sentence = true cannot predict them. Train with --components.keci.by_sentence false (the name of your "
            'component in place of keci), or mark texts that are one sentence as such (sentences = "one" of the '
            "corpus)."
        )
    return found


def _across_sentences(docs: Iterable[Doc]) -> tuple[int, int]:
    """How many relations have their mentions in different sentences, marked or by a rule, and how many there are."""
    across = total = 0
    for doc in docs:
        number_of = [number for number, sentence in enumerate(sentences(doc)) for _ in sentence]
        for relation in get_relations(doc):
            ends = {number_of[i] for span in (relation.head, relation.tail) for i in (span.start, span.end - 1)}
            total += 1
            across += len(ends) > 1
    return across, total
