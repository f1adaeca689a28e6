"""configs/end_to_end.cfg: from raw text to relations between concepts, and what each of the steps loses."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_keci.corpora.docbin import save_docs
from spacy_keci.tokenizer import create_biomedical_tokenizer

from ..commands import run
from ..conftest import ROOT
from .abstracts import DISEASES, GENES, make_abstracts, train
from .systems import SYSTEMS, TOK2VEC
from .test_concept_relations import make_pipeline, rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pipelines, "whole", which is assembled of them, and the texts that they know by heart. The knowledge base
    does not have KRAS."""
    folder = tmp_path_factory.mktemp("end-to-end")
    golds = make_abstracts(nlp := blank())
    save_docs(golds, folder / "test.spacy")
    train_tagger(nlp, golds)
    nlp.to_disk(folder / "mentions")
    train(concepts := make_pipeline(), golds, 40)
    concepts.to_disk(folder / "concepts")
    make_linker(folder / "kb.jsonl").to_disk(folder / "linker")
    paths = [f"--paths.{name}={folder / name}" for name in ("mentions", "linker", "concepts")]
    run(["python", "-m", "spacy", "assemble", str(ROOT / "configs" / "end_to_end.cfg"), str(folder / "whole"), *paths])
    return folder


def blank() -> Language:
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    return nlp


def train_tagger(nlp: Language, golds: list) -> None:
    tagger = SYSTEMS["joint_ner_re"]
    settings = {"max_pair_distance": 1, "entity_steps": 1000000}  # as configs/mentions.cfg has them
    nlp.add_pipe("joint_ner_re", config={**tagger.settings, **settings, "model": {**tagger.model, "tok2vec": TOK2VEC}})
    fix_random_seed(0)
    examples = [Example(nlp.make_doc(gold.text), gold) for gold in golds]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(25):
        nlp.update(examples, sgd=optimizer)


def make_linker(source: Path) -> Language:
    kinds = {"T028": GENES, "T191": DISEASES}
    concepts = [(name, id, kind) for kind, names in kinds.items() for name, id in names.items() if name != "KRAS"]
    lines = [json.dumps({"id": id, "name": name, "types": [kind]}) for name, id, kind in concepts if name != "p53"]
    source.write_text("\n".join(lines).replace('"TP53"', '"TP53", "aliases": ["p53"]'))
    nlp = blank()
    types = {"Gene": {"types": ["T028"]}, "Disease": {"types": ["DISO"]}}
    linker = nlp.add_pipe("concept_linker", config={"entities_from": "entities", "mention_types": types})
    linker.initialize(sources=[f"jsonl={source}"])  # type: ignore[attr-defined]
    return nlp


def test_from_raw_text(folder: Path) -> None:
    nlp = spacy.load(folder / "whole")
    doc = nlp(make_abstracts(blank())[0].text)
    assert doc.has_annotation("SENT_START")
    assert {(span.text, span.label_, span.kb_id_) for span in doc.spans["entities"]} == {
        ("TP53", "Gene", "7157"),
        ("glioma", "Disease", "D005910"),
    }
    assert [row[:3] for row in rows(doc)] == [("7157", "D005910", "Positive")]
    assert [(each.head, each.tail) for each in doc._.interactions] == [("7157", "D005910")]


def test_each_step_has_its_loss(folder: Path) -> None:
    def score(*options: str) -> float:
        arguments = [str(folder / "whole"), str(folder / "test.spacy"), "--output", str(output), "--bootstrap", "0"]
        run(["python", "-m", "spacy", "keci", "evaluate", *arguments, *options])
        result = json.loads(output.read_text())
        assert result["benchmark"] == "concepts"
        origins.append((result["mentions"], result["identifiers"]))
        return result["scores"]["concepts_typed_f"]

    output, origins = folder / "result.json", []
    both, linked = score("--mentions", "gold"), score("--mentions", "gold", "--identifiers", "predicted")
    found, all_predicted = score("--identifiers", "gold"), score()
    assert origins == [("gold", "gold"), ("gold", "predicted"), ("predicted", "gold"), ("predicted", "predicted")]
    assert both > 0.9 and both > linked > 0.3  # what has no identifier has no relation
    assert found == pytest.approx(both, abs=0.1) and all_predicted == pytest.approx(linked, abs=0.1)


def test_predicted_mentions_have_gold_identifiers_where_they_are_gold(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spacy_keci.cli.load import find_extractor
    from spacy_keci.cli.prediction import Origin, predict

    nlp = spacy.load(folder / "whole")
    golds = make_abstracts(blank())
    for gold in golds[:1]:  # where gold differs, the mention of the tagger has no identifier
        gold.spans["entities"] = [span for span in gold.spans["entities"] if span.label_ == "Gene"]
    read: Counter[str] = Counter()  # texts, by component
    for name, pipe in nlp.pipeline:

        def predict_and_count(docs: list[Doc], name: str = name, pipe: Any = pipe) -> Any:
            read[name] += len(docs)
            return type(pipe).predict(pipe, docs)

        monkeypatch.setattr(pipe, "predict", predict_and_count)
    docs, _ = predict(nlp, golds, None, find_extractor(nlp)[1], mentions=Origin.predicted)
    assert read == dict.fromkeys(("biomedical_sentencizer", "joint_ner_re", "concept_relations"), len(golds))
    assert {span.kb_id_ for span in docs[0].spans["entities"] if span.label_ == "Disease"} == {""}
    assert {span.kb_id_ for span in docs[0].spans["entities"] if span.label_ == "Gene"} == {"7157"}
    assert "3845" in {span.kb_id_ for doc in docs for span in doc.spans["entities"]}  # which the linker does not know
