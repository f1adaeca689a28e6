"""Small pipelines with each of the extractors."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.vectors import add_vectors
from spacy_keci.reports import Report
from spacy_keci.tokenizer import create_biomedical_tokenizer

from ..conftest import ROOT
from .systems import SYSTEMS, TINY, make_examples, make_pipeline, train

__all__ = ["TINY", "make_examples", "make_pipeline", "train"]  # which tests elsewhere import from here


@pytest.fixture(scope="session")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo knowledge base, with vectors trained on its relations."""
    folder = tmp_path_factory.mktemp("demo") / "kb"
    compile_knowledge_base(folder, [SourceFiles.parse(f"jsonl={ROOT / 'assets' / 'demo' / 'kb.jsonl'}")], [])
    add_vectors(folder, "trained")
    return folder


@pytest.fixture(scope="session")
def flat_docs() -> list[Doc]:
    """The first sentences of the demo corpus in which no mention is inside of another."""
    report = Report()
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    docs: list[Doc] = []
    for text in read_jsonl(ROOT / "assets" / "demo" / "train.jsonl", report):
        doc = to_doc(text, nlp.make_doc, report)
        if len(filter_spans(list(doc.spans["entities"]))) == len(doc.spans["entities"]):
            docs.append(doc)
        if len(docs) == 20:
            break
    return docs


@pytest.fixture(scope="session", params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    """The name of an extractor: tests that ask for it are run for all."""
    return request.param


@pytest.fixture(scope="session")
def docs(system: str, demo_docs: list[Doc], flat_docs: list[Doc]) -> list[Doc]:
    """20 gold documents that the system can learn by heart."""
    return demo_docs if SYSTEMS[system].nested else flat_docs


@pytest.fixture(scope="session")
def trained_system(demo_docs: list[Doc], flat_docs: list[Doc]) -> Callable[[str], Language]:
    """The pipeline of a system that knows 20 sentences by heart. Tests must not change it."""

    @cache
    def of_system(system: str) -> Language:
        docs = demo_docs if SYSTEMS[system].nested else flat_docs
        return train(make_pipeline(system), docs, SYSTEMS[system].epochs)

    return of_system


@pytest.fixture
def trained_one(trained_system: Callable[[str], Language], system: str) -> Language:
    """That of each system."""
    return trained_system(system)


@pytest.fixture(scope="session")
def trained(trained_system: Callable[[str], Language]) -> Language:
    """That of KECI."""
    return trained_system("keci")
