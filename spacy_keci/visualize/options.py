"""How span graphs are drawn."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ..span_groups import CONCEPTS_KEY, SPANS_KEY

if TYPE_CHECKING:
    from ..knowledge.knowledge_base import KnowledgeBase


@dataclass(frozen=True)
class Options:
    """How to draw.

    spans_key: which span graph, ``doc.spans[spans_key]``.
    compare: two keys instead, an earlier and a later graph of the same text, such as ``("entities_initial",
        "entities")``: drawn side by side where there is room, with what was lost and gained marked.
    overlay: draw the two of ``compare`` in one.
    width: of a row, in pixels at most.
    colors: by entity type, in addition to those of displaCy; other types get a colour from their name.
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


def make_options(options: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> Options:
    """The options, changed by single ones. Raises ValueError for an unknown one."""
    settings = {**(options or {}), **settings}
    known = [f.name for f in fields(Options)]
    for name in settings:
        if name not in known:
            raise ValueError(f"Unknown option {name!r} for drawings of span graphs. Allowed: {', '.join(known)}.")
    return Options(**settings)
