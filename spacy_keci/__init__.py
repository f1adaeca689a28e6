"""Joint entity and relation extraction from biomedical text, with background knowledge, for spaCy."""

from .tokens import (
    Concept,
    Relation,
    get_concepts,
    get_relations,
    install_concepts_extension,
    install_extensions,
    set_relations,
)
from .visualize.render import render

__all__ = [
    "Concept",
    "Relation",
    "get_concepts",
    "get_relations",
    "install_concepts_extension",
    "install_extensions",
    "render",
    "set_relations",
]
__version__ = "0.1.0"
