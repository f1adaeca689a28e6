"""Corpora that say "D001943" where they mean MESH:D001943, as they have one vocabulary for each type of mention."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..identifiers import composite_parts, linked, with_vocabulary
from .annotation import AnnotatedText


def name_vocabularies(texts: Iterable[AnnotatedText], vocabularies: Mapping[str, str]) -> Iterator[AnnotatedText]:
    """The texts with the vocabulary of its label in front of each identifier that has none, those of several concepts
    and the parts of composite ones too: "NCBIGene:5604,NCBIGene:5605". A variant, "p|SUB|V|600|E", has no parts."""
    for text in texts:
        mentions = [
            mention._replace(kb_id=_named(mention.kb_id, vocabularies.get(mention.label, "")))
            for mention in text.mentions
        ]
        yield replace(text, mentions=mentions)


def _named(kb_id: str, vocabulary: str) -> str:
    def name(identifier: str) -> str:
        if identifier in ",;" or not linked(identifier):
            return identifier
        return "|".join(with_vocabulary(vocabulary, part) for part in composite_parts(identifier) or [identifier])

    return "".join(map(name, re.split(r"\s*([,;])\s*", kb_id.strip())))


def parse_names(options: Iterable[str]) -> dict[str, str]:
    """What labels map to, from ``LABEL=NAME``. Raises ValueError for anything else, and for two names of a label."""
    found: dict[str, str] = {}
    for option in options:
        label, equals, name = option.partition("=")
        if not (label and equals and name):
            raise ValueError(f"Expected LABEL=NAME, such as Disease=MESH, not {option!r}.")
        if found.setdefault(label, name) != name:
            raise ValueError(f"{label!r} is given twice: {found[label]} and {name}.")
    return found
