"""What a pipeline predicts for the texts of a corpus, among mentions of its own or the gold ones."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from time import perf_counter

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..alignment import align
from ..corpora.documents import copy_sentences
from ..doc_operations import identity_of
from ..pipeline.concept_linker import ConceptLinker
from ..pipeline.extractor import Extractor
from ..pipeline.mentions import ENTS, describe_source, has_mentions, read_mentions
from ..span_groups import RELATED, SPANS_KEY


class Origin(str, Enum):
    """Where mentions, or their identifiers, come from: the pipeline, or the gold documents."""

    predicted = "predicted"
    gold = "gold"


def predict(
    nlp: Language,
    golds: Sequence[Doc],
    batch_size: int | None = None,
    given: Extractor | ConceptLinker | None = None,
    *,
    mentions: Origin = Origin.gold,
    identifiers: Origin = Origin.gold,
) -> tuple[list[Doc], float]:
    """Predicted documents for the texts of the gold documents, and the seconds it took.

    given: the extractor to give gold mentions to, or gold identifiers, or both. The other extractors do not run then
        (where mentions are predicted, they run before), nor do linkers, unless identifiers are predicted, or the
        extractor reads the concepts of one. Or the linker, to give it gold mentions without their identifiers: no
        extractor runs then, and no other linker.
    mentions, identifiers: what of these ``given`` gets from gold. Predicted mentions get the gold identifiers of those
        with the same offsets and label, and no others.

    Raises ValueError if an extractor is to be given mentions, and none of the texts gets any from the pipeline, or if
    it cannot be given the gold ones.
    """
    start = perf_counter()
    # what the gold says of sentences holds for the pipeline too, as it does in training
    docs = [copy_sentences(gold, nlp.make_doc(gold.text)) for gold in golds]
    idle, first = _idle(nlp, given, mentions, identifiers), []
    found: Iterable[Doc] = docs
    if given is not None and mentions == Origin.gold:
        give_mentions(docs, golds, given, identifiers)
    elif given is not None:
        # gold identifiers come between the mentions and the component that reads them
        source, at = _place(given), [pipe for _, pipe in nlp.pipeline].index(given)
        first, rest = nlp.pipe_names[:at], nlp.pipe_names[at:]
        found = give_identifiers(
            nlp.pipe(docs, batch_size=batch_size, disable=[*rest, *idle]), golds, source, _gold_key(given)
        )
    docs = []
    for doc, gold in zip(nlp.pipe(found, batch_size=batch_size, disable=[*first, *idle]), golds, strict=True):
        # Only spans are scored: to keep the encoder's output for every document would fill the memory.
        related = {key: doc.user_data[key] for key in (RELATED,) if key in doc.user_data}
        doc.user_data, doc.tensor = related | identity_of(gold), np.zeros((0,), dtype="float32")
        docs.append(doc)
    check_given(nlp, docs, idle)
    return docs, perf_counter() - start


def _idle(nlp: Language, given: Extractor | ConceptLinker | None, mentions: Origin, identifiers: Origin) -> list[str]:
    """Names of the components that do not run."""
    if given is None:
        return []
    others = {name: pipe for name, pipe in nlp.pipeline if pipe is not given}
    linkers = {name: pipe for name, pipe in others.items() if isinstance(pipe, ConceptLinker)}
    if mentions == Origin.predicted:
        return [name for name, linker in linkers.items() if linker.entities_from is not None]
    idle = [name for name, pipe in others.items() if isinstance(pipe, Extractor)]
    if isinstance(given, ConceptLinker) or (identifiers == Origin.gold and getattr(given, "linker", None) is None):
        idle += linkers
    return idle


def give_mentions(
    docs: Sequence[Doc], golds: Sequence[Doc], given: Extractor | ConceptLinker, identifiers: Origin
) -> None:
    """Set the gold mentions where an extractor reads them, or a linker that reads any."""
    if isinstance(given, ConceptLinker) and given.entities_from is None:
        return
    source = _place(given)
    for doc, gold in zip(docs, golds, strict=True):
        spans = align(Example(doc, gold), _gold_key(given)).found
        if identifiers == Origin.predicted:
            spans = [Span(doc, m.start, m.end, m.label) for m in spans]
        doc.spans[source] = spans


def give_identifiers(docs: Iterable[Doc], golds: Sequence[Doc], source: str, spans_key: str) -> Iterator[Doc]:
    """The documents, with predicted mentions (of ``source``) identified as the gold ones (of ``spans_key``) with the
    same offsets and label, and no others."""
    for doc, gold in zip(docs, golds, strict=True):
        ids = {(m.start, m.end, m.label): m.kb_id for m in align(Example(doc, gold), spans_key).found}
        places = [(m.start, m.end, m.label) for m in read_mentions(doc, source)]
        doc.spans[source] = [Span(doc, *place, kb_id=ids.get(place, 0)) for place in places]
        yield doc


def _gold_key(given: Extractor | ConceptLinker) -> str:
    return SPANS_KEY if isinstance(given, ConceptLinker) else given.spans_key


def _place(given: Extractor | ConceptLinker) -> str:
    """Where a component reads mentions. Raises ValueError if it cannot be given any there."""
    if given.entities_from in (None, ENTS):
        raise ValueError(
            f"'{given.name}' cannot be given gold mentions: its setting entities_from must be the key of a span group, "
            f"but it is {given.entities_from!r}."
        )
    return given.entities_from


def check_given(nlp: Language, docs: Sequence[Doc], idle: Collection[str]) -> None:
    """Raises ValueError if an extractor that reads mentions, and is not idle, got none in any of the documents."""
    for name, pipe in nlp.pipeline:
        source = pipe.entities_from if isinstance(pipe, Extractor) and name not in idle else None
        if source is not None and docs and not any(has_mentions(doc, source) for doc in docs):
            raise ValueError(
                f"'{name}' reads given mentions (entities_from = \"{source}\"), but no component of this pipeline sets "
                f"{describe_source(source)}. Add one that does, before '{name}'; or, if '{name}' was trained to find "
                "mentions itself, set entities_from = null in config.cfg; or pass --mentions gold to 'spacy keci "
                "evaluate' or 'spacy keci tune' to give it the gold mentions."
            )
