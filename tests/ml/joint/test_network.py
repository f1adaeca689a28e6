"""The joint network and its loss against plain versions with loops, values and gradients (Giorgi et al. 2019)."""

from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

from spacy_keci.ml.graphs import GoldGraphs
from spacy_keci.ml.joint.decoding import MentionRules
from spacy_keci.ml.joint.inputs import JointInput
from spacy_keci.ml.joint.network import JointNetwork
from spacy_keci.ml.joint.settings import JointModelSettings
from spacy_keci.ml.joint.tags import LAST, UNIT, Spans, tags_of_spans
from spacy_keci.ml.network import Sizes
from spacy_keci.ml.objective import Objective
from spacy_keci.ml.relations.decoding import RelationRules

VOCAB = spacy.blank("en").vocab
LENGTHS = [6, 0, 5]
# document, start, end; label from 1
GOLD = np.array([[0, 0, 2], [0, 3, 4], [2, 1, 2], [2, 2, 5]])
GOLD_LABELS = np.array([1, 2, 1, 2])
# symmetric: the second label
SYMMETRIC = np.array([False, False, True])
RELATIONS = np.array([[1, 0, 1], [2, 3, 2]])


def make_network(**settings: Any) -> JointNetwork:
    torch.manual_seed(0)
    small = {"entity_embedding_width": 3, "hidden_width": 6, "width": 4, **settings}
    network = JointNetwork(5, Sizes(2, 2, directed=True), JointModelSettings(**small))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return network


def make_input(with_gold: bool = True, max_pair_distance: int = 10, **others: Any) -> JointInput:
    docs = [Doc(VOCAB, words=["a"] * n) for n in LENGTHS]
    return JointInput(
        docs,
        np.repeat(np.arange(3), LENGTHS),
        np.zeros(sum(LENGTHS), dtype=bool),
        GOLD if with_gold else None,
        None,
        np.repeat(np.arange(3), LENGTHS),
        GOLD_LABELS - 1 if with_gold else None,
        MentionRules(),
        max_pair_distance,
        **others,
    )


def make_gold() -> GoldGraphs:
    annotated = np.array([True, True, True])
    return GoldGraphs(GOLD, GOLD_LABELS, np.ones(len(GOLD)), RELATIONS, np.ones(len(RELATIONS)), annotated, annotated)


def make_tokens() -> torch.Tensor:
    return torch.randn(sum(LENGTHS), 5, generator=torch.Generator().manual_seed(2)).requires_grad_()


def plain_relations(network: Any, tokens: torch.Tensor, X: JointInput, output: Any) -> torch.Tensor:
    """Eq. 3-7, pair by pair."""

    def vector(i: int) -> torch.Tensor:
        start, end, label = (int(each[i]) for each in output.mentions)
        if network.tag_vectors is None:
            return tokens[end - 1]
        tag = 1 + 4 * label + (UNIT if end - start == 1 else LAST)
        return torch.cat([tokens[end - 1], network.tag_vectors.weight[tag]])

    def context(i: int, j: int) -> torch.Tensor:
        begin, end = int(output.mentions.ends[i]), int(output.mentions.starts[j])
        features = network.context.features(tokens[begin:end])
        return features.max(dim=0).values if end > begin else torch.zeros(features.shape[1])

    pairs = []
    for i, (start, _, _) in enumerate(zip(*output.mentions, strict=True)):
        for j in range(i + 1, len(output.mentions.starts)):
            other = output.mentions.starts[j]
            if X.text_of_token[start] == X.text_of_token[other] and other - start <= X.max_pair_distance:
                pairs.append((i, j))
    assert list(zip(output.first.tolist(), output.second.tolist(), strict=True)) == pairs
    rows = []
    classifier = network.relations
    for n, (i, j) in enumerate([*pairs, *((j, i) for i, j in pairs)]):
        h, t = classifier.head(vector(i)), classifier.tail(vector(j))
        logits = classifier.linear(torch.cat([h, t]))
        if classifier.bilinear is not None:
            logits = logits + torch.stack([h @ classifier.bilinear[:, c] @ t for c in range(len(logits))])
        if network.context is not None:
            logits = logits + classifier.pair(context(*pairs[n % len(pairs)]))
        rows.append(logits)
    return torch.stack(rows)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"entity_embedding_width": 0},
        {"projection": "shared"},
        {"projection": "none"},
        {"bilinear": False},
        {"context_width": 3},
    ],
)
@pytest.mark.parametrize("distance", [2, 10])
def test_values_and_gradients_of_equations_1_to_7(settings: dict[str, Any], distance: int) -> None:
    network, X = make_network(**settings), make_input(max_pair_distance=distance)
    results = []
    for is_plain in (False, True):
        tokens = make_tokens()
        network.zero_grad()
        output = network(tokens, *X.to_torch("cpu"))
        tag_logits, relation_logits = output.tag_logits, output.relation_logits
        if is_plain:
            (linear,) = network.tags
            tag_logits = torch.stack([linear.weight @ x + linear.bias for x in tokens])  # type: ignore[operator]
            relation_logits = plain_relations(network, tokens, X, output)
        (tag_logits.square().sum() + relation_logits.square().sum()).backward()
        results.append([tag_logits, relation_logits, tokens.grad, *(p.grad for p in network.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_values_and_gradients_of_the_loss(progress: float) -> None:
    """Eq. 2, 8 and 10."""
    network, X, gold = make_network(), make_input(), make_gold()
    tags = tags_of_spans(Spans(*X.in_rows(GOLD), GOLD_LABELS - 1), sum(LENGTHS))
    related = {(1, 0): 1, (2, 3): 2, (3, 2): 2}  # gold rows to label; the second label holds both ways
    results = []
    for is_plain in (False, True):
        tokens = make_tokens()
        network.zero_grad()
        output = network(tokens, *X.to_torch("cpu"))
        loss = output.loss(X, gold, Objective(SYMMETRIC, progress=progress))
        if is_plain:
            ner = sum(-output.tag_logits[n].log_softmax(0)[tag] for n, tag in enumerate(tags))
            row_of = {
                i: row
                for i, (start, end, label) in enumerate(zip(*output.mentions, strict=True))
                for row, (span, gold_label) in enumerate(zip(GOLD, GOLD_LABELS, strict=True))
                if X.in_docs(np.array([start]), np.array([end]))[0].tolist() == span.tolist()
                and label + 1 == gold_label
            }
            re = torch.zeros(())
            pairs = list(zip(output.first.tolist(), output.second.tolist(), strict=True))
            for logits, (i, j) in zip(output.relation_logits, [*pairs, *((j, i) for i, j in pairs)], strict=True):
                label = related.get((row_of.get(i, -1), row_of.get(j, -1)), 0)
                re = re - logits.log_softmax(0)[label]
            loss = (ner + progress * re) / 3
        loss.backward()
        results.append([loss, tokens.grad, *(p.grad for p in network.parameters())])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-4)


def test_gold_mentions_join_the_predicted_ones_with_their_types() -> None:
    network, tokens = make_network(), make_tokens()
    predicted = network(tokens, *make_input(with_gold=False).to_torch("cpu")).mentions
    both = network(tokens, *make_input().to_torch("cpu")).mentions
    gold = Spans(*make_input().in_rows(GOLD), GOLD_LABELS - 1)
    of_gold = {(s, e): k for s, e, k in zip(*(each.tolist() for each in gold), strict=True)}
    rows = {(s, e): k for s, e, k in zip(*(each.tolist() for each in predicted), strict=True)}
    assert rows and not of_gold.keys() <= rows.keys()
    assert list(zip(*(each.tolist() for each in both), strict=True)) == sorted(
        (s, e, k) for (s, e), k in {**rows, **of_gold}.items()
    )


def test_a_predicted_mention_of_the_wrong_type_has_no_relations() -> None:
    """As in the paper, where gold mentions are not joined."""
    network, X, gold = make_network(), make_input(with_gold=False), make_gold()
    with torch.no_grad():
        network.tags[0].weight.zero_()  # type: ignore[operator]
        network.tags[0].bias.zero_()  # type: ignore[operator]
        network.tags[0].bias[[1, 3]] = 5.0  # type: ignore[index]  # all tokens say "B" or "L" of the first type
    X.docs, X.is_space = [Doc(VOCAB, words=["a"] * 4)], np.zeros(4, dtype=bool)
    X.text_of_token = X.segment_of_token = np.zeros(4, dtype="int64")
    spans = np.array([[0, 0, 2], [0, 2, 4]])
    annotated = np.array([True])
    losses = []
    for label in (1, 2):
        labels, relations = np.array([1, label]), np.array([[0, 1, 1]])
        gold = GoldGraphs(spans, labels, np.ones(2), relations, np.ones(1), annotated, annotated)
        output = network(make_tokens()[:4], *X.to_torch("cpu"))
        assert output.mentions.starts.tolist() == [0, 2]
        output.tag_logits = output.tag_logits.detach() * 0
        with_relations = output.loss(X, gold, Objective(SYMMETRIC))
        losses.append(with_relations - output.loss(X, gold, Objective(SYMMETRIC, progress=0.0)))
    logits = output.relation_logits.log_softmax(1)
    torch.testing.assert_close(losses[0], -logits[0, 1] - logits[1, 0])
    torch.testing.assert_close(losses[1], -logits[0, 0] - logits[1, 0])


@pytest.mark.parametrize("max_tokens", [1, 6, 20])
@torch.no_grad()
def test_parts_give_what_the_whole_gives(max_tokens: int) -> None:
    network, tokens = make_network().eval(), make_tokens().detach()
    rules = RelationRules(SYMMETRIC, np.array([0.2, 0.2]), multi_label=True)
    X = make_input(with_gold=False)
    whole = network(tokens, *X.to_torch("cpu")).decode(X, rules)
    assert len(whole.relations)
    parts = make_input(with_gold=False, max_tokens=max_tokens).parts()
    assert len(parts) == (1 if max_tokens == 20 else 2)
    found = [network(tokens[part.rows], *part.to_torch("cpu")).decode(part, rules) for part in parts]
    joined = found[0].joined(found)
    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(joined, name), values, rtol=1e-4)
