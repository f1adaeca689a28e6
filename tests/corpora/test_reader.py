import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc, DocBin

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.docbin import save_docs
from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.formats import read_any, write_any
from spacy_keci.corpora.reader import SpanGraphCorpus, read_docs
from spacy_keci.reports import Report
from spacy_keci.tokens import get_relations

TEXTS = [
    AnnotatedText(
        f"FK506 binds FKBP{i}-GFP.",
        [Mention(0, 5, "drug"), Mention(12, 17, "protein"), Mention(18, 21, "protein")],
        [RelationTriple(0, 1, "binds"), RelationTriple(2, 1, "part_of")],
        id=str(i),
    )
    for i in range(8)
]


@pytest.fixture
def corpus(tmp_path: Path, nlp: Language) -> Path:
    return save(tmp_path / "train.spacy", nlp, TEXTS)


def save(path: Path, nlp: Language, texts: list[AnnotatedText]) -> Path:
    save_docs([to_doc(text, nlp.make_doc, Report()) for text in texts], path)
    return path


def make_corpus(path: Path, **settings: Any) -> Any:
    """Through the registry, as a config does it."""
    config = {"corpus": {"@readers": "spacy_keci.SpanGraphCorpus.v1", "path": str(path), **settings}}
    return spacy.registry.resolve(config)["corpus"]


def test_examples_keep_relations(corpus: Path, nlp: Language) -> None:
    examples = list(make_corpus(corpus)(nlp))
    assert [example.text for example in examples] == [text.text for text in TEXTS]
    for example in examples:
        assert "entities" not in example.predicted.spans
        assert [str(r) for r in get_relations(example.reference)] == [
            f"FK506 --binds--> {example.reference.spans['entities'][1].text}",
            f"GFP --part_of--> {example.reference.spans['entities'][1].text}",
        ]


def test_gold_mentions_given_to_the_texts(corpus: Path, nlp: Language) -> None:
    nlp.tokenizer = Tokenizer(nlp.vocab)  # at white space: the second and third mention share a token
    for example in make_corpus(corpus, mentions_to="given")(nlp):
        (mention,) = example.predicted.spans["given"]
        assert (mention.text, mention.label_) == ("FK506", "drug")
        assert "entities" not in example.predicted.spans


def test_gold_mentions_are_not_for_ents(corpus: Path) -> None:
    with pytest.raises(ValueError, match=r'mentions_to = "ents": .* reads doc.ents.* such as "gold"'):
        make_corpus(corpus, mentions_to="ents")


def test_jsonl_and_folders(tmp_path: Path, corpus: Path, nlp: Language) -> None:
    (tmp_path / "deep").mkdir()
    line = {"text": "A binds B.", "entities": [{"text": "A", "label": "x"}], "relations": []}
    (tmp_path / "deep" / "more.jsonl").write_text(json.dumps(line), encoding="utf8")
    (tmp_path / "notes.txt").write_text("not a corpus", encoding="utf8")
    examples = list(make_corpus(tmp_path)(nlp))
    assert [example.text for example in examples] == ["A binds B."] + [text.text for text in TEXTS]
    assert [len(doc) for doc in read_docs(tmp_path, nlp)] == [len(example.reference) for example in examples]


def test_case_of_endings(tmp_path: Path, nlp: Language) -> None:
    save(tmp_path / "a.SPACY", nlp, TEXTS[:1])
    (tmp_path / "b.Jsonl").write_text('{"text": "A binds B."}', encoding="utf8")
    assert [doc.text for doc in read_docs(tmp_path, nlp)] == [TEXTS[0].text, "A binds B."]
    assert [doc.text for doc in read_docs(tmp_path / "b.Jsonl", nlp)] == ["A binds B."]


def test_gzipped_files(tmp_path: Path, nlp: Language) -> None:
    save(tmp_path / "a.spacy", nlp, TEXTS[:1])
    (tmp_path / "a.spacy.gz").write_bytes(gzip.compress((tmp_path / "a.spacy").read_bytes()))
    (tmp_path / "a.spacy").unlink()
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "A binds B."}'))
    assert [doc.text for doc in read_docs(tmp_path, nlp)] == [TEXTS[0].text, "A binds B."]
    assert [doc.text for doc in read_docs(tmp_path / "b.jsonl.gz", nlp)] == ["A binds B."]


def test_limit_and_shuffle(corpus: Path, nlp: Language) -> None:
    def ids(reader: Any) -> list[str]:
        return [example.reference.user_data["id"] for example in reader(nlp)]

    assert ids(make_corpus(corpus, limit=3)) == ["0", "1", "2"]
    assert sorted(ids(make_corpus(corpus, limit=3, shuffle=True))) == ["0", "1", "2"]
    first, second = (make_corpus(corpus, shuffle=True, seed=1) for _ in range(2))
    epochs = [ids(first), ids(first)]
    assert epochs[0] != epochs[1]
    assert [ids(second), ids(second)] == epochs
    spacy.util.fix_random_seed(5)
    drawn = ids(make_corpus(corpus, shuffle=True))
    spacy.util.fix_random_seed(5)
    assert ids(make_corpus(corpus, shuffle=True)) == drawn != ids(make_corpus(corpus))


def test_a_limit_that_is_none(corpus: Path) -> None:
    with pytest.raises(ValueError, match=r"limit must be 0 \(no limit\) or positive, got -1"):
        make_corpus(corpus, limit=-1)


def test_limit_runs_over_files(tmp_path: Path, nlp: Language) -> None:
    save(tmp_path / "a.spacy", nlp, TEXTS[:3])
    save(tmp_path / "b.spacy", nlp, TEXTS[3:])
    assert [e.reference.user_data["id"] for e in make_corpus(tmp_path, limit=5)(nlp)] == list("01234")
    assert len(list(make_corpus(tmp_path, limit=3)(nlp))) == 3


def test_summary_is_logged_once(corpus: Path, nlp: Language, log: pytest.LogCaptureFixture) -> None:
    reader = make_corpus(corpus)
    for _ in range(2):
        list(reader(nlp))
    (record,) = log.records
    assert record.levelname == "INFO"
    assert record.getMessage() == f"{corpus}: 8 texts, 24 mentions, 16 relations"


def test_what_the_tokenizer_cannot_reach(corpus: Path, log: pytest.LogCaptureFixture) -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer = Tokenizer(nlp.vocab)  # splits at whitespace only
    examples = list(make_corpus(corpus)(nlp))
    assert all(len(example.reference.spans["entities"]) == 3 for example in examples)
    (record,) = log.records
    assert record.levelname == "WARNING"
    assert "24 mentions, 16 relations; 16 mentions do not begin and end on tokens" in record.getMessage()
    assert "nor can 16 relations of theirs" in record.getMessage()


def test_empty_texts_are_left_out_and_counted(tmp_path: Path, nlp: Language, log: pytest.LogCaptureFixture) -> None:
    path = save(tmp_path / "x.spacy", nlp, [AnnotatedText(""), AnnotatedText(" \n"), *TEXTS[:1]])
    assert len(list(make_corpus(path)(nlp))) == 1
    assert "2 dropped: empty text" in log.records[0].getMessage()


def test_a_corpus_without_texts_is_warned_of(tmp_path: Path, nlp: Language, log: pytest.LogCaptureFixture) -> None:
    (tmp_path / "dev.jsonl").write_text("")
    assert list(SpanGraphCorpus(tmp_path / "dev.jsonl")(nlp)) == []
    assert [(each.levelname, each.message.partition(": ")[2]) for each in log.records] == [
        ("WARNING", "0 texts, 0 mentions, 0 relations; there is nothing to learn from or to score")
    ]


def test_malformed_lines_are_logged(tmp_path: Path, nlp: Language, log: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "A"}\n{"tokens": []}\n', encoding="utf8")
    assert len(list(make_corpus(path)(nlp))) == 1
    assert "1 dropped: malformed line (line 2: text: Field required)" in log.records[0].getMessage()


def test_documents_without_the_spans_key(tmp_path: Path, nlp: Language) -> None:
    doc = nlp("Not annotated.")
    doc.spans["sc"] = []
    save_docs([to_doc(TEXTS[0], nlp.make_doc, Report()), doc], tmp_path / "x.spacy")
    with pytest.raises(ValueError, match=r"Document 2 of .*x.spacy .'Not annotated.'. has no doc.spans\['entities'\]"):
        list(make_corpus(tmp_path / "x.spacy")(nlp))


def test_relations_of_mentions_that_are_not_there(tmp_path: Path, nlp: Language) -> None:
    doc = to_doc(TEXTS[0], nlp.make_doc, Report())
    doc.spans["entities"].attrs["relations"] = [[0, 9, "binds", 1.0]]
    save_docs([doc], tmp_path / "x.spacy")
    with pytest.raises(
        ValueError, match=r"Document 1 of .*x.spacy .* is malformed: The relation .* refers to a missing mention"
    ):
        list(make_corpus(tmp_path / "x.spacy")(nlp))


def test_labels_that_the_file_does_not_say(tmp_path: Path, nlp: Language) -> None:
    docs = DocBin(docs=[to_doc(TEXTS[0], spacy.blank("en").make_doc, Report())], store_user_data=True)
    docs.strings -= {"drug"}
    docs.to_disk(tmp_path / "x.spacy")
    with pytest.raises(ValueError, match=r"Document 1 of .*x.spacy .* is malformed: .*E018"):
        read_docs(tmp_path / "x.spacy", spacy.blank("en"))


def test_empty_group_is_kept(tmp_path: Path, nlp: Language) -> None:
    path = save(tmp_path / "x.spacy", nlp, [AnnotatedText("Nothing here.")])
    (example,) = make_corpus(path)(nlp)
    assert len(example.reference.spans["entities"]) == 0
    assert example.reference.spans["entities"].attrs["relations"] == []


def test_other_spans_key(tmp_path: Path, nlp: Language) -> None:
    doc: Doc = to_doc(TEXTS[0], nlp.make_doc, Report(), spans_key="sc")
    save_docs([doc], tmp_path / "x.spacy")
    (example,) = make_corpus(tmp_path / "x.spacy", spans_key="sc")(nlp)
    assert len(get_relations(example.reference, "sc")) == 2


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("none.spacy", None, FileNotFoundError, "is not a file, nor a folder that holds"),
        ("x.spacy", b"no DocBin", ValueError, "is not a file of spaCy's DocBin format"),
        ("x.json", b"[]", ValueError, "convert it with 'spacy keci convert'"),
        ("x.jsonl", b"no json", ValueError, "No line of"),
    ],
)
def test_bad_paths(
    tmp_path: Path, nlp: Language, name: str, content: bytes | None, error: type[Exception], message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        list(SpanGraphCorpus(tmp_path / name)(nlp))


def test_no_path() -> None:
    with pytest.raises(ValueError, match=r"--paths.train"):
        spacy.registry.resolve({"corpus": {"@readers": "spacy_keci.SpanGraphCorpus.v1", "path": None}})


def test_texts_of_a_corpus_of_sentences_stay_one_sentence(tmp_path: Path, nlp: Language) -> None:
    """Marked in the file, or by the setting; the sentencizer of a pipeline leaves them alone."""
    gold = AnnotatedText("A binds B. C binds D.", [Mention(0, 1, "x")], sentences=[0])
    write_any([gold, replace(gold, sentences=[0, 8]), replace(gold, sentences=None)], tmp_path / "x.jsonl")
    write_any(read_any(tmp_path / "x.jsonl"), tmp_path / "x.spacy")
    nlp.add_pipe("biomedical_sentencizer")
    for name in ("x.jsonl", "x.spacy"):
        for setting, expected in (("given", [1, 2, 2]), ("one", [1, 1, 1])):
            examples = list(make_corpus(tmp_path / name, sentences=setting)(nlp))
            docs = [nlp.get_pipe("biomedical_sentencizer")(example.predicted) for example in examples]
            assert [len(list(doc.sents)) for doc in docs] == expected
            if expected == [1, 2, 2]:
                assert [s.start_char for s in docs[1].sents] == [0, 8]  # as given, and not by the rule
    with pytest.raises(ValueError, match="sentences"):
        make_corpus(tmp_path / "x.jsonl", sentences="many")


def test_lines_of_another_tool(tmp_path: Path, nlp: Language) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "FK506 binds.", "label": [[0, 5, "drug"]]}')
    (example,) = make_corpus(tmp_path / "x.jsonl")(nlp)
    assert [span.label_ for span in example.reference.spans["entities"]] == ["drug"]
