"""The mean of the span graphs of several pipelines."""

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_keci.span_groups import set_span_graph

from .conftest import load_script


def graph(nlp: Language, mentions: list, scores: list[float], relations: list) -> Doc:
    doc = nlp.make_doc("MDM2 binds p53 and FKBP12 .")
    set_span_graph(doc, "entities", [Span(doc, *each) for each in mentions], relations, scores=scores)
    return doc


def test_mean(nlp: Language) -> None:
    mdm2, p53, fkbp12 = (0, 1, "protein"), (2, 3, "protein"), (4, 5, "protein")
    first = graph(nlp, [mdm2, p53], [1.0, 0.6], [[0, 1, "bind", 0.9]])
    # p53 is of another type here, and the relation has another label; of FKBP12, only this pipeline knows
    second = graph(nlp, [mdm2, (2, 3, "gene"), fkbp12], [0.8, 0.8, 0.6], [[0, 1, "other", 0.5], [2, 0, "bind", 0.4]])
    third = graph(nlp, [mdm2], [0.9], [])
    mean = load_script("teach").mean
    doc = mean([first, second, third], 0.1)
    group = doc.spans["entities"]
    assert [(m.start, m.end, m.label_) for m in group] == [mdm2, (2, 3, "gene"), fkbp12]
    assert group.attrs["scores"] == pytest.approx([0.9, 1.4 / 3, 0.2])
    # of the two that find both mentions
    assert [row[:3] for row in group.attrs["relations"]] == [[0, 1, "bind"], [2, 0, "bind"]]
    assert [row[3] for row in group.attrs["relations"]] == pytest.approx([0.7, 0.4])
    doc = mean([first, second, third], 0.5)
    assert [m.text for m in doc.spans["entities"]] == ["MDM2"] and doc.spans["entities"].attrs["relations"] == []
