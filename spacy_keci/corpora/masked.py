"""Pairs with masked mentions, as the sentences of GAD and EU-ADR are commonly shared
(https://github.com/dmis-lab/biobert): a sentence in which two mentions are ``@GENE$`` and ``@DISEASE$``, a tab, and
whether they are related: 1 or 0, or in other corpora the label of the relation. Some files have a first column
``index`` and a head.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from ..reports import Report
from .annotation import AnnotatedText, Mention
from .reading import is_damaged, shown, text_lines
from .standoff import StandoffText

RELATED = "related"
NOT_RELATED = ("0", "false", "False", "NA", "none", "None")
HEAD = ("index", "sentence", "label")
_MASK = re.compile(r"@([^\s@$]+)\$")


def read_masked(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """A text for each line, with the two masks as mentions, whose labels are what is between ``@`` and ``$``. A pair
    that is related has a relation, ``related`` where the file says 1, from the first mention of the text to the
    second. The index is the id. Each text is one sentence."""
    lines = text_lines(path, report)
    kept = 0
    for number, line in enumerate(lines, start=1):
        columns = line.split("\t")
        if not line.strip() or tuple(columns) in (HEAD, HEAD[1:]):
            continue
        *index, sentence, label = columns if len(columns) > 1 else ("", "")
        masks = list(_MASK.finditer(sentence))
        if len(masks) != 2 or len(index) > 1 or not label.strip() or is_damaged(line):
            report.drop_text("line without a sentence with two masks and a label", f"line {number}: {shown(line)}")
            continue
        text = StandoffText(sentence, "".join(index), report)
        for mask in masks:
            text.add_mention(str(mask.start()), [mask.span()], mask[1])
        if label.strip() not in NOT_RELATED:
            head, tail = (str(mask.start()) for mask in masks)
            text.add_relation(head, tail, RELATED if label.strip() == "1" else label.strip())
        kept += 1
        yield text.build(sentences=[0])
    if not kept and any(line.strip() for line in lines):
        raise ValueError(f"{path} holds no line with two masks, such as @GENE$ and @DISEASE$, a tab and a label.")


def write_masked(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """A line for each pair of mentions of a text that do not overlap: the text with the two masked, 1 where they are
    related by ``related``, the label of another relation, 0 where there is none.

    White space in labels becomes "_", line breaks and tabs in texts become spaces, which is counted. Relations have no
    direction; second ones of a pair, and those of mentions that overlap, are dropped and counted.
    """
    with path.open("w", encoding="utf8", newline="\n") as file:
        file.write("\t".join(HEAD) + "\n")
        n_lines = 0
        for text in texts:
            report.count("texts whose line breaks and tabs became spaces", int(bool(re.search(r"[\r\n\t]", text.text))))
            for sentence, label in _to_pairs(text, report):
                file.write(f"{n_lines}\t{sentence}\t{label}\n")
                n_lines += 1


def _to_pairs(text: AnnotatedText, report: Report) -> Iterator[tuple[str, str]]:
    if len(text.mentions) < 2:
        report.drop("text with fewer than two mentions", text.name)
    for mention in text.mentions:
        report.count("labels whose white space, @ and $ became '_'", int(_to_mask(mention) != f"@{mention.label}$"))
    labels: dict[tuple[int, int], str] = {}
    for head, tail, label, _ in text.relations:
        first, second = sorted((head, tail), key=lambda i: text.mentions[i][:2])
        case = f"{text.name}: {label} of {head} and {tail}"
        if text.mentions[first].end > text.mentions[second].start:
            report.drop("relation of mentions that overlap", case)
        elif label in NOT_RELATED:
            report.drop("relation whose label means none in this format", case)
        elif (first, second) in labels:
            report.drop("second relation of a pair", case)
        else:
            if first != head:
                report.drop("direction of a relation whose tail comes first", case)
            labels[first, second] = "1" if label == RELATED else re.sub(r"\s", "_", label)
    order = sorted(range(len(text.mentions)), key=lambda i: text.mentions[i][:2])
    for first, second in combinations(order, 2):
        a, b = text.mentions[first], text.mentions[second]
        if a.end <= b.start:
            parts = (text.text[: a.start], _to_mask(a), text.text[a.end : b.start], _to_mask(b), text.text[b.end :])
            label = labels.get((first, second), labels.get((second, first), "0"))
            yield re.sub(r"[\r\n\t]", " ", "".join(parts)), label
        else:
            report.count("pairs of mentions that overlap, left out")


def _to_mask(mention: Mention) -> str:
    label = re.sub(r"[@$\s]", "_", mention.label)
    return f"@{label}$"
