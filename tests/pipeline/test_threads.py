"""One pipeline that several threads use, as web servers do."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from .systems import graph, train
from .test_keci_with_knowledge import MODELS
from .test_keci_with_knowledge import make_pipeline as make_pipeline_with_knowledge
from .test_transformer import encoder, initialize, make_pipeline  # noqa: F401  (a fixture)

N_THREADS = 8


def count_different(nlp: Language, texts: list[str]) -> int:
    """How many texts have another graph in threads than one after the other."""
    alone = [graph(nlp(text)) for text in texts]
    with ThreadPoolExecutor(N_THREADS) as pool:
        together = list(pool.map(lambda text: graph(nlp(text)), texts))
    assert any(relations for _, relations in alone)
    return sum(a != b for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("name", ["KECI", "everything beyond the paper", "KnowBertAttention"])
def test_an_encoder_without_transformer(name: str, kb: Path, demo_docs: list[Doc]) -> None:
    nlp = train(make_pipeline_with_knowledge(kb, MODELS[name]), demo_docs, epochs=25)
    assert count_different(nlp, [doc.text for doc in demo_docs] * 6) == 0


def test_a_transformer(encoder: Path, demo_docs: list[Doc]) -> None:  # noqa: F811
    """Its dropout, and the padding of its tokenizer, are states that threads share."""
    nlp = initialize(make_pipeline(encoder, window=64, stride=48))
    nlp.get_pipe("keci").threshold = 0.0
    nlp.get_pipe("keci").relation_threshold = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert count_different(nlp, [doc.text for doc in demo_docs] * 6) == 0
