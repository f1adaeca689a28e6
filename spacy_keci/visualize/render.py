"""Span graphs as pictures: ``spacy_keci.render(doc)``, as spaCy's displaCy does it for entities and dependencies."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zlib import crc32

from spacy import displacy
from spacy.displacy.render import SpanRenderer
from spacy.tokens import Doc, Span
from spacy.util import is_in_jupyter

from ..doc_operations import each_doc
from ..identifiers import identifiers
from ..span_groups import CONCEPTS_KEY, SPANS_KEY, checked_spans, relation_rows_of
from ..tokens import check_known_labels
from .layout import lay_out
from .markup import Markup, fill
from .picture import GAINED, LOST, Picture, compare, make_picture, overlay
from .shapes import BAR, FONT, LABEL_FONT, PILL
from .text import text_width

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase

PACKAGE = "spacy_keci.visualize"
# Told apart by all kinds of colour vision, on white and on black.
MARK_COLORS = {LOST: "#d55e00", GAINED: "#2b83c6"}


@dataclass(frozen=True)
class Options:
    """How to draw.

    spans_key: which span graph, ``doc.spans[spans_key]``.
    compare: two keys instead, an earlier and a later graph of the same text, such as ``("entities_initial",
        "entities")``: drawn side by side where there is room, with what was lost and gained marked.
    overlay: draw the two of ``compare`` in one.
    width: of a row, in pixels at most.
    colors: by entity type, beside those that packages give displaCy; other types get a colour by their name.
    labels, relation_labels: show only these entity types and relations.
    symmetric: relation labels that are drawn without an arrow; default: ``attrs["symmetric"]`` of the group.
    kb: knowledge base that names the concepts.
    concepts_key: where the candidate concepts of mentions are, with their attention weights if there are any.
    list_concepts: list the linked concepts below the drawing. They are always in the hover texts.
    kb_url_template: address of a concept in that list, with ``{}`` for its identifier; a mention with several, as
        "5604,5605", has the first one's.
    """

    spans_key: str = SPANS_KEY
    compare: tuple[str, str] | None = None
    overlay: bool = False
    width: float = 960
    colors: Mapping[str, str] = field(default_factory=dict)
    labels: Collection[str] | None = None
    relation_labels: Collection[str] | None = None
    symmetric: Collection[str] | None = None
    kb: "KnowledgeBase | None" = None
    concepts_key: str = CONCEPTS_KEY
    list_concepts: bool = False
    kb_url_template: str | None = None

    def __post_init__(self) -> None:
        if self.width < 100:
            raise ValueError(f"The option 'width' is in pixels, and at least 100, but it is {self.width}.")
        if self.compare is not None and (isinstance(self.compare, str) or len(self.compare) != 2):
            raise ValueError(f"The option 'compare' takes two keys of doc.spans, but it is {self.compare!r}.")
        if self.overlay and self.compare is None:
            raise ValueError("The option 'overlay' needs two keys of doc.spans in the option 'compare'.")
        template = self.kb_url_template
        if template is not None and not (template.startswith(("http://", "https://")) and "{}" in template):
            raise ValueError(
                "The option 'kb_url_template' is an address, http:// or https://, with {} for the identifier of a "
                f"concept, but it is {template!r}."
            )
        for name in ("labels", "relation_labels", "symmetric"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"The option {name!r} is a list of labels, but it is {getattr(self, name)!r}.")


def render(
    docs: Doc | Span | Iterable[Doc | Span],
    *,
    page: bool = False,
    jupyter: bool | None = None,
    options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> str | None:
    """Draw span graphs: mentions as bars above the text, relations as arcs above these, details under the mouse.

    docs: what to draw; a Span is drawn with the mentions inside it.
    page: a whole HTML page instead of a fragment.
    jupyter: display it in the notebook, and return None; default: if this is a notebook.
    options, settings: see :class:`Options`.
    RETURNS: HTML that holds its SVG drawings and needs nothing else; as XML, it is well-formed.
    Raises TypeError for anything but documents, ValueError for an unknown option, a Doc without such a span graph, or
    labels that neither the documents nor their pipeline have.
    """
    docs = list(each_doc(docs))
    _check_labels(docs, _make_options({**(options or {}), **settings}))
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
    """One ``<figure>``, as :func:`render` makes them, wherever it runs."""
    chosen = _make_options({**(options or {}), **settings})
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
    pictures = _make_pictures(source, chosen := _make_options({**(options or {}), **settings}))
    if len(pictures) > 1:
        raise ValueError("A comparison is two drawings: for a single SVG, set the option 'overlay'.")
    return _draw(pictures[0], chosen)


def _make_options(settings: Mapping[str, Any]) -> Options:
    known = [f.name for f in fields(Options)]
    for name in settings:
        if name not in known:
            raise ValueError(f"Unknown option {name!r} for drawings of span graphs. Allowed: {', '.join(known)}.")
    return Options(**settings)


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
    pictures = [
        make_picture(
            source,
            key,
            labels=options.labels,
            relation_labels=options.relation_labels,
            symmetric=options.symmetric,
            kb=options.kb,
            concepts_key=options.concepts_key,
        )
        for key in options.compare or [options.spans_key]
    ]
    if options.compare is None:
        return pictures
    first, second = pictures
    return [overlay(first, second)] if options.overlay else list(compare(first, second))


def _draw(picture: Picture, options: Options) -> str:
    return fill(
        PACKAGE,
        "span_graph.svg.jinja",
        layout=lay_out(picture, options.width),
        description=" ".join(picture.tokens),
        color_of=_Colors(options.colors),
        width_of=lambda text: text_width(text, LABEL_FONT),
        font=FONT,
        label_font=LABEL_FONT,
        bar_height=BAR,
        pill=PILL,
        mark_colors=MARK_COLORS,
    )


class _Colors:
    """displaCy's colours, those of packages and of the options; else pastel, the hue by the name of the label."""

    def __init__(self, colors: Mapping[str, str]) -> None:
        # displaCy knows labels in upper case
        self.colors = SpanRenderer().colors | {label.upper(): color for label, color in colors.items()}

    def __call__(self, label: str) -> str:
        return self.colors.get(label.upper()) or f"hsl({crc32(label.encode()) * 137 % 360}, 60%, 80%)"


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
