from pathlib import Path

from spacy.language import Language
from spacy.tokens import Span, SpanGroup
from spacy.training import Example

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.scoring.linking import linking_counts


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
