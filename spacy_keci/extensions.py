"""``doc._.relations``, ``doc._.interactions``, ``span._.relations`` and ``span._.concepts``: views as attributes.

Several pipelines may be loaded in one process, and their components may write to different groups. An attribute reads
the group that its document has; where a document has several of them, it does not choose.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from spacy.tokens import Doc, Span

from .interactions import Interaction, get_interactions, set_interactions
from .tokens import (
    CONCEPTS_KEY,
    SPANS_KEY,
    Concept,
    Relation,
    get_concepts,
    get_relations,
    get_span_relations,
    set_relations,
)


def install_extensions(relations: str = "relations", spans_key: str = SPANS_KEY) -> None:
    """Make ``doc._.relations`` (get and set) and ``span._.relations`` (get) read ``doc.spans[spans_key]``, besides the
    groups that they read already.

    Components of this package call it when they are created; call it yourself to read relations from a DocBin
    without a pipeline. Raises ValueError if a name is taken by another package.
    """
    # both are checked before either is set
    _check_free(Doc, relations, _DocRelations, "relations")
    _check_free(Span, relations, _SpanRelations, "relations")
    _install(Doc, relations, _DocRelations, spans_key)
    _install(Span, relations, _SpanRelations, spans_key)


def install_concepts_extension(concepts: str = "concepts", spans_key: str = CONCEPTS_KEY) -> None:
    """Make ``span._.concepts`` read ``doc.spans[spans_key]``, besides the groups that it reads already; the linker
    calls it when it is created. Raises ValueError if the name is taken by another package."""
    _check_free(Span, concepts, _SpanConcepts, "concepts")
    _install(Span, concepts, _SpanConcepts, spans_key)


def install_interactions_extension(interactions: str = "interactions", spans_key: str = SPANS_KEY) -> None:
    """Make ``doc._.interactions`` (get and set) read relations of concepts in ``doc.spans[spans_key]``, besides the
    groups that it reads already; a component that predicts such calls it when it is created. Raises ValueError if the
    name is taken by another package."""
    _check_free(Doc, interactions, _DocInteractions, "interactions")
    _install(Doc, interactions, _DocInteractions, spans_key)


@dataclass(frozen=True)
class _View:
    """A getter for ``name``. ``spans_keys``: the groups that it may read."""

    what: ClassVar[str] = "relations"

    name: str
    spans_keys: tuple[str, ...] = ()

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


class _DocRelations(_View):
    def __call__(self, doc: Doc) -> list[Relation]:
        return get_relations(doc, self.choose(doc))

    def set(self, doc: Doc, relations: Iterable[Relation]) -> None:
        set_relations(doc, relations, self.choose(doc))


class _DocInteractions(_View):
    what = "interactions"

    def __call__(self, doc: Doc) -> list[Interaction]:
        return get_interactions(doc, self.choose(doc))

    def set(self, doc: Doc, interactions: Iterable[Interaction]) -> None:
        set_interactions(doc, interactions, self.choose(doc))


class _SpanRelations(_View):
    def __call__(self, span: Span) -> list[Relation]:
        return get_span_relations(span, self.choose(span.doc))


class _SpanConcepts(_View):
    what = "concepts"

    def __call__(self, span: Span) -> list[Concept]:
        return get_concepts(span, self.choose(span.doc))


def _check_free(cls: type[Doc] | type[Span], name: str, kind: type[_View], argument: str) -> None:
    if cls.has_extension(name) and not isinstance(cls.get_extension(name)[2], kind):
        raise ValueError(
            f"{cls.__name__}._.{name} is taken already, by another package. Choose a free name: {argument}_attr in the "
            f"settings of the component, or the argument '{argument}' of the function that installs it, in spacy_keci."
        )


def _install(cls: type[Doc] | type[Span], name: str, kind: type[_View], spans_key: str) -> None:
    view: Any = cls.get_extension(name)[2] if cls.has_extension(name) else kind(name)
    if spans_key not in view.spans_keys:
        view = replace(view, spans_keys=(*view.spans_keys, spans_key))
        # force: at most, what takes its place is our own
        cls.set_extension(name, getter=view, setter=getattr(view, "set", None), force=True)
