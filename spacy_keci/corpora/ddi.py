"""The XML of the DDI corpus (Herrero-Zazo et al. 2013, https://doi.org/10.1016/j.jbi.2013.07.011): a file a document,
with its sentences, their entities, and the pairs of these with whether, and how, two drugs interact.

Offsets are characters of the sentence, end inclusive: "0-4", or "0-4;9-12" for a mention in pieces.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from ..reports import Report
from .annotation import AnnotatedText
from .reading import find_files, read_xml
from .standoff import StandoffText

_PIECE = re.compile(r"(\d{1,15})-(\d{1,15})")


def read_ddi(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """A text for each sentence of a file, or of all files of a folder and those below it. The document is the group. A
    pair with ``ddi="true"`` is a relation with its ``type`` as label; the others are counted."""
    files = list(find_files(path, ".xml")) if path.is_dir() else [path]
    kept, problems = 0, []
    for file in files:
        try:
            root = read_xml(file, "XML")
            if root.tag != "document":
                raise ValueError(f"its root is {root.tag!r}, not 'document'")
        except ValueError as error:
            problems.append(f"{file.name}: {' '.join(str(error).split())}")
            report.drop_text("file that is not of the DDI corpus", problems[-1])
            continue
        kept += 1
        for sentence in root.iter("sentence"):
            yield _parse(sentence, root.get("id", ""), report)
    if not kept:
        raise ValueError(f"{path} is not the DDI corpus. {'; '.join(problems[:1]) or 'It holds no .xml file.'}")


def _parse(sentence: ElementTree.Element, group: str, report: Report) -> AnnotatedText:
    id = sentence.get("id", "")
    text = StandoffText(sentence.get("text", ""), id, report)
    for entity in sentence.iter("entity"):
        found = [_PIECE.fullmatch(piece.strip()) for piece in entity.get("charOffset", "").split(";")]
        pieces = [(int(piece[1]), int(piece[2]) + 1) for piece in found if piece]
        if len(pieces) < len(found):
            pieces = []
        text.add_mention(entity.get("id", ""), pieces, entity.get("type", ""), entity.get("text"))
    for pair in sentence.iter("pair"):
        if pair.get("ddi") == "true":
            text.add_relation(pair.get("e1", ""), pair.get("e2", ""), pair.get("type", ""))
        else:
            report.count("pairs without an interaction")
    return text.build(group=group, sentences=[0])
