"""A small evaluation in which everything happens: errors of several kinds, changed answers, attention."""

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ..scoring.graphs import make_doc


@pytest.fixture
def golds(nlp: Language) -> list[Doc]:
    return [
        make_doc(nlp, "FK506 binds FKBP12.", [(0, 5, "drug"), (12, 18, "protein")], [(0, 1, "binds")], id="one"),
        make_doc(nlp, "Aspirin inhibits COX-1 & <COX-2>.", [(0, 7, "drug"), (17, 22, "protein"), (26, 31, "protein")],
                 [(0, 1, "inhibits"), (0, 2, "inhibits")], id="two"),
        make_doc(nlp, "No mention here.", id="three"),
        make_doc(nlp, "p53 binds MDM2.", [(0, 3, "protein"), (10, 14, "protein")], [(0, 1, "binds")], id="four"),
    ]  # fmt: skip


@pytest.fixture
def docs(nlp: Language) -> list[Doc]:
    """Right in the first, thanks to the knowledge; a type, a relation and an invention are wrong in the others."""
    docs = [
        make_doc(nlp, "FK506 binds FKBP12.", [(0, 5, "drug"), (12, 18, "protein")], [(0, 1, "binds", 0.9)]),
        make_doc(nlp, "Aspirin inhibits COX-1 & <COX-2>.", [(0, 7, "drug"), (17, 22, "protein"), (26, 31, "gene")],
                 [(0, 1, "inhibits", 0.8), (0, 2, "activates", 0.6)]),
        make_doc(nlp, "No mention here.", [(3, 10, "cell")]),
        make_doc(nlp, "p53 binds MDM2.", [(0, 3, "protein"), (10, 14, "protein")], [(0, 1, "binds", 0.7)]),
    ]  # fmt: skip
    for doc in docs:
        group = doc.spans["entities"]
        group.attrs["scores"] = [0.9 - 0.1 * i for i in range(len(group))]
        spans, attrs = list(group), dict(group.attrs)
        if doc is docs[0]:
            spans = [Span(doc, 0, 1, label="chemical"), spans[1]]
            attrs["relations"] = []
        doc.spans["entities_initial"] = SpanGroup(doc, name="entities_initial", spans=spans, attrs=attrs)
        doc.spans["concepts"] = SpanGroup(doc, name="concepts")
    concepts = [Span(docs[0], 0, 1, label="T109", kb_id="C:1"), Span(docs[0], 0, 1, label="T116", kb_id="C:2")]
    concepts.append(Span(docs[0], 1, 2, label="T044", kb_id="C:3"))
    attrs = {"scores": [1.0, 1.0, 1.0], "attention": [0.625, 0.125, None]}
    docs[0].spans["concepts"] = SpanGroup(docs[0], name="concepts", spans=concepts, attrs=attrs)
    return docs
