"""Span graphs as pictures: ``spacy_keci.render(doc)``, as spaCy's displaCy does it for entities and dependencies."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote
from zlib import crc32

from spacy import displacy
from spacy.displacy.render import SpanRenderer
from spacy.tokens import Doc, Span
from spacy.util import is_in_jupyter

from ..doc_operations import each_doc
from ..identifiers import identifiers
from ..span_groups import checked_spans, relation_rows_of
from ..tokens import check_known_labels
from .layout import lay_out
from .markup import Markup, fill
from .options import Options, make_options
from .picture import GAINED, LOST, Picture, compare, make_picture, overlay
from .shapes import BAR, FONT, LABEL_FONT, PILL
from .text import text_width

PACKAGE = "spacy_keci.visualize"
# Told apart by all kinds of colour vision, on white and on black.
MARK_COLORS = {LOST: "#d55e00", GAINED: "#2b83c6"}


def render(
    docs: Doc | Span | Iterable[Doc | Span],
    *,
    page: bool = False,
    jupyter: bool | None = None,
    options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> str | None:
    """Draw span graphs: mentions as bars above the text, relations as arcs above these, details in hover texts.

    docs: what to draw; a Span is drawn with the mentions inside it.
    page: a whole HTML page instead of a fragment.
    jupyter: display it in the notebook, and return None; default: if this is a notebook.
    options, settings: see :class:`~spacy_keci.visualize.options.Options`.
    RETURNS: HTML that holds its SVG drawings and needs nothing else; as XML, it is well-formed.
    Raises TypeError for anything but documents, ValueError for an unknown option, a Doc without such a span graph, or
    labels that neither the documents nor their pipeline have.
    """
    docs = list(each_doc(docs, (Doc, Span)))
    _check_labels(docs, make_options(options, settings))
    markup = "\n".join(render_figure(doc, options=options, **settings) for doc in docs)
    if page:
        markup = fill(PACKAGE, "page.html.jinja", content=Markup(markup), lang=docs[0].doc.lang_ if docs else "en")
    if displacy.RENDER_WRAPPER is not None:
        markup = displacy.RENDER_WRAPPER(markup)
    if jupyter or (jupyter is None and is_in_jupyter()):
        from IPython.display import HTML, display

        # the class keeps MathJax away, as in displaCy
        display(HTML(f'<span class="tex2jax_ignore">{markup}</span>'))
        return None
    return markup


def render_figure(source: Doc | Span, *, options: Mapping[str, Any] | None = None, **settings: Any) -> str:
    """One ``<figure>``, as :func:`render` makes them, in a notebook too."""
    chosen = make_options(options, settings)
    pictures = _make_pictures(source, chosen)
    return fill(
        PACKAGE,
        "figure.html.jinja",
        panels=[
            {"caption": _caption(i, picture, chosen), "svg": Markup(_draw(picture, chosen))}
            for i, picture in enumerate(pictures)
        ],
        title=source.doc.user_data.get("title"),
        concepts=_concept_rows(pictures[-1], chosen) if chosen.list_concepts else [],
    )


def render_svg(source: Doc | Span, *, options: Mapping[str, Any] | None = None, **settings: Any) -> str:
    """One drawing as an SVG document, to be saved as a file. Arguments and errors as for :func:`render`; a comparison
    must be an ``overlay``, as two drawings do not fit into one."""
    _check_labels([source], chosen := make_options(options, settings))
    pictures = _make_pictures(source, chosen)
    if len(pictures) > 1:
        raise ValueError("A comparison is two drawings: for a single SVG, set the option 'overlay'.")
    return _draw(pictures[0], chosen)


def _check_labels(docs: Sequence[Doc | Span], options: Options) -> None:
    keys = options.compare or [options.spans_key]
    groups = [each.doc.spans[key] for each in docs for key in keys if key in each.doc.spans]
    there = {
        "labels": {span.label_ for group in groups for span in checked_spans(group)},
        "relation_labels": {row[2] for group in groups for row in relation_rows_of(group)},
    }
    for name, labels in there.items():
        check_known_labels(f"The option {name!r}", getattr(options, name), labels, [each.doc for each in docs])


def _make_pictures(source: Doc | Span, options: Options) -> list[Picture]:
    """One picture, or two for a comparison side by side."""
    pictures = [make_picture(source, key, options) for key in options.compare or [options.spans_key]]
    if options.compare is None:
        return pictures
    first, second = pictures
    return [overlay(first, second)] if options.overlay else list(compare(first, second))


def _draw(picture: Picture, options: Options) -> str:
    own = {label.upper(): color for label, color in options.colors.items()}
    return fill(
        PACKAGE,
        "span_graph.svg.jinja",
        layout=lay_out(picture, options.width),
        description=" ".join(picture.tokens),
        color_of=partial(_color, colors=SpanRenderer().colors | own),
        width_of=lambda text: text_width(text, LABEL_FONT),
        font=FONT,
        label_font=LABEL_FONT,
        bar_height=BAR,
        pill=PILL,
        mark_colors=MARK_COLORS,
    )


def _color(label: str, colors: Mapping[str, str]) -> str:
    """The colour of a label, in upper case as displaCy knows it; else pastel, the hue by the name of the label."""
    return colors.get(label.upper()) or f"hsl({crc32(label.encode()) * 137 % 360}, 60%, 80%)"


def _caption(i: int, picture: Picture, options: Options) -> str:
    if options.compare is None:
        return ""
    first, second = options.compare
    lost, gained = (f"{sign} {picture.count(mark)}" for sign, mark in (("−", LOST), ("+", GAINED)))
    if options.overlay:
        return f"{lost} only in {first}, {gained} only in {second}"
    return f"{first}: {lost} lost" if i == 0 else f"{second}: {gained} gained"


def _concept_rows(picture: Picture, options: Options) -> list[tuple[str, ...]]:
    """Mention, type, identifier, name, attention and address, each mention and concept once."""
    rows: dict[tuple[str, ...], None] = {}
    for mention in picture.mentions:
        if concept := mention.concept:
            attention = "" if concept.attention is None else f"{concept.attention:.2f}"
            url = ""
            if options.kb_url_template is not None and (ids := identifiers(concept.id)):
                url = options.kb_url_template.replace("{}", quote(ids[0], safe=":"))
            text = mention.title.split("\n", 1)[0]
            rows[text, mention.label, concept.id, concept.name, attention, url] = None
    return list(rows)
