from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Span, SpanGroup
from spacy.training import Example

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.scoring.linking import LinkingScorer, linking_counts


def test_counts(nlp: Language, tmp_path: Path) -> None:
    source = tmp_path / "kb.jsonl"
    ids = ["X:1", "X:2", "X:3", "X:4"]
    source.write_text("\n".join(f'{{"id": "{id}", "name": "thing {id}", "types": ["T116"]}}' for id in ids))
    compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={source}")], [])
    text = "FK506 binds FKBP12 and mTOR but p53 UIM."
    gold, doc = nlp(text), nlp(text)
    # FK506: several candidates, the second has the attention; FKBP12: no candidate is right; mTOR: pruned;
    # p53: not in the knowledge base; UIM: no gold concept
    concepts = {0: "X:2", 2: "X:3", 4: "X:4", 6: "Y:1", 7: ""}
    gold.spans["entities"] = [Span(gold, i, i + 1, "protein", kb_id=id) for i, id in concepts.items()]
    rows = [(0, "X:1", 0.2), (0, "X:2", 0.7), (2, "X:1", 0.9), (4, "X:4", None)]
    doc.spans["concepts"] = SpanGroup(
        doc,
        spans=[Span(doc, i, i + 1, "T116", kb_id=id) for i, id, _ in rows],
        attrs={"attention": [weight for *_, weight in rows]},
    )
    doc.spans["entities"] = [Span(doc, 0, 1, "chemical", kb_id="X:2")]
    counts = linking_counts([Example(doc, gold)], KnowledgeBase(tmp_path / "kb"))
    assert dict(+counts) == {
        "with a concept": 4,
        "grounded": 3,
        "among candidates": 2,
        "first": 1,
        "attention": 1,
        "found": 1,
        "mention": 1,
        "pruned": 1,
        "ambiguous": 1,
        "ambiguous, attention": 1,
        "ambiguous, found": 1,
        "ambiguous, mention": 1,
    }


def test_counts_with_several_concepts_and_none(nlp: Language, tmp_path: Path) -> None:
    source = tmp_path / "kb.jsonl"
    source.write_text("\n".join(f'{{"id": "X:00{i}", "name": "thing {i}"}}' for i in range(5)))
    compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={source}")], [])
    gold, doc = nlp("a b c"), nlp("a b c")
    # one of several; a part of a composite; "-" says that there is none
    ids = ["X:009,X:003", "X:004|X:001", "-"]
    gold.spans["entities"] = [Span(gold, i, i + 1, "G", kb_id=id) for i, id in enumerate(ids)]
    doc.spans["entities"] = [Span(doc, 0, 1, "G", kb_id="X:003"), Span(doc, 1, 2, "G", kb_id="X:000,X:001")]
    doc.spans["concepts"] = [Span(doc, i, i + 1, "T", kb_id=id) for i, id in [(0, "X:003"), (1, "X:001")]]
    counts = linking_counts([Example(doc, gold)], KnowledgeBase(tmp_path / "kb"))
    assert {counts[what] for what in ("with a concept", "grounded", "among candidates", "first", "mention")} == {2}


def test_scores_by_type(nlp: Language, tmp_path: Path) -> None:
    source = tmp_path / "kb.jsonl"
    source.write_text("\n".join(f'{{"id": "X:00{i}", "name": "thing {i}", "alt_ids": ["Y:{i}"]}}' for i in range(5)))
    compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={source}")], [])
    gold, doc = nlp("a b c d e f"), nlp("a b c d e f")
    ids = ["X:001", "X:002", "X:009,X:003", "Z:1", "", "X:004|X:003"]
    gold.spans["entities"] = [Span(gold, i, i + 1, "G" if i < 3 else "D", kb_id=id) for i, id in enumerate(ids)]
    # right by another identifier; second; one of several; not in the knowledge base; no gold; no candidate
    rows = [(0, "Y:1"), (1, "X:001"), (1, "X:002"), (2, "X:003"), (3, "X:001"), (4, "X:001")]
    doc.spans["concepts"] = [Span(doc, i, i + 1, "T", kb_id=id) for i, id in rows]
    scorer = LinkingScorer(KnowledgeBase(tmp_path / "kb"))
    scores = scorer([Example(doc, gold)])
    assert scores["linking_first_per_type"]["G"] == pytest.approx({"p": 2 / 3, "r": 2 / 3, "f": 2 / 3, "support": 3})
    assert scores["linking_candidates_per_type"]["G"]["r"] == 1.0
    assert scores["linking_first_per_type"]["D"]["support"] == 2
    assert (scores["linking_first_r"], scores["linking_first_p"]) == pytest.approx((2 / 5, 2 / 4))
    assert scores["linking_known_first_r"] == pytest.approx(2 / 4)
    assert (scores["linking_first_gold"], scores["linking_first_predicted"]) == (5, 4)


def test_a_mention_without_candidates_has_its_own_identifier(nlp: Language, tmp_path: Path) -> None:
    source = tmp_path / "kb.jsonl"
    source.write_text('{"id": "X:1", "name": "thing", "alt_ids": ["Y:1"]}')
    compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={source}")], [])
    gold, doc = nlp("a b c d"), nlp("a b c d")
    ids = {"gold": ["p|SUB|V|600|E", "rs1", "rs2", "X:1"], "own": ["p|SUB|V|600|E", "rs9", "", "Y:1"]}
    for each, kind in ((gold, "gold"), (doc, "own")):
        each.spans["entities"] = [Span(each, i, i + 1, "V", kb_id=id) for i, id in enumerate(ids[kind])]
    scores = LinkingScorer(KnowledgeBase(tmp_path / "kb"))([Example(doc, gold)])
    assert (scores["linking_first_r"], scores["linking_first_p"]) == pytest.approx((2 / 4, 2 / 3))
    assert (scores["linking_known_first_gold"], scores["linking_known_first_r"]) == (1, 1.0)
