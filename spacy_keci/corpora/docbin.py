"""spaCy's own binary format (``.spacy``), with the user data in which ids and groups live."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..reports import Report
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, MakeDoc
from .documents import from_doc, to_docs
from .reading import read_bytes


def load_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """The documents of a ``.spacy`` file. Raises ValueError if the file is not one."""
    data = read_bytes(path)
    try:
        yield from DocBin().from_bytes(data).get_docs(vocab)
    except Exception as error:  # zlib, msgpack, missing keys and wrong values each have their own
        # E1014 says no more than that, and advises another command
        reason = "" if "[E1014]" in str(error) else f" ({' '.join(str(error).split())[:300]})"
        raise ValueError(
            f"{path} is not a file of spaCy's DocBin format (.spacy){reason}. 'spacy keci convert' makes one of other "
            "formats."
        ) from None


def save_docs(docs: Iterable[Doc], path: Path) -> None:
    """Write a ``.spacy`` file that keeps span graphs and user data."""
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def read_docbin(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The span graphs in ``doc.spans["entities"]``. Documents without that key have no mentions and are counted.
    Documents with relations or clusters of missing spans are left out and counted."""
    for number, doc in enumerate(load_docs(path, Vocab()), start=1):
        report.count(f"texts without doc.spans[{SPANS_KEY!r}]", int(SPANS_KEY not in doc.spans))
        try:
            text = from_doc(doc, sentences=True, report=report)
        except (KeyError, TypeError, ValueError) as error:  # strings missing from the file, or attributes gone wrong
            report.drop_text("malformed record", f"document {number}: {error}")
        else:
            yield text


def write_docbin(texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: MakeDoc) -> None:
    """Gold documents with the tokens of ``make_doc``."""
    save_docs(to_docs(texts, make_doc, report), path)
