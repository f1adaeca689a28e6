"""A pipeline that finds what its rules say, for scripts that look at what pipelines find."""

import importlib.util
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_keci.tokens import SPANS_KEY, Relation, set_relations

from ..conftest import ROOT


@Language.component("capitals_bind")
def capitals_bind(doc: Doc) -> Doc:
    """Every word in capitals is a protein, and binds the next one."""
    doc.spans[SPANS_KEY] = [Span(doc, token.i, token.i + 1, "protein") for token in doc if token.text.isupper()]
    set_relations(doc, [Relation(head, tail, "bind", 0.75) for head, tail in pairwise(doc.spans[SPANS_KEY])])
    return doc


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("capitals_bind")
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
