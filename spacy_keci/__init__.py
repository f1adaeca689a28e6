"""Joint entity and relation extraction from biomedical text, with background knowledge, for spaCy."""

from .tokens import Relation, get_relations, install_extensions, set_relations

__all__ = ["Relation", "get_relations", "install_extensions", "set_relations"]
__version__ = "0.1.0"
