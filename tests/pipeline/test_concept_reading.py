"""Which of its candidates a mention names."""

import json
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Span, SpanGroup

from spacy_keci.pipeline.concept_reading import (
    KnowledgeReader,
    KnowledgeVocabulary,
    choose_concepts,
    read_concepts,
    write_attention,
)
from spacy_keci.tokens import get_concepts

# the candidates of each token: concept, attention
FK506 = [("X:1", 0.5), ("X:2", 0.1), ("X:3", 0.2)]
FKBP12 = [("X:4", 0.1), ("X:5", 0.3)]  # its own context has more
MTOR = [("X:6", np.nan), ("X:7", 0.9)]  # the first is in no knowledge base
# how well each of them fits the types 0 and 1
FITS = np.log([[0.1, 0.9], [0.6, 0.4], [0.6, 0.4], [0.8, 0.2], [0.9, 0.1], [1.0, 0.1], [0.2, 0.8]])


def test_the_concept_that_fits_the_type(nlp: Language) -> None:
    empty, doc = nlp("and"), nlp("FK506 binds FKBP12 and mTOR.")
    rows = [(i, *row) for i, several in ((0, FK506), (2, FKBP12), (4, MTOR)) for row in several]
    spans = [Span(doc, i, i + 1, "T116", kb_id=concept) for i, concept, _ in rows]
    doc.spans["concepts"] = SpanGroup(doc, spans=spans)
    attention = np.array([weight for *_, weight in rows])

    def choose(type_: int, fits: np.ndarray | None) -> dict[tuple[int, int], str]:
        types = {(0, 1): type_, (1, 2): type_, (2, 3): type_, (4, 5): type_}
        nothing, chosen = choose_concepts([empty, doc], attention, fits, [{}, types], "concepts")
        assert nothing == {}
        return chosen

    # FKBP12's context weighs more, but type 0 is what one expects of X:4, the linker's first, and of X:5
    assert choose(0, FITS) == {(0, 1): "X:2", (2, 3): "X:4", (4, 5): "X:7"}
    assert choose(1, FITS) == {(0, 1): "X:1", (4, 5): "X:7"}
    assert choose(0, None) == {(0, 1): "X:1", (4, 5): "X:7"}
    write_attention([empty, doc], attention, "concepts")
    assert [concept.attention for concept in get_concepts(doc[4:5])] == [None, 0.9]


def test_no_type_is_not_no_vocabulary(nlp: Language, tmp_path: Path) -> None:
    """Identifiers without a prefix, such as those of UMLS, and a concept without a semantic type."""
    records = [{"id": "C1", "name": "FK506"}, {"id": "C2", "name": "FKBP12", "types": ["T116"]}]
    (tmp_path / "kb.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf8")
    linker = nlp.add_pipe("concept_linker")
    linker.initialize(sources=[f"jsonl={tmp_path / 'kb.jsonl'}"])
    docs = [nlp("FK506 binds FKBP12.")]
    vocabulary = KnowledgeVocabulary.of(linker.kb, [], docs, "concepts")
    assert vocabulary.kinds == ["", "T116"]
    concepts = read_concepts(docs, "concepts")
    graphs = KnowledgeReader(linker.kb, vocabulary, "concepts")(concepts, concepts.mentions[:, 0])
    assert graphs.mention_kinds.tolist() == [[1, 0], [1, 2]]
