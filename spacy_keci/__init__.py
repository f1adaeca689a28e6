"""Joint entity and relation extraction from biomedical text, with background knowledge, for spaCy."""

from .tokens import (
    Concept,
    Relation,
    filter_relations,
    get_concepts,
    get_relations,
    install_concepts_extension,
    install_extensions,
    set_relations,
    span_graph,
)
from .visualize.render import render

__all__ = [
    "Concept",
    "Relation",
    "filter_relations",
    "get_concepts",
    "get_relations",
    "install_concepts_extension",
    "install_extensions",
    "render",
    "set_relations",
    "span_graph",
]
__version__ = "0.1.0"
