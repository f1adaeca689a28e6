"""Joint entity and relation extraction from biomedical text, with background knowledge, for spaCy."""

from .doc_operations import add_mentions, select_mentions, set_ents
from .extensions import install_concepts_extension, install_extensions, install_interactions_extension
from .interactions import Interaction, get_interactions, set_interactions
from .relation_values import relation_uncertainties, relation_vectors
from .tokens import (
    Concept,
    Relation,
    filter_relations,
    get_concepts,
    get_relations,
    set_relations,
    set_span_graph,
    span_graph,
)
from .visualize.render import render

__all__ = [
    "Concept",
    "Interaction",
    "Relation",
    "add_mentions",
    "filter_relations",
    "get_concepts",
    "get_interactions",
    "get_relations",
    "install_concepts_extension",
    "install_extensions",
    "install_interactions_extension",
    "relation_uncertainties",
    "relation_vectors",
    "render",
    "select_mentions",
    "set_ents",
    "set_interactions",
    "set_relations",
    "set_span_graph",
    "span_graph",
]
__version__ = "0.1.0"
