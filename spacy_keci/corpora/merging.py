"""Make one corpus fit another: rename labels, leave out texts that both have."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..reports import Report
from .annotation import AnnotatedText


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
    """The texts that are not among the others, which have neither their id nor, apart from white space, their text. The
    rest is counted."""
    ids, contents = set[str](), set[str]()
    for other in others:
        ids.add(other.id)
        contents.add(" ".join(other.text.split()))
    for text in texts:
        if (text.id and text.id in ids) or " ".join(text.text.split()) in contents:
            report.count("texts left out, since another corpus has them")
        else:
            yield text
