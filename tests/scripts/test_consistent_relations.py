"""Relations that mentions of one name share."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_keci.span_groups import set_span_graph

from .conftest import load_script

script = load_script("consistent_relations")
NLP = spacy.blank("en")


def make_doc() -> Doc:
    doc = NLP("tumor necrosis factor ( TNF ) binds p53 , and p53 binds MDM2")
    places = [(0, 3), (4, 5), (7, 8), (10, 11), (12, 13)]
    spans = [Span(doc, start, end, "protein") for start, end in places]
    set_span_graph(doc, "entities", spans, [[0, 2, "bind", 0.8], [3, 4, "bind", 0.6]], symmetric=["bind"])
    return doc


@pytest.mark.parametrize(
    ("parts", "added"),
    [
        ((), []),
        (("string",), [(0, 3, 0.8), (2, 4, 0.6)]),
        (("abbreviation",), [(1, 2, 0.8)]),
        (("abbreviation", "string"), [(0, 3, 0.8), (1, 2, 0.8), (1, 3, 0.8), (2, 4, 0.6)]),
    ],
)
def test_shared_relations(parts: tuple[str, ...], added: list[tuple[int, int, float]]) -> None:
    doc = make_doc()
    rows = script.missing(doc, parts)
    assert sorted((*sorted(row[:2]), row[3]) for row in rows) == added
    assert {row[2] for row in rows} <= {"bind"}
    assert len(script.with_relations(doc, rows).spans["entities"].attrs["relations"]) == 2 + len(added)
    assert len(doc.spans["entities"].attrs["relations"]) == 2
