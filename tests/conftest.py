"""Fixtures that several parts of the suite share."""

import logging
import os
from pathlib import Path
from zipfile import ZipFile

import pytest
import spacy
from hypothesis import settings
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.reports import Report
from spacy_keci.tokenizer import create_biomedical_tokenizer

from .browser import Browser

ROOT = Path(__file__).parent.parent

# The same cases every time, however slow the machine.
settings.register_profile("repository", derandomize=True, deadline=None)
settings.load_profile("repository")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The corpora used in development. They are not part of the project, so tests that want them may be skipped."""
    path = Path(os.environ.get("SPACY_KECI_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("needs the benchmark corpora: set SPACY_KECI_DATA to the folder that holds them")
    return path


@pytest.fixture(autouse=True)
def no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which change what commands print."""
    for name in ("SPACY_KECI_DEBUG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What spaCy's logger says from INFO on, each message once.

    It must pass its messages on before a test is called: then pytest listens to the loggers that do not.
    """
    monkeypatch.setattr(spacy.util.logger, "propagate", True)
    caplog.set_level(logging.INFO, logger="spacy")
    return caplog


@pytest.fixture
def nlp() -> Language:
    """A blank English pipeline with the biomedical tokenizer."""
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    return nlp


@pytest.fixture(scope="session")
def demo_docs() -> list[Doc]:
    """The first sentences of the demo corpus as gold documents."""
    report = Report()
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    texts = read_jsonl(ROOT / "assets" / "demo" / "train.jsonl", report)
    docs = [to_doc(text, nlp.make_doc, report) for _, text in zip(range(20), texts, strict=False)]
    assert not report.dropped
    return docs


@pytest.fixture(scope="session")
def demo_kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo knowledge base, compiled."""
    folder = tmp_path_factory.mktemp("kb") / "demo"
    compile_knowledge_base(folder, [SourceFiles("jsonl", [ROOT / "assets" / "demo" / "kb.jsonl"])])
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """Chromium, for tests that look at pages as people do."""
    path = Browser.find()
    if path is None:
        pytest.skip("needs Chromium: install it, on Debian with 'apt-get install chromium'")
    return Browser(path, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the trained pipeline in models/."""
    (wheel,) = (ROOT / "models").glob("en_keci_biorelex-*.whl")
    folder = tmp_path_factory.mktemp("shipped")
    with ZipFile(wheel) as files:
        files.extractall(folder)
    (config,) = folder.glob("en_keci_biorelex/*/config.cfg")
    return config.parent
