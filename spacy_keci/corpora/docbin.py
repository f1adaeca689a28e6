"""spaCy's own binary format (``.spacy``), with the user data in which ids and groups live."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..tokenizer import create_biomedical_tokenizer
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, Report, from_doc, to_docs


def load_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """The documents of a ``.spacy`` file. Raises ValueError if it is none."""
    data = path.read_bytes()
    try:
        docs = DocBin().from_bytes(data)
    except Exception as error:  # zlib, msgpack and missing keys each have their own
        raise ValueError(f"{path} is not a file of spaCy's DocBin format (.spacy): {error}") from None
    yield from docs.get_docs(vocab)


def save_docs(docs: Iterable[Doc], path: Path) -> None:
    """Write a ``.spacy`` file that keeps span graphs and user data."""
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def read_docbin(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The span graphs in ``doc.spans["entities"]``; documents without that key have no mentions and are counted."""
    for doc in load_docs(path, Vocab()):
        report.count(f"texts without doc.spans[{SPANS_KEY!r}]", int(SPANS_KEY not in doc.spans))
        yield from_doc(doc)


def write_docbin(
    texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: Callable[[str], Doc] | None = None
) -> None:
    """Gold documents with the tokens of ``make_doc`` (default: the biomedical tokenizer)."""
    make_doc = make_doc or create_biomedical_tokenizer()(spacy.blank("en"))
    save_docs(to_docs(texts, make_doc, report), path)
