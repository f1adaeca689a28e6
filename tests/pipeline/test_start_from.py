from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from spacy_keci.callbacks import create_start_from
from spacy_keci.pipeline.start_from import start_from

from .systems import graph, make_examples, make_pipeline


def with_more_labels(docs: list[Doc]) -> list[Doc]:
    """The documents, the mentions of the first of which have a label of their own."""
    first = docs[0].copy()
    spans = [Span(first, span.start, span.end, "new") for span in first.spans["entities"]]
    assert spans
    first.spans["entities"] = SpanGroup(first, spans=spans)
    return [first, *docs[1:]]


def initialized(system: str, docs: list[Doc]) -> Language:
    nlp = make_pipeline(system)
    nlp.initialize(lambda: make_examples(nlp, docs))
    return nlp


def weights(nlp: Language, system: str) -> dict[str, torch.Tensor]:
    return nlp.get_pipe(system).network.state_dict()  # type: ignore[attr-defined]


def test_equal_labels_give_an_equal_pipeline(
    system: str, trained_one: Language, docs: list[Doc], tmp_path: Path
) -> None:
    trained_one.to_disk(tmp_path)
    nlp = initialized(system, docs)
    assert create_start_from(str(tmp_path))(nlp) is nlp
    for name, weight in weights(trained_one, system).items():
        torch.testing.assert_close(weights(nlp, system)[name], weight, rtol=0, atol=0)
    for doc in docs:
        assert graph(nlp(doc.text)) == graph(trained_one(doc.text))


def test_rows_of_shared_labels(trained_one: Language, system: str, docs: list[Doc]) -> None:
    if system != "keci":
        pytest.skip("the tags of joint_ner_re are not labels")
    nlp = initialized(system, with_more_labels(docs))
    start_from(nlp, trained_one)
    pipe, source = nlp.get_pipe(system), trained_one.get_pipe(system)
    assert set(pipe.labels) - set(source.labels) == {"new"}  # type: ignore[attr-defined]
    head, known = (
        weights(nlp, system)["entities.layers.3.weight"],
        weights(trained_one, system)["entities.layers.3.weight"],
    )
    for i, label in enumerate(source.labels):  # type: ignore[attr-defined]
        torch.testing.assert_close(head[1 + pipe.labels.index(label)], known[1 + i], rtol=0, atol=0)  # type: ignore[attr-defined]
    torch.testing.assert_close(head[0], known[0], rtol=0, atol=0)


def test_none(system: str, docs: list[Doc]) -> None:
    nlp = initialized(system, docs)
    before = {name: weight.clone() for name, weight in weights(nlp, system).items()}
    assert create_start_from(None)(nlp) is nlp
    assert all(torch.equal(weight, before[name]) for name, weight in weights(nlp, system).items())


def test_nothing_in_common(system: str, trained_one: Language) -> None:
    with pytest.raises(ValueError, match="no trainable component of the same name"):
        start_from(spacy.blank("en"), trained_one)


def test_another_encoder(docs: list[Doc], system: str, trained_one: Language) -> None:
    nlp = initialized(system, docs)
    encoder = nlp.get_pipe(system).model.get_ref("tok2vec")  # type: ignore[attr-defined]
    encoder.layers.pop()
    with pytest.raises(ValueError, match="differs from that of the trained pipeline"):
        start_from(nlp, trained_one)
