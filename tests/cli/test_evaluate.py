"""The evaluate command from end to end, with a pipeline that finds upper-case words and pairs neighbours."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from typer.testing import CliRunner, Result

from spacy_keci.cli.benchmarks import Benchmark, choose_scorer, own_scorer
from spacy_keci.cli.evaluate import predictions_format
from spacy_keci.cli.load import read_gold
from spacy_keci.cli.main import keci
from spacy_keci.cli.prediction import give_identifiers, predict
from spacy_keci.cli.provenance import encoder_name
from spacy_keci.corpora.docbin import save_docs
from spacy_keci.corpora.documents import mark_sentences
from spacy_keci.corpora.formats import read_any
from spacy_keci.scoring.biorelex import BioRelExScorer
from spacy_keci.scoring.strict import StrictScorer

from ..pipeline.conftest import make_pipeline
from ..scoring.graphs import make_doc


@Language.factory("test_upper_case_graph", default_config={"label": "GENE"})
def make_upper_case_graph(nlp: Language, name: str, label: str) -> Callable[[Doc], Doc]:
    def find(doc: Doc) -> Doc:
        found = [Span(doc, t.i, t.i + 1, label=label) for t in doc if t.is_upper]
        rows = [[i, i + 1, "binds", 1.0] for i in range(len(found) - 1)]
        doc.spans["entities"] = SpanGroup(doc, name="entities", spans=found, attrs={"relations": rows})
        return doc

    return find


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    nlp.add_pipe("test_upper_case_graph")
    nlp.meta["name"] = "upper"
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def golds(nlp: Language) -> list[Doc]:
    return [
        make_doc(nlp, "AB binds CD", [(0, 2, "GENE"), (9, 11, "GENE")], [(0, 1, "binds")], id="one"),
        make_doc(nlp, "AB and lower bind", [(0, 2, "GENE"), (7, 12, "DRUG")], [(0, 1, "binds")], id="two"),
        make_doc(nlp, "nothing here", id="three"),
        make_doc(nlp, "ABCD is split", [(0, 2, "GENE")], id="four"),
    ]


@pytest.fixture
def corpus(golds: list[Doc], tmp_path: Path) -> Path:
    path = tmp_path / "dev.spacy"
    DocBin(docs=golds, store_user_data=True).to_disk(path)
    return path


def run(*args: Any) -> Result:
    return CliRunner().invoke(keci, ["evaluate", *map(str, args)], catch_exceptions=False)


def evaluate(*args: Any) -> str:
    outcome = run(*args)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


@pytest.fixture
def linker(nlp: Language, tmp_path: Path) -> Path:
    source = tmp_path / "kb.jsonl"
    source.write_text('{"id": "X:1", "name": "AB", "types": ["T116"]}\n{"id": "X:2", "name": "AB", "types": ["T047"]}')
    types = {"GENE": {"types": ["T116"]}, "DRUG": {"types": ["T047"]}}
    config = {"entities_from": "entities", "mention_types": types}
    nlp.add_pipe("concept_linker", config=config).initialize(sources=[f"jsonl={source}"])
    nlp.to_disk(tmp_path / "linker")
    return tmp_path / "linker"


def test_other_predictions_are_checked_first(model: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_keci.cli.evaluate.predict", lambda *_, **__: pytest.fail("predicted"))
    outcome = run(model, corpus, "--compare", shutil.copy(corpus, corpus.with_suffix(".docbin")))
    assert outcome.exit_code == 1 and "is neither .spacy nor .jsonl" in " ".join(outcome.output.split())


def test_linking_of_gold_mentions(nlp: Language, linker: Path, tmp_path: Path) -> None:
    gold = make_doc(nlp, "AB or AB", [(0, 2, "GENE"), (6, 8, "DRUG")], [], id="one")
    gold.spans["entities"] = [
        Span(gold, s.start, s.end, s.label, kb_id=id)
        for s, id in zip(gold.spans["entities"], ("X:1", "X:2"), strict=True)
    ]
    DocBin(docs=[gold], store_user_data=True).to_disk(tmp_path / "dev.spacy")
    output = tmp_path / "result.json"
    arguments = ["--benchmark", "linking", "--mentions", "gold", "--output", str(output), "--bootstrap", "10"]
    result = run(linker, tmp_path / "dev.spacy", *arguments)
    assert result.exit_code == 0, result.output
    scored = json.loads(output.read_text())
    assert scored["benchmark"] == "linking" and scored["scores"]["linking_first_r"] == 1.0
    assert scored["per_type"]["linking_first"]["GENE"]["support"] == 1
    assert "linking, first candidate 100.0 100.0 100.0 100.0-100.0" in " ".join(result.output.split())
    assert scored["linking"]["mention"] == 2  # the identifiers are those of the linker, as the gold ones were not given


@pytest.mark.parametrize("spans_key", ["entities", "mine"])
def test_gold_identifiers_of_any_group(nlp: Language, spans_key: str) -> None:
    gold, doc = nlp.make_doc("AB or AB"), nlp.make_doc("AB or AB")
    gold.spans[spans_key] = [Span(gold, 0, 1, "GENE", kb_id="X:1")]
    doc.spans["found"] = [Span(doc, 0, 1, "GENE", kb_id="X:2"), Span(doc, 2, 3, "GENE", kb_id="X:2")]
    list(give_identifiers([doc], [gold], "found", spans_key))
    assert [span.kb_id_ for span in doc.spans["found"]] == ["X:1", ""]


def test_linking_needs_a_linker_and_identifiers(
    nlp: Language, model: Path, linker: Path, corpus: Path, tmp_path: Path
) -> None:
    for pipeline, message in ((model, "no concept linker"), (linker, "No gold mention has an identifier")):
        result = run(pipeline, corpus, "--benchmark", "linking")
        assert result.exit_code == 1 and message in result.output
    gold = make_doc(nlp, "AB", [(0, 2, "GENE", "-")], [], id="one")
    DocBin(docs=[gold], store_user_data=True).to_disk(tmp_path / "none.spacy")
    result = run(linker, tmp_path / "none.spacy", "--benchmark", "linking")
    assert result.exit_code == 1 and "No gold mention has an identifier" in result.output
    assert "with a concept" not in evaluate(linker, tmp_path / "none.spacy", "--bootstrap", 0)
    result = run(linker, corpus, "--benchmark", "linking", "--identifiers", "gold")
    assert result.exit_code == 1 and "leave out --identifiers gold" in " ".join(result.output.split())


def test_end_to_end(model, corpus, tmp_path):
    output = tmp_path / "results" / "x.json"
    shown = evaluate(model, corpus, "-o", output, "--name", "run-1", "--group", "runs", "--bootstrap", 50)
    text = output.read_text()
    result = json.loads(text)
    assert result["scores"]["entities_micro_p"] == pytest.approx(3 / 4)  # AB, CD, AB and not ABCD
    assert result["scores"]["entities_micro_r"] == pytest.approx(3 / 5)  # without "lower" and "AB" in ABCD
    assert result["scores"]["relations_micro_p"] == 1.0 and result["scores"]["relations_micro_r"] == 0.5
    assert result["per_type"]["entities"]["DRUG"] == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 1}
    assert result["counts"]["entities_gold"] == 5 and result["counts"]["entities_unreachable"] == 1
    low, high = result["intervals"]["entities_micro_f"]
    assert low <= result["scores"]["entities_micro_f"] <= high and low < high
    assert (result["name"], result["group"], result["benchmark"]) == ("run-1", "runs", "strict")
    assert result["corpus"]["name"] == "dev.spacy" and result["corpus"]["documents"] == 4
    assert len(result["corpus"]["sha256"]) == len(result["model"]["config_sha256"]) == 64
    assert result["model"]["name"] == "en_upper" and result["training"] is None
    assert result["versions"]["spacy"] == spacy.__version__ and "spacy-transformers" in result["versions"]
    assert result["speed"]["documents_per_second"] > 0 and result["speed"]["device"] == "cpu"
    assert result["date"]
    assert str(tmp_path) not in text
    for part in ("run-1 on dev.spacy", "entities, strict micro", "DRUG", "5 gold entities, 4 predicted, 1 gold not on"):
        assert part in " ".join(shown.split())


@pytest.fixture
def linked(nlp: Language, demo_kb: Path, tmp_path: Path) -> Path:
    """A pipeline whose linker finds what the demo knowledge base has, and a component that pays attention to it."""
    nlp.add_pipe("concept_linker").initialize(kb=demo_kb)
    nlp.add_pipe("test_upper_case_graph", config={"label": "drug"})
    nlp.add_pipe("test_attention")
    nlp.to_disk(tmp_path / "linked")
    return tmp_path / "linked"


@Language.component("test_attention")
def pay_attention(doc: Doc) -> Doc:
    group = doc.spans["concepts"]
    group.attrs["attention"] = [0.25 if concept.start == 0 else 0.75 for concept in group]
    return doc


def test_concepts(linked, nlp, tmp_path):
    golds = [make_doc(nlp, f"{drug} inhibits MTOR.", [(0, len(drug), "drug")]) for drug in ("FK506", "Sirolimus") * 5]
    for gold in golds:
        kb_id = "DEMO:0464" if gold.text.startswith("FK506") else "X:unknown"
        gold.spans["entities"] = [Span(gold, 0, 1, "drug", kb_id=kb_id)]
    DocBin(docs=golds).to_disk(tmp_path / "linked.spacy")
    shown = evaluate(linked, tmp_path / "linked.spacy", "-o", tmp_path / "x.json", "--bootstrap", 0)
    result = json.loads((tmp_path / "x.json").read_text())
    counts = result["linking"]
    assert (counts["with a concept"], counts["grounded"], counts["among candidates"]) == (10, 5, 5)
    assert counts["first"] == counts["found"] == 5 and counts["mention"] == 0
    weights = {each["type"]: (each["mean"], each["candidates"]) for each in result["attention"]}
    assert weights["T109"] == (0.25, 10)
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "the gold concept is in the knowledge base 5 50.0%" in lines
    assert "T109 0.25 10" in lines


def test_without_concepts(model, corpus, tmp_path):
    shown = evaluate(model, corpus, "-o", tmp_path / "x.json", "--bootstrap", 0)
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["linking"] is None and result["attention"] is None and "attention" not in shown


def test_same_scores_again(model, corpus, tmp_path):
    results = []
    for i in range(2):
        evaluate(model, corpus, "-o", tmp_path / f"{i}.json", "--batch-size", i + 1, "--threads", 1)
        results.append(json.loads((tmp_path / f"{i}.json").read_text()))
    first, second = ({k: r[k] for k in ("scores", "intervals", "corpus", "model")} for r in results)
    assert first == second


def test_names_of_a_result(model, corpus, tmp_path):
    for name, group in (("run-0", "run"), ("run-1", "run-1")):  # the seed is 0
        evaluate(model, corpus, "-o", tmp_path / f"{name}.json", "--bootstrap", 0)
        result = json.loads((tmp_path / f"{name}.json").read_text())
        assert (result["name"], result["group"]) == (name, group)
    assert "en_upper on dev.spacy" in " ".join(evaluate(model, corpus, "--bootstrap", 0).split())


def test_training_info(model, corpus, tmp_path):
    (model / "training.json").write_text('{"seconds": 7}')
    evaluate(model, corpus, "-o", tmp_path / "x.json", "--bootstrap", 0)
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["training"] == {"seconds": 7} and result["intervals"] == {}


def test_predictions_and_comparison(model, corpus, tmp_path, nlp):
    """A system compared with its own predictions does not differ from itself."""
    evaluate(model, corpus, "--predictions", tmp_path / "out.spacy")
    docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(nlp.vocab))
    assert [doc.user_data["id"] for doc in docs] == ["one", "two", "three", "four"]
    assert [[span.text for span in doc.spans["entities"]] for doc in docs] == [["AB", "CD"], ["AB"], [], ["ABCD"]]
    shown = evaluate(model, corpus, "--compare", tmp_path / "out.spacy", "-o", tmp_path / "x.json")
    assert "paired bootstrap" in shown
    compared = json.loads((tmp_path / "x.json").read_text())["compared"]
    assert compared["with"] == f"{tmp_path.name}/out.spacy" and set(compared["p"].values()) == {1.0}


def test_predictions_have_no_user_data_of_the_gold_but_its_identity(model, golds):
    golds[0].user_data |= {"meta": {"year": 1991}, "span_graphs": ["of the gold"], "note": "of the gold"}
    docs, _ = predict(spacy.load(model), golds)
    assert docs[0].user_data["id"] == "one" and docs[0].user_data["meta"] == {"year": 1991}
    assert not docs[0].user_data.keys() - {"id", "group", "meta", "span_graphs"}
    assert not any("span_graphs" in doc.user_data for doc in docs)  # this pipeline predicts no relations


def test_comparison_with_other_documents(model, corpus, golds, tmp_path):
    DocBin(docs=golds[1:]).to_disk(tmp_path / "less.spacy")
    outcome = run(model, corpus, "--compare", tmp_path / "less.spacy")
    assert outcome.exit_code == 1 and "holds 3 documents, the corpus 4" in " ".join(outcome.output.split())


def test_comparison_with_other_texts_or_without_predictions(model, corpus, golds, tmp_path, nlp, monkeypatch):
    monkeypatch.setattr("spacy_keci.cli.evaluate.predict", None)
    for docs, message in (
        (
            [*golds[:3], make_doc(nlp, "another")],
            "Document 4 of other.spacy has another text than the corpus: 'another'",
        ),
        ([nlp.make_doc(doc.text) for doc in golds], "Document 1 of other.spacy has no predictions"),
    ):
        DocBin(docs=docs).to_disk(tmp_path / "other.spacy")
        outcome = run(model, corpus, "--compare", tmp_path / "other.spacy")
        assert outcome.exit_code == 1 and message in " ".join(outcome.output.split())


@pytest.mark.parametrize("command", ["evaluate", "report"])
def test_what_is_read_is_not_overwritten(model, corpus, command):
    before = corpus.read_bytes()
    for output in (corpus, corpus.parent / "model" / ".." / corpus.name, corpus.parent):
        outcome = CliRunner().invoke(keci, [command, str(model), str(corpus), "-o", str(output)])
        assert outcome.exit_code == 1 and corpus.read_bytes() == before
        assert "name another file" in outcome.output or "is a folder" in outcome.output
    outcome = run(model, corpus.parent, "--predictions", corpus.parent / "new.spacy")
    assert outcome.exit_code == 1 and "read with it" in " ".join(outcome.output.split())


def test_gold_that_cannot_be_found_is_told(golds, corpus, capsys):
    nlp = make_pipeline()
    nlp.get_pipe("keci").add_label("GENE")
    nlp.get_pipe("keci").add_relation_label("inhibits")
    read_gold(corpus, nlp, "entities")
    told = " ".join(capsys.readouterr().err.split())
    assert "1 of 5 gold mentions have labels that 'keci' does not have, so they count as missed: DRUG (1)" in told
    assert "2 of 2 gold relations" in told and "binds (2). It has: inhibits." in told
    save_docs(golds[2:3], corpus)
    read_gold(corpus, nlp, "entities")
    assert "has no gold mentions" in capsys.readouterr().err


def test_an_unknown_setting_is_one_line(model, corpus):
    outcome = run(model, corpus, "--components.test_upper_case_graph.labels", "x")
    assert outcome.exit_code == 1 and "unexpected argument: 'labels'" in outcome.output
    assert "'nlp':" not in outcome.output


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_predicted(model, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_keci.cli.evaluate.predict", None)
    outcome = run(model, corpus, "--predictions", tmp_path / "out.what")
    assert outcome.exit_code == 1 and "Cannot tell the format" in " ".join(outcome.output.split())


def test_folders_are_made(model, corpus, tmp_path):
    evaluate(model, corpus, "--predictions", tmp_path / "new" / "out.spacy", "-o", tmp_path / "other" / "x.json")
    assert (tmp_path / "new" / "out.spacy").exists() and (tmp_path / "other" / "x.json").exists()


def test_settings_may_be_changed(model, corpus, tmp_path):
    for label, hits in (("GENE", 3), ("DRUG", 0)):
        evaluate(model, corpus, "-o", tmp_path / "x.json", "--components.test_upper_case_graph.label", label)
        scores = json.loads((tmp_path / "x.json").read_text())["scores"]
        assert scores["entities_micro_p"] == hits / 4
    for mistake, code in (("--components.test_upper_case_graph.lable", 1), ("--outptu", 2)):
        assert run(model, corpus, mistake, "x").exit_code == code


@pytest.mark.parametrize("missing", ["model", "corpus"])
def test_nothing_there(model, corpus, tmp_path, missing):
    (tmp_path / "empty").mkdir()
    outcome = run(
        *(tmp_path / "empty" if missing == name else path for name, path in (("model", model), ("corpus", corpus)))
    )
    assert outcome.exit_code == 1 and ("Cannot load" if missing == "model" else "is not a file") in outcome.stderr


def test_empty_corpus(model, tmp_path):
    DocBin().to_disk(tmp_path / "none.spacy")
    outcome = run(model, tmp_path / "none.spacy")
    assert outcome.exit_code == 1 and "holds no documents" in outcome.output


def test_missing_key_is_an_error(model, tmp_path, nlp):
    DocBin(docs=[nlp.make_doc("AB CD")]).to_disk(tmp_path / "bare.spacy")
    outcome = run(model, tmp_path / "bare.spacy")
    assert outcome.exit_code == 1 and "has no doc.spans['entities']" in " ".join(outcome.output.split())


def test_predictions_in_other_formats(model, corpus, tmp_path):
    evaluate(model, corpus, "--predictions", tmp_path / "out.jsonl")
    texts = list(read_any(tmp_path / "out.jsonl"))
    assert [text.id for text in texts] == ["one", "two", "three", "four"]
    assert [len(text.mentions) for text in texts] == [2, 1, 0, 1]
    evaluate(model, corpus, "--predictions", tmp_path / "out.json")
    assert [len(text.mentions) for text in read_any(tmp_path / "out.json", "biorelex")] == [2, 1, 0, 1]


def test_outputs_in_one_file(model, corpus, tmp_path):
    outcome = run(model, corpus, "-o", tmp_path / "x.json", "--predictions", tmp_path / "x.json")
    assert outcome.exit_code == 1 and "would overwrite an input" in " ".join(outcome.output.split())


def test_what_predictions_lose_is_told(model, corpus, golds, tmp_path):
    assert "cannot hold" not in evaluate(model, corpus, "--predictions", tmp_path / "out.json")
    golds[0].user_data["meta"] = {"year": 1991}
    DocBin(docs=golds, store_user_data=True).to_disk(corpus)
    shown = evaluate(model, corpus, "--predictions", tmp_path / "out.json")
    assert "out.json cannot hold everything that was predicted: 1 dropped: meta of a text" in " ".join(shown.split())


def test_format_of_predictions():
    assert predictions_format(Path("x.SPACY")) == "spacy"
    assert predictions_format(Path("x.Json")) == "biorelex"


def test_jsonl_as_gold(model, tmp_path):
    path = tmp_path / "gold.jsonl"
    line = {"text": "AB CD", "entities": [{"text": "AB", "label": "GENE"}, {"text": "CD", "label": "GENE"}]}
    path.write_text(json.dumps(line) + "\n{}\n")
    shown = evaluate(model, path, "-o", tmp_path / "x.json")
    assert "malformed line" in shown
    assert json.loads((tmp_path / "x.json").read_text())["scores"]["entities_micro_f"] == 1.0


def test_choice_of_the_scorer(nlp):
    plain = [make_doc(nlp, "AB CD", [(0, 2, "GENE")])]
    clustered = [make_doc(nlp, "AB CD", [(0, 2, "GENE")], clusters=[[0]], interactions=[])]
    own = StrictScorer()
    assert choose_scorer(nlp, plain, Benchmark.auto) == choose_scorer(nlp, clustered, Benchmark.strict) == own
    official = BioRelExScorer()
    assert choose_scorer(nlp, clustered, Benchmark.auto) == choose_scorer(nlp, plain, Benchmark.biorelex) == official


class Scored:
    """A component with settings of its own, and a scorer."""

    def __init__(self) -> None:
        self.spans_key, self.symmetric, self.scorer = "mine", ("binds",), StrictScorer()

    def __call__(self, doc: Doc) -> Doc:
        return doc


def test_settings_of_the_component(nlp):
    Language.factory("test_scored", func=lambda nlp, name: Scored())
    nlp.add_pipe("test_scored")
    assert own_scorer(nlp) == StrictScorer("mine", frozenset({"binds"}))
    assert choose_scorer(nlp, [], Benchmark.biorelex) == BioRelExScorer("mine", frozenset({"binds"}))


def test_encoder_name():
    transformer = {"@architectures": "spacy_keci.TransformerModel.v1", "name": "allenai/scibert"}
    listener = {"@architectures": "spacy-transformers.TransformerListener.v1", "pooling": {}}
    keci = {"model": {"@architectures": "spacy_keci.SpanGraph.v1", "tok2vec": listener}}
    assert encoder_name({"components": {"transformer": {"model": transformer}, "keci": keci}}) == "allenai/scibert"
    transformer["name"] = "/home/someone/models/minilm"
    assert encoder_name({"components": {"transformer": {"model": transformer}}}) == "models/minilm"
    cnn = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 96}
    assert (
        encoder_name({"components": {"keci": {"model": {**keci["model"], "tok2vec": cnn}}}}) == "spacy.HashEmbedCNN.v2"
    )
    assert encoder_name({}) is None


def test_gold_sentences_are_those_of_the_pipeline() -> None:
    """A text of a corpus of sentences is one sentence, whatever full stops it holds; others get those of the rule."""
    nlp = spacy.blank("en")
    nlp.add_pipe("biomedical_sentencizer")
    golds = [nlp.make_doc("A binds B. C binds D.") for _ in range(2)]
    mark_sentences(golds[0], [0])
    docs, _ = predict(nlp, golds)
    assert [len(list(doc.sents)) for doc in docs] == [1, 2]
