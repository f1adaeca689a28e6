"""Make one corpus fit another: rename labels, leave out texts that both have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..reports import Report
from .annotation import AnnotatedText

# Share of the words of the shorter text that are also in the other one, if both are of one source. Abstracts of BioRED
# and BC5CDR with the same id share all, and with another id at most 0.4; sentences of BioRelEx share at most 0.6.
ALIKE = 0.8


def rename_labels(texts: Iterable[AnnotatedText], names: Mapping[str, str]) -> list[AnnotatedText]:
    """The texts with other labels of mentions, relations and interactions. Raises ValueError for a label that no text
    has."""
    texts, found = list(texts), set[str]()
    for text in texts:
        for items in (text.mentions, text.relations, text.interactions or ()):
            found.update(item.label for item in items)
    if missing := sorted(names.keys() - found):
        raise ValueError(f"No text has the label {', '.join(missing)}. Labels: {', '.join(sorted(found))}.")
    return [
        replace(
            text,
            mentions=[m._replace(label=names.get(m.label, m.label)) for m in text.mentions],
            relations=[r._replace(label=names.get(r.label, r.label)) for r in text.relations],
            interactions=text.interactions
            and [i._replace(label=names.get(i.label, i.label)) for i in text.interactions],
        )
        for text in texts
    ]


def without(texts: Iterable[AnnotatedText], others: Iterable[AnnotatedText], report: Report) -> Iterator[AnnotatedText]:
    """The texts that are not among the others, which have neither their words, whatever the case and punctuation, nor
    their id with nearly their words: a part of a text with the same PubMed id is among them, and a text with the same
    number in another corpus is not. The rest is counted, and so are texts that are kept in spite of their id."""
    ids: dict[str, list[set[str]]] = {}
    contents = set[tuple[str, ...]]()
    for other in others:
        words = _words(other.text)
        ids.setdefault(other.id, []).append(set(words))
        contents.add(words)
    for text in texts:
        words = _words(text.text)
        same_id = ids.get(text.id, []) if text.id else []
        if words in contents or any(_is_alike(set(words), each) for each in same_id):
            report.count("texts left out, since another corpus has them")
        else:
            report.count("texts kept, though another corpus has their id: it has another text", int(bool(same_id)))
            yield text


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))


def _is_alike(first: set[str], second: set[str]) -> bool:
    return len(first & second) >= ALIKE * min(len(first), len(second))
