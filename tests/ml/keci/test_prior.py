"""What the knowledge base alone says of spans, against loops over spans and names."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.graphs import CandidateSpans
from spacy_keci.ml.keci.concept_graphs import ConceptGraphs
from spacy_keci.ml.keci.knowledge_tensors import KnowledgeTensors, to_tensors
from spacy_keci.ml.keci.prior import (
    ACROSS,
    AROUND,
    AT_END,
    AT_START,
    LONGEST,
    POSITIONS,
    SAME,
    SCALE,
    WITHIN,
    KnowledgePrior,
    add_prior,
    overlaps,
    positions,
)

N_KINDS, N_LABELS = 4, 3
LENGTHS = [6, 9, 4]


def tokens(span: tuple[int, int]) -> set[int]:
    return set(range(*span))


def position(span: tuple[int, int], other: tuple[int, int]) -> int:
    """In words: which of the two holds the other, and where."""
    mine, its = tokens(span), tokens(other)
    if mine == its:
        return SAME
    if mine < its:
        return AROUND
    if its < mine:
        return AT_END if max(mine) in its else AT_START if min(mine) in its else WITHIN
    return ACROSS


span_lists = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 7)).map(lambda s: (s[0], sum(s))), max_size=25)


@given(span_lists, span_lists)
def test_overlaps_are_those_that_share_tokens(spans: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    others = sorted(others)
    starts, ends = torch.tensor(spans, dtype=torch.long).reshape(-1, 2).T.contiguous()
    other_starts, other_ends = torch.tensor(others, dtype=torch.long).reshape(-1, 2).T.contiguous()
    first, second = overlaps(starts, ends, other_starts, other_ends)
    place = positions(starts[first], ends[first], other_starts[second], other_ends[second])
    found = sorted(zip(first.tolist(), second.tolist(), place.tolist(), strict=True))
    assert found == [
        (i, j, position(span, other))
        for i, span in enumerate(spans)
        for j, other in enumerate(others)
        if tokens(span) & tokens(other)
    ]


def make_example() -> tuple[np.ndarray, CandidateSpans, ConceptGraphs]:
    """All spans of up to five tokens; names, of which some have several concepts, and one that is not known."""
    spans = [
        (doc, start, end)
        for doc, length in enumerate(LENGTHS)
        for start in range(length)
        for end in range(start + 1, min(start + 5, length) + 1)
    ]
    candidates = np.array(spans, dtype="int64")
    lengths = np.array(LENGTHS)
    offset = (np.cumsum(lengths) - lengths)[candidates[:, 0]]
    columns = (lengths, candidates[:, 1] + offset, candidates[:, 2] + offset, candidates[:, 0])
    mentions = np.array([(0, 1, 3), (0, 1, 3), (0, 2, 3), (1, 0, 8), (1, 4, 6), (-1, 5, 7), (1, 5, 8)], dtype="int64")
    graphs = ConceptGraphs(
        features=np.zeros((3, 1), dtype="float32"),
        kinds=np.array([1, 2, 0]),
        edges=np.zeros((2, 0), dtype="int64"),
        labels=np.zeros(0, dtype="int64"),
        mentions=mentions,
        nodes=np.array([0, 1, 0, 1, 1, -1, 2]),
        mention_kinds=np.array([(1, 3), (2, 3), (1, 3), (2, 4), (2, 0), (1, 1), (0, 4)]),
    )
    return candidates, CandidateSpans(*(torch.from_numpy(column) for column in columns)), graphs


def as_tensors(graphs: ConceptGraphs, candidates: np.ndarray, spans: CandidateSpans) -> KnowledgeTensors:
    doc_starts = (spans.text_lengths.cumsum(0) - spans.text_lengths).numpy()

    def in_rows(of_docs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        doc, start, end = of_docs.T
        return start + doc_starts[doc], end + doc_starts[doc]

    return to_tensors(graphs, candidates, in_rows, torch.device("cpu"))


def make_prior() -> KnowledgePrior:
    torch.manual_seed(0)
    prior = KnowledgePrior(N_KINDS, N_LABELS).eval()
    for parameter in prior.parameters():
        torch.nn.init.normal_(parameter, std=1 / SCALE)
    return prior


def test_logits_are_sums_over_names_and_kinds() -> None:
    candidates, spans, graphs = make_example()
    prior = make_prior()
    rows, logits = prior(spans, torch.arange(len(candidates)), as_tensors(graphs, candidates, spans))
    weights = prior.kinds.detach().view(1 + N_KINDS, len(POSITIONS), 1 + N_LABELS)
    expected = {}
    for row, (doc, start, end) in enumerate(candidates.tolist()):
        kinds = {
            (name_start, name_end, kind)
            for (d, name_start, name_end), both in zip(graphs.mentions.tolist(), graphs.mention_kinds, strict=True)
            for kind in both.tolist()
            if d == doc and tokens((start, end)) & tokens((name_start, name_end))
        }
        if kinds:
            total = prior.lengths[min(end - start, LONGEST) - 1]
            for name_start, name_end, kind in kinds:
                total = total + weights[kind, position((start, end), (name_start, name_end))]
            expected[row] = SCALE * total
    assert rows.tolist() == list(expected)
    torch.testing.assert_close(logits, torch.stack(list(expected.values())))


def test_of_concepts_it_expects_what_their_names_add() -> None:
    torch.manual_seed(0)
    prior = KnowledgePrior(N_KINDS, N_LABELS)
    torch.nn.init.normal_(prior.kinds, std=0.1)
    kinds = torch.tensor([[1, 3], [2, 0], [1, 3]])
    weights = prior.kinds.detach().view(1 + N_KINDS, len(POSITIONS), 1 + N_LABELS)
    for (vocabulary, type_), expected in zip(kinds.tolist(), prior.of_concepts(kinds), strict=True):
        scores = [float(SCALE * (weights[vocabulary, SAME, t] + weights[type_, SAME, t])) for t in (1, 2, 3)]
        total = sum(math.exp(score) for score in scores)
        torch.testing.assert_close(expected, torch.tensor([math.log(math.exp(s) / total) for s in scores]))


def test_of_some_spans_it_says_the_same_as_of_all() -> None:
    candidates, spans, graphs = make_example()
    prior, knowledge = make_prior(), as_tensors(graphs, candidates, spans)
    rows, logits = prior(spans, torch.arange(len(candidates)), knowledge)
    some = torch.arange(1, len(candidates), 3)
    few, scores = prior(spans, some, knowledge)
    assert some[few].tolist() == [row for row in rows.tolist() if row % 3 == 1]
    torch.testing.assert_close(scores, logits[torch.isin(rows, some[few])])


def test_without_names_it_has_no_opinion() -> None:
    candidates, spans, graphs = make_example()
    graphs.mentions[:, 0] = -1
    rows, logits = make_prior()(spans, torch.arange(3), as_tensors(graphs, candidates, spans))
    assert rows.shape == (0,) and logits.shape == (0, 1 + N_LABELS)


def test_the_untrained_prior_expects_nothing() -> None:
    candidates, spans, graphs = make_example()
    prior = KnowledgePrior(N_KINDS, N_LABELS)
    _, logits = prior(spans, torch.arange(len(candidates)), as_tensors(graphs, candidates, spans))
    torch.testing.assert_close(logits.softmax(dim=-1)[:, 0], torch.full((len(logits),), 0.99))


def test_types_and_mentions_are_weighed_apart() -> None:
    torch.manual_seed(0)
    logits, expected = torch.randn(5, 1 + N_LABELS), torch.randn(5, 1 + N_LABELS)
    p, q = logits.softmax(dim=-1).double().numpy(), expected.softmax(dim=-1).double().numpy()
    mention, expected_mention = 1 - p[:, :1], 1 - q[:, :1]
    types = p[:, 1:] / mention * (q[:, 1:] / expected_mention) ** 0.7
    types /= types.sum(axis=1, keepdims=True)
    product = np.concatenate([p[:, :1] * q[:, :1] ** 0.3, types * mention * expected_mention**0.3], axis=1)
    product /= product.sum(axis=1, keepdims=True)
    found = add_prior(logits, expected, type_weight=0.7, mention_weight=0.3).softmax(dim=-1)
    np.testing.assert_allclose(found.numpy(), product, rtol=1e-5)
    torch.testing.assert_close(add_prior(logits, expected, 0.0, 0.0).softmax(dim=-1), logits.softmax(dim=-1))
