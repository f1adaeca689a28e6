"""Helpers of the scoring tests: documents and examples from plain data."""

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.documents import to_doc
from spacy_keci.reports import Report


def make_doc(nlp: Language, text: str, mentions=(), relations=(), **kwargs) -> Doc:
    annotated = AnnotatedText(text, [Mention(*m) for m in mentions], [RelationTriple(*r) for r in relations], **kwargs)
    return to_doc(annotated, nlp.make_doc, Report())


def make_example(nlp: Language, text: str, gold=((), ()), predicted=((), ())) -> Example:
    """``gold`` and ``predicted``: mentions (start, end, label) and relations (head, tail, label)."""
    return Example(make_doc(nlp, text, *predicted), make_doc(nlp, text, *gold))
