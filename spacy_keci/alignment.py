"""Gold mentions and relations in the tokens of a predicted document."""

from typing import NamedTuple

from spacy.tokens import Span
from spacy.training import Example

from .span_groups import SPANS_KEY, per_mention, relation_rows_of


class Aligned(NamedTuple):
    """The gold of one example.

    spans: of each gold mention the span of the predicted document, None where the mention does not begin and end on
        its tokens. scores: of each mention. relations: head and tail as rows of ``spans``, label, score.
    """

    spans: list[Span | None]
    scores: list[float]
    relations: list[tuple[int, int, str, float]]

    @property
    def found(self) -> list[Span]:
        """The mentions that begin and end on tokens."""
        return [span for span in self.spans if span is not None]

    @property
    def lost_mentions(self) -> int:
        """How many mentions do not begin and end on tokens: no component can predict them."""
        return self.spans.count(None)

    @property
    def lost_relations(self) -> int:
        """How many relations have such a mention."""
        return sum(self.spans[head] is None or self.spans[tail] is None for head, tail, *_ in self.relations)


def align(example: Example, spans_key: str = SPANS_KEY) -> Aligned:
    """Find the gold graph of the reference in the tokens of the predicted document.

    Raises ValueError if the texts differ.
    """
    predicted, reference = example.predicted, example.reference
    if predicted.text != reference.text:
        raise ValueError(
            f"Cannot learn from {reference.text[:40]!r}: the document to predict has another text, "
            f"{predicted.text[:40]!r}, so the offsets of gold mentions are wrong there."
        )
    if spans_key not in reference.spans:
        return Aligned([], [], [])
    group = reference.spans[spans_key]
    spans = [predicted.char_span(m.start_char, m.end_char, label=m.label_, kb_id=m.kb_id_) for m in group]
    rows = [(head, tail, label, score) for head, tail, label, score in relation_rows_of(group)]
    return Aligned(spans, per_mention(group, "scores", 1.0), rows)
