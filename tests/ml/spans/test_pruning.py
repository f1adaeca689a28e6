import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.ml.relations.pairs import pair_spans
from spacy_keci.ml.spans.pruning import prune_spans


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=5), st.integers(0, 4))
def test_pruning_keeps_the_best_of_each_document(docs: list[list[int]], budget: int) -> None:
    scores = torch.tensor([score for doc in docs for score in doc], dtype=torch.float)
    doc_of_span = torch.tensor([d for d, doc in enumerate(docs) for _ in doc], dtype=torch.long)
    kept = prune_spans(scores, doc_of_span, torch.full((len(docs),), budget))
    expected, offset = [], 0
    for doc in docs:
        best = sorted(range(len(doc)), key=lambda i: (doc[i], i))[:budget]
        expected += sorted(offset + i for i in best)
        offset += len(doc)
    assert kept.tolist() == expected


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=5), st.integers(0, 10))
def test_pairs_are_those_of_one_document_within_the_distance(docs: list[list[int]], distance: int) -> None:
    spans, offset = [], 0
    for d, starts in enumerate(docs):
        spans += [(offset + start, d) for start in sorted(starts)]
        offset += 31
    first, second = pair_spans(
        torch.tensor([s for s, _ in spans], dtype=torch.long),
        torch.tensor([d for _, d in spans], dtype=torch.long),
        distance,
    )
    expected = [
        (i, j)
        for i, (start, doc) in enumerate(spans)
        for j, (other, other_doc) in enumerate(spans)
        if i < j and doc == other_doc and other - start <= distance
    ]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected
