"""A pipeline over any number of texts: whatever one of them holds, the others are annotated."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from .tokens import SPANS_KEY


class Annotator:
    """Annotates texts in batches. Memory does not grow with their number.

    pipeline: a folder or the name of a package, loaded once in each process, when the first text comes; or a loaded
        pipeline. An annotator of a folder or package can be pickled: other processes load their own.
    spans_key: where the pipeline writes mentions; None: as its extractor says.
    batch_size: number of texts that are processed together; None: as the pipeline says.
    """

    def __init__(
        self, pipeline: str | Path | Language, *, spans_key: str | None = None, batch_size: int | None = None
    ) -> None:
        self._pipeline, self._spans_key, self._batch_size = pipeline, spans_key, batch_size

    @cached_property
    def nlp(self) -> Language:
        return self._pipeline if isinstance(self._pipeline, Language) else _load(str(self._pipeline))

    @cached_property
    def spans_key(self) -> str:
        from .pipeline.extractor import Extractor

        found = (pipe.spans_key for _, pipe in reversed(self.nlp.pipeline) if isinstance(pipe, Extractor))
        return self._spans_key or next(found, SPANS_KEY)

    @property
    def batch_size(self) -> int:
        return self._batch_size or self.nlp.batch_size

    @cached_property
    def fingerprint(self) -> str:
        """Differs between pipelines and settings that may give different graphs: 16 hexadecimal digits."""
        # weights are not looked at, but meta holds their scores
        settings = [self.nlp.meta, self.nlp.config["components"], self.spans_key, self.batch_size]
        return blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()

    def annotate(self, texts: Iterable[str], batch_size: int | None = None) -> Iterator[list[Doc | str]]:
        """The documents of each batch of texts, in the same order. If the pipeline fails on a text, the error message
        takes the place of its document.

        Documents are valid until the next batch is requested. batch_size: None: that of the annotator.
        Raises ValueError if the pipeline writes no mentions to ``doc.spans[spans_key]``.
        """
        texts = iter(texts)
        while batch := list(islice(texts, batch_size or self.batch_size)):
            # A vocabulary remembers every new word for good: here, only as long as the documents are used.
            with self.nlp.memory_zone():
                yield self._annotate_batch(batch)

    def _annotate_batch(self, texts: Sequence[str]) -> list[Doc | str]:
        # Texts of similar length together: less of what the encoder computes is padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        limit = self.nlp.max_length
        fitting = [i for i in order if len(texts[i]) <= limit]
        found: dict[int, Doc | str] = dict(zip(fitting, self._run([texts[i] for i in fitting]), strict=True))
        for doc in found.values():
            if isinstance(doc, Doc) and self.spans_key not in doc.spans:
                raise ValueError(
                    f"The pipeline writes no doc.spans[{self.spans_key!r}], only {list(doc.spans) or 'none at all'}: "
                    "give the right one as spans_key (--spans-key)."
                )
        too_long = "{:,} characters, more than the {:,} that the pipeline reads (nlp.max_length)"
        return [found[i] if i in found else too_long.format(len(text), limit) for i, text in enumerate(texts)]

    def _run(self, texts: Sequence[str]) -> list[Doc | str]:
        """The documents. Where the pipeline fails, each half is tried, and so on down to the culprit."""
        try:
            return [without_tensors(doc) for doc in self.nlp.pipe(texts, batch_size=self.batch_size)]
        except Exception as error:  # components raise whatever they like
            if len(texts) == 1:
                return [" ".join(str(error).split()) or type(error).__name__]
            half = len(texts) // 2
            return [*self._run(texts[:half]), *self._run(texts[half:])]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "nlp"}


# one pipeline, however many annotators of it are unpickled
_load = lru_cache(maxsize=1)(spacy.load)


def without_tensors(doc: Doc) -> Doc:
    """What the encoder computed is of no use to the output, and many times larger."""
    doc.tensor = None  # type: ignore[assignment]
    doc.user_data.pop(("._.", "trf_data", None, None), None)  # type: ignore[call-overload]
    return doc
