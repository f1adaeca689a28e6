"""``spacy keci show``: what a pipeline finds in a few sentences, as readable tables or as a drawing."""

import io
import sys
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import table

from ..corpora.reading import is_damaged
from ..knowledge.knowledge_base import KnowledgeBase
from ..pipeline.extractor import Extractor
from ..span_groups import initial_key, per_mention
from ..tokens import get_relations
from ..visualize.render import render, render_svg
from ..visualize.text import writable
from .load import find_extractor, knowledge_of, last_linker, load_pipeline, make_folder_of
from .messages import fail, good, tell
from .options import Model

NOTHING = "-"


def show_cli(
    model: Model,
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts in quotes; without any, one text a line from standard input")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Drawing to write instead: .html, or .svg for a single text")
    ] = None,
) -> None:
    """Print or draw the mentions and relations that a pipeline finds in a few texts.

    \b
    spacy keci show training/demo/model-last "FK506 binds FKBP12."
    spacy keci show training/demo/model-last "FK506 binds FKBP12." -o drawing.html
    spacy keci show en_keci_biorelex < sentences.txt
    """
    if output is not None and output.suffix.lower() not in (".html", ".svg"):
        fail(f"Cannot draw as {output.suffix or 'a file without suffix'}. Use .html or .svg.")
    lines = list(_checked(texts or _read_lines()))
    if not lines:
        fail("There is no text.")
    if output is not None:
        if output.suffix.lower() == ".svg" and len(lines) > 1:
            fail(f"An SVG file holds the drawing of one text, not of {len(lines)}. Use .html.")
        make_folder_of(output)
    nlp = load_pipeline(model)
    _, keci = find_extractor(nlp)
    docs = nlp.pipe(lines)
    options = drawing_options(nlp, keci)
    if output is None:
        for doc in docs:
            typer.echo(format_graph(doc, keci.spans_key, options.get("kb")))
    else:
        draw(list(docs), output, options)
        good(f"Drawn to {output}")


def _read_lines() -> Iterator[str]:
    if sys.stdin.isatty():
        tell("Reading texts from standard input, one a line. End with Ctrl-D.")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf8", errors="surrogateescape")  # which tells is_damaged
    return map(str.strip, sys.stdin)


def _checked(lines: Iterable[str]) -> Iterator[str]:
    """The lines that are not empty. Raises ValueError for one that is not UTF-8."""
    for number, line in enumerate(lines, start=1):
        if is_damaged(line):
            raise ValueError(f"Text {number} is not UTF-8: convert it, for example with iconv.")
        if line:
            yield line


def drawing_options(nlp: Language, keci: Extractor) -> dict[str, Any]:
    """Options of :func:`~spacy_keci.render` that follow from the settings of a pipeline."""
    options: dict[str, Any] = {"spans_key": keci.spans_key, "symmetric": keci.symmetric}
    if linker := last_linker(nlp):
        options |= {"kb": knowledge_of(linker), "concepts_key": linker.spans_key, "list_concepts": True}
    return options


def draw(docs: list[Doc], path: Path, options: dict[str, Any]) -> None:
    """Write an HTML page with a drawing of each text, or an SVG file of the only one. Where all documents keep an
    initial graph, the page compares it with the final one."""
    final = options["spans_key"]
    initial = initial_key(final)
    if path.suffix.lower() == ".svg":
        markup = render_svg(docs[0], options=options)
    else:
        compare = (initial, final) if all(initial in doc.spans for doc in docs) else None
        markup = render(docs, page=True, jupyter=False, options=options, compare=compare) or ""
    path.write_text(markup, encoding="utf8")


def format_graph(doc: Doc, spans_key: str, kb: KnowledgeBase | None = None) -> str:
    """The text, a table of its mentions and a table of its relations.

    Concepts of mentions are shown where there are any; and where the document keeps an initial graph that differs, what
    that was, under "at first". Control characters, which a terminal would obey, are shown as signs.
    """
    initial = initial_key(spans_key)
    mentions, relations = _mention_rows(doc, spans_key, kb), _relation_rows(doc, spans_key)
    headers = ["mention", "type", "score", "concept"], ["head", "relation", "tail", "score"]
    if initial in doc.spans:
        now, at_first = _offsets(doc, spans_key), {(m.start, m.end): m.label_ for m in doc.spans[initial]}
        if at_first != {offsets: row[1] for offsets, row in zip(now, mentions, strict=True)}:
            lost = [(offsets, [doc[slice(*offsets)].text, NOTHING, "", ""]) for offsets in at_first.keys() - {*now}]
            rows = sorted([*zip(now, mentions, strict=True), *lost], key=itemgetter(0))
            mentions = [[*row, at_first.get(offsets, NOTHING)] for offsets, row in rows]
            headers[0].append("at first")
        found, before = _edges(doc, spans_key), _edges(doc, initial)
        if set(found) != set(before):
            kept = [[*row, row[1] if e in before else NOTHING] for e, row in zip(found, relations, strict=True)]
            missing = [row for e, row in zip(before, _relation_rows(doc, initial), strict=True) if e not in found]
            relations = kept + [[head, NOTHING, tail, "", label] for head, label, tail, _ in missing]
            headers[1].append("at first")
    if not any(row[3] for row in mentions):
        mentions = [row[:3] + row[4:] for row in mentions]
        headers[0].remove("concept")
    mentions, relations = ([[_visible(cell) for cell in row] for row in rows] for rows in (mentions, relations))
    parts = [
        _visible(doc.text),
        table(mentions, header=headers[0], divider=True, max_col=60) if mentions else "no mention",
    ]
    if relations:
        parts.append(table(relations, header=headers[1], divider=True, max_col=60))
    elif mentions:
        parts.append("no relation\n")
    return "\n".join(parts)


def _visible(text: str) -> str:
    return writable(text).replace("\r", "␍")


def _mention_rows(doc: Doc, spans_key: str, kb: KnowledgeBase | None) -> list[list[str]]:
    group = doc.spans[spans_key]
    scores = per_mention(group, "scores", 1.0)
    rows = []
    for span, score in zip(group, scores, strict=True):
        name = kb.name(kb.index(span.kb_id_)) if kb is not None and span.kb_id_ in kb else ""
        rows.append([span.text, span.label_, f"{score:.2f}", f"{span.kb_id_} {name}".strip()])
    return rows


def _offsets(doc: Doc, spans_key: str) -> list[tuple[int, int]]:
    return [(mention.start, mention.end) for mention in doc.spans[spans_key]]


def _edges(doc: Doc, spans_key: str) -> list[tuple[Any, ...]]:
    """What makes relations the same in two graphs, whatever the types of their mentions."""
    return [
        (relation.label, *((end.start, end.end) for end in (relation.head, relation.tail)))
        for relation in get_relations(doc, spans_key)
    ]


def _relation_rows(doc: Doc, spans_key: str) -> list[list[str]]:
    return [
        [relation.head.text, relation.label, relation.tail.text, f"{relation.score:.2f}"]
        for relation in get_relations(doc, spans_key)
    ]
