"""``doc._.relations``, ``doc._.interactions``, ``span._.relations`` and ``span._.concepts``: views as attributes.

Several pipelines may be loaded in one process, and their components may write to different groups. An attribute reads
the group that its document has; where a document has several of them, it does not choose.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from spacy.tokens import Doc, Span

from .interactions import get_interactions, set_interactions
from .tokens import CONCEPTS_KEY, SPANS_KEY, get_concepts, get_relations, get_span_relations, set_relations


def install_extensions(relations: str = "relations", spans_key: str = SPANS_KEY) -> None:
    """Make ``doc._.relations`` (get and set) and ``span._.relations`` (get) read ``doc.spans[spans_key]``, besides the
    groups that they read already.

    Components of this package call it when they are created; call it yourself to read relations from a DocBin
    without a pipeline. Raises ValueError if a name is taken by another package.
    """
    of_doc = _View("relations", relations, get_relations, set_relations)
    _install(spans_key, {Doc: of_doc, Span: _View("relations", relations, get_span_relations)})


def install_concepts_extension(concepts: str = "concepts", spans_key: str = CONCEPTS_KEY) -> None:
    """Make ``span._.concepts`` read ``doc.spans[spans_key]``, besides the groups that it reads already; the linker
    calls it when it is created. Raises ValueError if the name is taken by another package."""
    _install(spans_key, {Span: _View("concepts", concepts, get_concepts)})


def install_interactions_extension(interactions: str = "interactions", spans_key: str = SPANS_KEY) -> None:
    """Make ``doc._.interactions`` (get and set) read relations of concepts in ``doc.spans[spans_key]``, besides the
    groups that it reads already; a component that predicts such calls it when it is created. Raises ValueError if the
    name is taken by another package."""
    _install(spans_key, {Doc: _View("interactions", interactions, get_interactions, set_interactions)})


@dataclass(frozen=True)
class _View:
    """A getter and setter for the attribute ``name``. what: it gives. spans_keys: the groups that it may read."""

    what: str
    name: str
    get: Callable[..., Any]
    put: Callable[..., None] | None = None
    spans_keys: tuple[str, ...] = ()

    def __call__(self, source: Doc | Span) -> Any:
        return self.get(source, self.choose(source.doc))

    def set(self, doc: Doc, values: Any) -> None:
        assert self.put
        self.put(doc, values, self.choose(doc))

    def choose(self, doc: Doc) -> str:
        """The key of the group that the document has, or the first one. Raises ValueError if it has several."""
        keys = [key for key in self.spans_keys if key in doc.spans]
        if len(keys) > 1:
            raise ValueError(
                f"._.{self.name} may be of doc.spans[{keys[0]!r}] or of doc.spans[{keys[1]!r}]: two components with "
                f"different spans keys have written to this document. Call spacy_keci.get_{self.what}(..., "
                f"spans_key), or give one of the components another {self.what}_attr."
            )
        return (keys or self.spans_keys)[0]


def _install(spans_key: str, views: dict[type[Doc] | type[Span], _View]) -> None:
    """Install all of the views, or, where a name is taken by another package, none."""
    for owner, view in views.items():
        found = owner.get_extension(view.name)[2] if owner.has_extension(view.name) else view
        if not isinstance(found, _View) or found.get is not view.get:
            raise ValueError(
                f"{owner.__name__}._.{view.name} is taken already, by another package. Choose a free name: "
                f"{view.what}_attr in the settings of the component, or the argument '{view.what}' of the function of "
                "spacy_keci that installs it."
            )
        views[owner] = replace(found, spans_keys=tuple(dict.fromkeys((*found.spans_keys, spans_key))))
    for owner, view in views.items():
        # force: at most, what takes its place is our own
        setter: Any = view.put and view.set
        owner.set_extension(view.name, getter=view, setter=setter, force=True)
