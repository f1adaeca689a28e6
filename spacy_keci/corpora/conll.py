"""Tokens and tags in columns, as the shared tasks of CoNLL have them (Tjong Kim Sang & De Meulder 2003,
https://aclanthology.org/W03-0419): a token a line, its tag in the last column, an empty line after each sentence.

Tags are ``B-``, ``I-`` and ``O`` (IOB1, BIO, and schemes that add ``E-``, ``S-``, ``L-``, ``U-``). Mentions do not
overlap, and there are no relations.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.tokens import Doc

from ..reports import Report
from ..tokens import SPANS_KEY
from .annotation import AnnotatedText, MakeDoc, Mention
from .documents import to_doc, token_starts, words_of
from .reading import is_damaged, shown, text_lines

DOCUMENT = "-DOCSTART-"
_BEGINS, _ENDS = "BSU", "ESLU"


def read_conll(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """A text for each sentence: its tokens, joined by one space. Columns are divided by tabs, else by blanks; those
    between token and tag are counted. Sentences of one document (after ``-DOCSTART-``) share a group, its number. A
    sentence with a malformed line is left out."""
    kept, problems, n_documents = 0, 0, 0
    sentence: list[tuple[str, str]] = []
    problem = ""
    lines = text_lines(path, report)
    for number, line in enumerate([*lines, ""], start=1):
        columns = line.split("\t") if "\t" in line else line.split()
        is_document = line.startswith(DOCUMENT)
        if is_document or not line.strip():
            if problem:
                problems += 1
                report.drop_text("sentence with a malformed line", problem)
            elif sentence:
                kept += 1
                yield _parse(sentence, str(n_documents or ""), report)
            sentence, problem = [], ""
            n_documents += is_document
        elif is_damaged(line) or len(columns) < 2 or not columns[0].strip() or not _is_tag(columns[-1]):
            problem = problem or f"line {number}: {shown(line)}"
        else:
            report.count("columns between token and tag", len(columns) - 2)
            sentence.append((columns[0].strip(), columns[-1].strip()))
    if problems and not kept:
        raise ValueError(f"{path} has no sentence with a token and a tag (B-, I- or O) in each line.")


def write_conll(texts: Iterable[AnnotatedText], path: Path, report: Report, make_doc: MakeDoc) -> None:
    """BIO tags of the tokens of ``make_doc``, split further at the boundaries of mentions; a text is one sentence,
    unless its sentences are given. Of mentions that overlap, the longest stays, the others are dropped and counted, as
    are those across the end of a sentence. Texts that are not their tokens with single spaces are counted."""
    with path.open("w", encoding="utf8", newline="\n") as file:
        file.write("\n")  # so that no text begins where a byte order mark would
        for text in texts:
            file.write("".join(_to_lines(text, to_doc(text, make_doc, report), report)))


def _is_tag(tag: str) -> bool:
    tag = tag.strip()
    return tag == "O" or (tag[:1] in "BIESLU" and tag[1:2] == "-" and len(tag) > 2)


def _parse(sentence: list[tuple[str, str]], group: str, report: Report) -> AnnotatedText:
    starts = token_starts(token for token, _ in sentence)
    mentions: list[Mention] = []
    first, label = 0, ""  # of the mention that is open, if there is a label
    for i, (_, tag) in enumerate([*sentence, ("", "O")]):
        kind, _, of = tag.partition("-")
        if label and (of != label or kind in _BEGINS):
            mentions.append(Mention(starts[first], starts[i] - 1, label))
            label = ""
        if of and not label:
            first, label = i, of
        if label and kind in _ENDS:
            mentions.append(Mention(starts[first], starts[i + 1] - 1, label))
            label = ""
    return AnnotatedText(" ".join(token for token, _ in sentence), mentions, group=group, sentences=[0])


def _to_lines(text: AnnotatedText, doc: Doc, report: Report) -> Iterator[str]:
    tags = ["O"] * len(doc)
    begins = {token.i for token in doc if token.is_sent_start is True and token.i}
    report.count("texts with several sentences, which are texts of their own here", int(bool(begins)))
    for span in sorted(doc.spans[SPANS_KEY], key=lambda s: (s.start - s.end, s.start)):
        if begins.intersection(range(span.start + 1, span.end)):
            report.drop("mention across the end of a sentence", f"{text.name}: {span.text}")
        elif any(tag != "O" for tag in tags[span.start : span.end]):
            report.drop("mention that overlaps another one", f"{text.name}: {span.text}")
        else:
            label = "_".join(span.label_.split())
            report.count("labels whose white space became '_'", int(label != span.label_))
            for i in range(span.start, span.end):
                tags[i] = f"{'B' if i == span.start else 'I'}-{label}"
    words, index = words_of(doc)
    tags = [tag for token, tag in zip(doc, tags, strict=True) if not token.text.isspace()]
    starts = {index[i] for i in begins}  # a sentence may begin with white space
    report.count("texts whose spacing is not kept", int(" ".join(words) != doc.text))
    for i, (word, tag) in enumerate(zip(words, tags, strict=True)):
        yield f"{chr(10) if i in starts else ''}{word}\t{tag}\n"
    if words:
        yield "\n"
    else:
        report.drop_text("text without words", text.name)
