"""What a pipeline predicts for the texts of a corpus, among mentions of its own or the gold ones."""

from collections.abc import Sequence
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
from ..pipeline.mentions import ENTS, has_mentions, place_of
from ..span_groups import RELATED, SPANS_KEY


class Mentions(str, Enum):
    """Which mentions an extractor relates: those that the pipeline predicts, or the gold ones with their concepts."""

    predicted = "predicted"
    gold = "gold"


def predict(
    nlp: Language, golds: Sequence[Doc], batch_size: int | None = None, given: Extractor | ConceptLinker | None = None
) -> tuple[list[Doc], float]:
    """Predicted documents for the texts of the gold documents, and the seconds it took.

    given: the extractor to give the gold mentions to. The other extractors do not run then, nor do linkers, unless the
        extractor reads the concepts of one. Or the linker: no extractor runs then, and no other linker.

    Raises ValueError if an extractor is to be given mentions, and none of the texts gets any from the pipeline, or if
    it cannot be given the gold ones.
    """
    docs = []
    start = perf_counter()
    # what the gold says of sentences holds for the pipeline too, as it does in training
    texts = [copy_sentences(gold, nlp.make_doc(gold.text)) for gold in golds]
    disabled = []
    if given is not None:
        give_mentions(texts, golds, given)
        disabled = [name for name, pipe in nlp.pipeline if pipe is not given and _finds_mentions(pipe, given)]
    with nlp.select_pipes(disable=disabled):
        for doc, gold in zip(nlp.pipe(texts, batch_size=batch_size), golds, strict=True):
            # Only spans are scored: to keep the encoder's output for every document would fill the memory.
            related = {key: doc.user_data[key] for key in (RELATED,) if key in doc.user_data}
            doc.user_data, doc.tensor = related | identity_of(gold), np.zeros((0,), dtype="float32")
            docs.append(doc)
        check_given(nlp, docs)
    return docs, perf_counter() - start


def pairs(docs: Sequence[Doc], golds: Sequence[Doc]) -> list[Example]:
    """What was predicted for each text, with its gold."""
    return [Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)]


def give_mentions(docs: Sequence[Doc], golds: Sequence[Doc], given: Extractor | ConceptLinker) -> None:
    """Set the gold mentions where an extractor reads them; or, without their concepts, a linker that reads any."""
    links, source = isinstance(given, ConceptLinker), given.entities_from
    if links and source is None:
        return
    if source in (None, ENTS):
        raise ValueError(
            f"'{given.name}' cannot be given gold mentions: its setting entities_from must be the key of a span group, "
            f"but it is {source!r}."
        )
    for doc, gold in zip(docs, golds, strict=True):
        spans = align(Example(doc, gold), SPANS_KEY if links else given.spans_key).found
        doc.spans[source] = [Span(doc, m.start, m.end, m.label) for m in spans] if links else spans


def check_given(nlp: Language, docs: Sequence[Doc]) -> None:
    """Raises ValueError if an extractor that reads mentions got none in any of the documents."""
    for name, pipe in nlp.pipeline:
        source = pipe.entities_from if isinstance(pipe, Extractor) else None
        if source is not None and docs and not any(has_mentions(doc, source) for doc in docs):
            raise ValueError(
                f"'{name}' reads given mentions (entities_from = \"{source}\"), but no component of this pipeline sets "
                f"{place_of(source)}. Put one in front that finds mentions; or, if '{name}' was trained to find them "
                "itself, set entities_from = null in config.cfg. For scores among gold mentions, use --mentions gold."
            )


def _finds_mentions(pipe: object, given: Extractor | ConceptLinker) -> bool:
    links = isinstance(pipe, ConceptLinker) and getattr(given, "linker", None) is None
    return isinstance(pipe, Extractor) or links
