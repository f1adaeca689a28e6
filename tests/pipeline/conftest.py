"""Small pipelines with the component keci."""

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.vectors import add_vectors
from spacy_keci.tokenizer import create_biomedical_tokenizer

from ..conftest import ROOT

TINY = {
    "symmetric": ["binds"],
    "multi_label": True,
    "model": {
        "@architectures": "spacy_keci.SpanGraph.v1",
        "max_span_length": 8,
        "span_hidden_width": 64,
        "span_width": 64,
        "head_hidden_width": 64,
        "tok2vec": {
            "@architectures": "spacy.HashEmbedCNN.v2",
            "pretrained_vectors": None,
            "width": 64,
            "depth": 2,
            "embed_size": 1000,
            "window_size": 1,
            "maxout_pieces": 2,
            "subword_features": True,
        },
    },
    "suggester": {"@misc": "spacy_keci.SentenceSpanSuggester.v1", "max_length": 8},
}


@pytest.fixture(scope="session")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo knowledge base, with vectors trained on its relations."""
    folder = tmp_path_factory.mktemp("demo") / "kb"
    compile_knowledge_base(folder, [SourceFiles.parse(f"jsonl={ROOT / 'assets' / 'demo' / 'kb.jsonl'}")], [])
    add_vectors(folder, "trained")
    return folder


def make_pipeline(**settings: object) -> Language:
    """A blank pipeline with a small ``keci``, not initialized."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    nlp.add_pipe("keci", config={**TINY, **settings})
    return nlp


def make_examples(nlp: Language, docs: list[Doc]) -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


@pytest.fixture(scope="session")
def trained(demo_docs: list[Doc]) -> Language:
    """A pipeline that knows 20 sentences by heart. Tests must not change it."""
    return train(make_pipeline(), demo_docs, epochs=70)


def train(nlp: Language, docs: list[Doc], epochs: int, update: Callable | None = None) -> Language:
    optimizer = nlp.initialize(lambda: make_examples(nlp, docs))
    optimizer.learn_rate = 0.004
    for _ in range(epochs):
        examples = make_examples(nlp, docs)
        for batch in (examples[:10], examples[10:]):
            nlp.update(batch, sgd=optimizer)
    return nlp
