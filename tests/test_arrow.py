"""Record batches in, record batches out."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

pa = pytest.importorskip("pyarrow", reason="needs the extra 'export'")

from spacy_keci.annotator import Annotator  # noqa: E402
from spacy_keci.arrow import SCHEMA, annotate_batches, docs_from_batches, graph_row  # noqa: E402
from spacy_keci.corpora.parquet import text_hash  # noqa: E402
from spacy_keci.reports import Report  # noqa: E402
from spacy_keci.span_groups import set_span_graph  # noqa: E402
from spacy_keci.tokens import Concept, get_concepts, get_relations  # noqa: E402

from .pipeline.conftest import make_examples, make_pipeline  # noqa: E402

TEXTS = [f"FK{i} binds FKBP{i % 7} and p{i**5}, but inhibits calcineurin{' slowly' * (i % 5)}." for i in range(30)]


@Language.component("test_arrow_fails")
def fails(doc: Doc) -> Doc:
    if "BOOM" in doc.text:
        raise RuntimeError("no such thing")
    return doc


@pytest.fixture(scope="module")
def nlp(demo_docs: list[Doc]) -> Language:
    nlp = make_pipeline(threshold=0.001, relation_threshold=0.0017, spans_per_token=0.3)
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    nlp.add_pipe("test_arrow_fails", first=True)
    nlp.add_pipe("biomedical_sentencizer", first=True)
    return nlp


@pytest.fixture(scope="module")
def model(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model"
    nlp.to_disk(path)
    return path


def batch(**columns: Any) -> Any:
    return pa.RecordBatch.from_pydict(columns)


def test_rows_are_what_the_pipeline_finds(nlp: Language, model: Path) -> None:
    given = batch(pmid=list(range(30)), abstract=TEXTS, year=[1990 + i for i in range(30)], group=["g"] * 30)
    found = list(annotate_batches(model, text="abstract", id="pmid", batch_size=8)([given, given.slice(3, 0)]))
    assert [each.num_rows for each in found] == [8, 8, 8, 6]
    table = pa.Table.from_batches(found)
    assert table.schema.names == [*SCHEMA.names, "year"] and table["year"].to_pylist() == given["year"].to_pylist()
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [str(i) for i in range(30)] and [row["text"] for row in rows] == TEXTS
    assert {row["group"] for row in rows} == {"g"} and not any(row["error"] for row in rows)
    docs = {doc.text: doc for doc in nlp.pipe(sorted(TEXTS[8:16], key=len))}
    for row in rows[8:16]:
        doc, group = docs[row["text"]], docs[row["text"]].spans["entities"]
        assert [m["score"] for m in row["mentions"]] == group.attrs["scores"]
        assert [(m["start"], m["end"], m["text"], m["label"]) for m in row["mentions"]] == [
            (span.start_char, span.end_char, span.text, span.label_) for span in group
        ]
        assert [[r["head"], r["tail"], r["label"], r["score"]] for r in row["relations"]] == group.attrs["relations"]
        assert all(r["symmetric"] == (r["label"] == "binds") for r in row["relations"])
        assert row["sentences"] == [s.start_char for s in doc.sents] and row["text_hash"] == text_hash(doc.text)
    assert sum(len(row["relations"]) for row in rows) > 30


def test_any_grouping_of_rows_and_any_types(model: Path) -> None:
    annotate = annotate_batches(model, batch_size=8)
    whole = annotate.table(pa.table({"id": [f"t{i}" for i in range(8)], "text": TEXTS[:8]}))
    large = pa.table({"id": [f"t{i}" for i in range(8)], "text": pa.array(TEXTS[:8], pa.large_string())})
    assert annotate.table(large).equals(whole)
    assert annotate.table(whole.select(["text", "id"])).equals(whole)
    # a table that has been annotated may be annotated again
    assert annotate.table(whole).equals(whole)
    assert annotate.table(whole.slice(0, 0)).schema == whole.schema


def test_texts_that_cannot_be_read_are_rows_with_an_error(nlp: Language) -> None:
    texts = ["A.", None, "BOOM", "x" * 1_000_001, "", "FK506 binds FKBP12."]
    (found,) = annotate_batches(nlp)([batch(id=list("abcdef"), text=texts)])
    rows = found.to_pylist()
    assert [row["error"] for row in rows] == [
        None,
        "no text",
        "no such thing",
        "1,000,001 characters, more than the 1,000,000 that the pipeline reads (nlp.max_length)",
        None,
        None,
    ]
    assert [row["mentions"] is None for row in rows] == [False, True, True, True, False, False]
    assert [row["id"] for row in rows] == list("abcdef") and rows[4]["mentions"] == []


def test_the_text_may_be_left_out(nlp: Language) -> None:
    (found,) = annotate_batches(nlp, keep_text=False)([batch(id=["a", "b"], text=["FK506 binds p53.", "BOOM"])])
    assert [(row["text"], row["text_hash"]) for row in found.to_pylist()] == [
        (None, text_hash("FK506 binds p53.")),
        (None, text_hash("BOOM")),
    ]
    report = Report()
    assert not list(docs_from_batches([found], report=report)) and report.dropped == 2


def test_it_is_shipped_without_the_pipeline(model: Path) -> None:
    annotate = annotate_batches(model)
    given = batch(id=["a"], text=["FK506 binds FKBP12."])
    (before,) = annotate([given])
    data = pickle.dumps(annotate)
    assert len(data) < 1000
    (after,) = pickle.loads(data)([given])
    assert after.equals(before)


def test_wrong_columns(model: Path) -> None:
    annotate = annotate_batches(model)
    for columns, expected in [
        ({"id": ["a"], "abstract": ["A."]}, "no column 'text', only id, abstract"),
        ({"pmid": ["a"], "text": ["A."]}, "no column 'id', only pmid, text"),
        ({"id": ["a"], "text": [1]}, "'text' is int64, which cannot be used"),
        ({"id": [["a"]], "text": ["A."]}, "'id' is list<"),
    ]:
        with pytest.raises(ValueError, match=expected):
            list(annotate([batch(**columns)]))


def test_a_pipeline_that_writes_no_mentions() -> None:
    with pytest.raises(ValueError, match=r"writes no doc.spans\['entities'\], only none at all"):
        list(annotate_batches(spacy.blank("en"))([batch(id=["a"], text=["A."])]))


def test_documents_come_back(demo_kb: Path, nlp: Language) -> None:
    """With mentions, relations, sentences, and the candidates of mentions."""
    linking = spacy.blank("en")
    linking.tokenizer = nlp.tokenizer
    linker = linking.add_pipe("concept_linker")
    linker.initialize(lambda: [], nlp=linking, kb=demo_kb)
    texts = ["FK506 binds FKBP12. It inhibits calcineurin.", "Rapamycin binds FKBP12."]
    docs = []
    for text, doc in zip(texts, nlp.pipe(texts), strict=True):
        linked = linking(text)
        mentions = [
            doc.char_span(span.start_char, span.end_char, "x", span.kb_id_) for span in linked.spans["concepts"]
        ]
        doc.spans["concepts"] = [doc.char_span(s.start_char, s.end_char, s.label_, s.kb_id_)
                                 for s in linked.spans["concepts"]]  # fmt: skip
        doc.spans["concepts"].attrs.update(linked.spans["concepts"].attrs)
        set_span_graph(
            doc,
            "entities",
            [*mentions, doc[1:3]],
            [[0, 1, "binds", 0.25], [1, 2, "has", 1.0]],
            scores=[0.5] * (len(mentions) + 1),
            symmetric=["binds"],
        )
        doc.user_data.update(id="i", group="g", meta={"year": 1999})
        docs.append(doc)
    batches = [pa.RecordBatch.from_pylist([graph_row(doc) for doc in docs], SCHEMA)]
    for doc, found in zip(docs, docs_from_batches(batches, nlp.make_doc), strict=True):
        assert found.text == doc.text and found.user_data == doc.user_data
        assert [token.text for token in found] == [token.text for token in doc]
        assert [span.text for span in found.sents] == [span.text for span in doc.sents]
        group, other = found.spans["entities"], doc.spans["entities"]
        assert list(map(str, get_relations(found))) == list(map(str, get_relations(doc)))
        assert {name: group.attrs[name] for name in ("scores", "relations", "symmetric")} == {
            name: other.attrs[name] for name in ("scores", "relations", "symmetric")
        }
        for span, same in zip(group, other, strict=True):
            assert (span.start, span.end, span.label_, span.kb_id_) == (same.start, same.end, same.label_, same.kb_id_)
            assert get_concepts(span) == get_concepts(same)
        assert any(get_concepts(span) for span in group)


def test_candidates_of_mentions_with_white_space_at_their_edges() -> None:
    candidate = {"concept": "C1", "type": "T1", "score": 1.0}
    mentions = [
        {"start": start, "end": end, "label": "drug", "candidates": [candidate]} for start, end in ((1, 7), (7, 8))
    ]
    rows = [{"id": "1", "text": "a FK506 b", "mentions": mentions, "relations": []}]
    (doc,) = docs_from_batches([pa.RecordBatch.from_pylist(rows, SCHEMA)])
    assert [(span.text, get_concepts(span)) for span in doc.spans["entities"]] == [("FK506", [Concept("C1", "T1")])]


def test_annotator_gives_each_text_its_own(nlp: Language) -> None:
    """Whatever their lengths and the sizes of batches."""
    texts = [*TEXTS, "BOOM", "A.", *TEXTS[::-1]]
    for size in (1, 7, 100):
        outcomes = [
            outcome if isinstance(outcome, str) else outcome.text
            for outcomes in Annotator(nlp, batch_size=size).annotate(texts)
            for outcome in outcomes
        ]
        assert outcomes == [*TEXTS, "no such thing", "A.", *TEXTS[::-1]]


def test_fingerprint(model: Path, nlp: Language) -> None:
    first = Annotator(model).fingerprint
    assert first == Annotator(str(model)).fingerprint and len(first) == 16
    other = spacy.load(model)
    other.meta["version"] = "9"
    edited = spacy.load(model, config={"components.keci.threshold": 0.5})
    different = (
        Annotator(model, batch_size=3),
        Annotator(model, spans_key="x"),
        Annotator(other),
        Annotator(edited),
    )
    assert len({first, *(each.fingerprint for each in different)}) == 5
    json.dumps(first)
