import pytest
from spacy.language import Language
from spacy.tokens import Span, SpanGroup

from spacy_keci.scoring.attention import TypeAttention, attention_by_type


def test_mean_of_each_type_lowest_first(nlp: Language) -> None:
    doc = nlp("FK506 binds FKBP12.")
    rows = [(0, "T109", 0.9), (0, "T116", 0.1), (2, "T116", 0.5), (3, "T028", None)]
    doc.spans["concepts"] = SpanGroup(
        doc,
        spans=[Span(doc, start, start + 1, label=label, kb_id="X:1") for start, label, _ in rows],
        attrs={"attention": [weight for *_, weight in rows]},
    )
    empty = nlp("")
    found = attention_by_type([doc, empty])
    assert [each.type for each in found] == ["T116", "T109"]
    assert found[0] == TypeAttention("T116", pytest.approx(0.3), 2)


def test_without_attention(nlp: Language) -> None:
    assert attention_by_type([nlp("FK506 binds FKBP12.")]) == []
