"""PubMed's XML, as its baseline and update files (``pubmed25n0001.xml.gz``) and E-utilities give it."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ..reports import Report


class Citation(NamedTuple):
    """text: title and sections of the abstract, each on a line of its own. meta: ``year`` and ``journal``, if known."""

    pmid: str
    text: str
    meta: dict[str, Any]


def read_pubmed(stream: BinaryIO, name: str, report: Report) -> Iterator[Citation]:
    """The articles of a ``PubmedArticleSet``, one after the other, in memory that does not grow with their number.

    Sections are headed as PubMed shows them, "METHODS: ...". Citations without a PMID, and files that are not well
    formed from some place on, or hold no article, are reported under ``name``; so are books. Deletions are not read.
    """
    found = False
    try:
        events = ElementTree.iterparse(stream, events=("start", "end"))
        _, root = next(events)
        for event, element in events:
            if event == "end" and element.tag == "PubmedBookArticle":
                report.drop("book", f"{name}, PMID {_text(element.find('BookDocument/PMID'))}")
            elif event == "end" and element.tag == "PubmedArticle":
                found = True
                citation = _read(element)
                root.clear()
                if citation.pmid:
                    yield citation
                else:
                    report.drop("malformed text", f"{name}: an article without a PMID: {citation.text[:60]!r}")
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the last two of encodings
        report.drop("file that cannot be read to its end", f"{name}: not well formed: {error}")
    else:
        if not found:
            report.drop("file that cannot be read to its end", f"{name}: no PubmedArticle in <{root.tag}>")


def _read(element: Element) -> Citation:
    article = element.find("MedlineCitation/Article")
    parts = [] if article is None else [_text(article.find("ArticleTitle")) or _text(article.find("VernacularTitle"))]
    for section in [] if article is None else article.iterfind("Abstract/AbstractText"):
        label, text = section.get("Label", ""), _text(section)
        parts.append(f"{label}: {text}" if text and label not in ("", "UNLABELLED") else text)
    date = _text(element.find("MedlineCitation/Article/Journal/JournalIssue/PubDate"))
    year = re.search(r"\b\d{4}\b", date)
    journal = _text(element.find("MedlineCitation/MedlineJournalInfo/MedlineTA"))
    meta = ({"year": int(year[0])} if year else {}) | ({"journal": journal} if journal else {})
    return Citation(_text(element.find("MedlineCitation/PMID")), "\n".join(filter(None, parts)), meta)


def _text(element: Element | None) -> str:
    """What an element holds, without the tags of formulas and italics; white space as single blanks."""
    return "" if element is None else " ".join("".join(element.itertext()).split())
