from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from spacy_keci.callbacks import create_start_from
from spacy_keci.ml.joint.tags import PLACES
from spacy_keci.pipeline.start_from import start_from

from . import test_concept_relations, test_latent_relations
from .abstracts import make_abstracts
from .systems import graph, initialized


def with_more_labels(docs: list[Doc]) -> list[Doc]:
    """The documents, the mentions of the first of which have a label of their own."""
    first = docs[0].copy()
    spans = [Span(first, span.start, span.end, "new") for span in first.spans["entities"]]
    assert spans
    first.spans["entities"] = SpanGroup(first, spans=spans)
    return [first, *docs[1:]]


def weights(nlp: Language, system: str) -> dict[str, torch.Tensor]:
    return nlp.get_pipe(system).network.state_dict()  # type: ignore[attr-defined]


def fill(network: torch.nn.Module) -> None:
    """Give it weights that no other network has."""
    generator = torch.Generator().manual_seed(7)
    for weight in network.state_dict().values():
        weight.copy_(torch.randn(weight.shape, generator=generator))


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
    nlp = initialized(system, with_more_labels(docs))
    start_from(nlp, trained_one)
    pipe, source = nlp.get_pipe(system), trained_one.get_pipe(system)
    assert set(pipe.labels) - set(source.labels) == {"new"}  # type: ignore[attr-defined]
    layer, rows = {"keci": ("entities.layers.3.weight", 1), "joint_ner_re": ("tags.0.weight", len(PLACES))}[system]
    new, known = weights(nlp, system)[layer], weights(trained_one, system)[layer]
    torch.testing.assert_close(new[0], known[0], rtol=0, atol=0)
    for i, label in enumerate(source.labels):  # type: ignore[attr-defined]
        k = pipe.labels.index(label)  # type: ignore[attr-defined]
        of_label = slice(1 + rows * k, 1 + rows * (k + 1))
        torch.testing.assert_close(new[of_label], known[1 + rows * i : 1 + rows * (i + 1)], rtol=0, atol=0)


def test_relation_labels_alone_differ(trained_one: Language, system: str, docs: list[Doc]) -> None:
    """What depends on entity types alone is copied as a whole."""
    first = docs[0].copy()
    first.spans["entities"].attrs["relations"] = [[0, 1, "new", 1.0]]
    nlp = initialized(system, [first, *docs[1:]])
    start_from(nlp, trained_one)
    known = weights(trained_one, system)
    last = {"keci": "entities.layers.3.weight", "joint_ner_re": "tags.0.weight"}[system]
    torch.testing.assert_close(weights(nlp, system)[last], known[last], rtol=0, atol=0)


def test_rows_keep_their_meaning_in_another_order() -> None:
    module = test_concept_relations

    def initialized(golds: list[Doc], **settings: Any) -> Any:
        nlp = module.make_pipeline(**settings)
        nlp.initialize(lambda: module.make_given(nlp, golds))
        return nlp, nlp.get_pipe("concept_relations")

    golds = make_abstracts(test_latent_relations.blank())
    novel = [gold for gold in golds if gold.spans["entities"].attrs["interactions"][0][4] == "Novel"]
    contrastive = {"@misc": "spacy_keci.Contrastive.v1"}
    (source, known), (nlp, new) = (
        initialized(golds, model={"contrastive": contrastive}),
        initialized([*golds, *novel], symmetric=["Positive"]),
    )
    assert (known.novelties, new.novelties) == (("No", "Novel"), ("Novel", "No"))
    fill(known.network)
    start_from(nlp, source)
    torch.testing.assert_close(new.network.novelty.weight, known.network.novelty.weight.flip(0), rtol=0, atol=0)
    classes = [
        [None, *pipe.relation_labels, *((label, "backward") for label in pipe.network.arguments["directed_labels"])]
        for pipe in (known, new)
    ]
    assert classes[0] != classes[1] and len(classes[0]) == len(classes[1])
    for i, each in enumerate(classes[1]):
        copied = [torch.equal(new.network.classifier[-1].weight[i], row) for row in known.network.classifier[-1].weight]
        assert copied == [each == other for other in classes[0]]


def test_tables_of_types_in_another_order() -> None:
    """They are learned again."""
    module, networks = test_latent_relations, []
    golds = module.make_golds(module.blank())
    gene_only = golds[0].copy()
    gene_only.spans["entities"] = [span for span in gene_only.spans["entities"] if span.label_ == "Gene"]
    for docs in ([*golds, *[gene_only] * 2], golds):
        nlp = module.make_pipeline()
        nlp.initialize(lambda docs=docs, nlp=nlp: module.make_given(nlp, docs))  # type: ignore[misc]
        networks.append((nlp, nlp.get_pipe("latent_relations").network))
    (source, known), (nlp, new) = networks
    assert known.arguments["types"] == new.arguments["types"][::-1] == ["Gene", "Disease"]
    fill(known)
    start_from(nlp, source)
    assert not torch.equal(new.representation.entities.weight, known.representation.entities.weight)
    torch.testing.assert_close(new.classifier[-1].weight, known.classifier[-1].weight, rtol=0, atol=0)


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
