"""``spacy keci relate-pairs``: how concepts are related, from what was learned of them, without a text."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import numpy as np
import typer

from ..corpora.reading import is_damaged, text_lines
from ..scoring.pairs import best_threshold
from .load import prepare_output
from .messages import good, tell, warn
from .pretrain_relations import PAIRS

if TYPE_CHECKING:
    from ..ml.latent.pairs import Pair, PairModel

HEAD = ("first", "second", "label", "probability", "uncertainty", "sentences")


def relate_pairs_cli(
    model: Annotated[
        Path, typer.Argument(help="Folder that 'pretrain-relations' or '--save' has written", exists=True)
    ],
    pairs: Annotated[
        Path, typer.Argument(help="Pairs to relate: two identifiers per line, separated by a tab", exists=True)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Table to write (default: standard output)")
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="Labelled pairs to learn from: identifier, identifier, label or 'none'")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Labelled pairs to choose the threshold on")] = None,
    save: Annotated[Path | None, typer.Option(help="Folder for the model with what it learned of relations")] = None,
    updates: Annotated[int, typer.Option(min=1, help="Updates of the classifier")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the classifier")] = 0,
) -> None:
    """Say how pairs of concepts are related: a table of identifiers, label, probability of a relation, uncertainty (the
    spread over samples), and the number of sentences that mention both.

    The label is 'none' below the threshold, which was chosen on --validation. Negatives in --train should be pairs that
    texts mention together, of the types that related pairs have.

    \b
    spacy keci relate-pairs pretrained test.tsv --train train.tsv --validation dev.tsv --save pairs -o found.tsv
    spacy keci relate-pairs pairs more.tsv
    """
    from ..ml.latent.pairs import NONE, PairModel

    for option, value in (("--validation", validation), ("--save", save)):
        if value is not None and train is None:
            raise ValueError(f"{option} is of no use without --train: nothing is learned.")
    prepare_output(output, pairs, train, validation)
    asked = list(read_pairs(pairs, labelled=False))
    found = PairModel.from_disk(model) if train is None else _learn(model, train, validation, updates, seed, save)
    counts = sentence_counts(model)
    predicted = found.predict(asked)
    if not predicted.known.all():
        warn(f"{(~predicted.known).sum()} of {len(asked)} pairs have a concept that no text mentioned with another.")
    with output.open("w", encoding="utf8", newline="") if output is not None else _standard_output() as file:
        print(*HEAD, sep="\t", file=file)
        for i, pair in enumerate(asked):
            probability = float(predicted.probabilities[i])
            label = predicted.labels[i] if probability >= found.threshold else NONE
            shown = (f"{probability:.4f}", f"{predicted.uncertainties[i]:.4f}", counts[frozenset(pair[:2])])
            print(*pair[:2], label, *shown, sep="\t", file=file)


def _standard_output() -> TextIO:
    return open(sys.stdout.fileno(), "w", encoding="utf8", newline="", closefd=False)


def _learn(folder: Path, train: Path, validation: Path | None, updates: int, seed: int, save: Path | None) -> PairModel:
    from ..ml.latent.pairs import NONE, PairModel, PairSettings
    from ..ml.latent.pretrained import Pretrained

    if validation is None:
        raise ValueError(
            "The threshold is chosen on labelled pairs that are not trained on: name them with --validation."
        )
    learned, chosen = (list(read_pairs(path, labelled=True)) for path in (train, validation))
    labels = [label for label, _ in Counter(pair.label for pair in learned).most_common() if label != NONE]
    if not labels:
        raise ValueError(f"{train} has no pair that is related: all labels are {NONE!r}.")
    model = PairModel(Pretrained.from_disk(folder), labels, PairSettings(updates=updates, seed=seed))
    model.learn(learned)
    related = np.array([pair.label != NONE for pair in chosen])
    model.threshold = best_threshold(related, model.predict(chosen).probabilities)
    tell(f"Pairs are related if their probability is at least {model.threshold:.3f}")
    if save is not None:
        model.to_disk(save)
        if (folder / PAIRS).exists():
            (save / PAIRS).write_bytes((folder / PAIRS).read_bytes())
        good(f"Saved the model to {save}")
    return model


def read_pairs(path: Path, labelled: bool) -> Iterator[Pair]:
    """Lines of two identifiers and, where they are labelled, a label; further columns are ignored, and so is the
    first line of a table that :func:`relate_pairs_cli` wrote.

    Raises ValueError for a line with fewer or that is not UTF-8, and for a file without lines.
    """
    from ..ml.latent.pairs import Pair

    n_columns, n_lines = (3 if labelled else 2), 0
    for number, line in enumerate(text_lines(path), start=1):
        columns = line.split("\t")
        if not line.strip() or (number == 1 and columns[:2] == [*HEAD[:2]]):
            continue
        if is_damaged(line):
            raise ValueError(f"Line {number} of {path} is not UTF-8: convert it, for example with iconv.")
        if len(columns) < n_columns or not all(column.strip() for column in columns[:n_columns]):
            what = "two identifiers and a label" if labelled else "two identifiers"
            raise ValueError(f"Line {number} of {path} needs {what}, separated by tabs, but is {line[:80]!r}.")
        n_lines += 1
        yield Pair(*(column.strip() for column in columns[:n_columns]))
    if not n_lines:
        raise ValueError(f"{path} holds no pairs.")


def sentence_counts(folder: Path) -> Counter[frozenset[str]]:
    """How many contexts of the pre-training each two concepts had."""
    counts: Counter[frozenset[str]] = Counter()
    if (folder / PAIRS).exists():
        with (folder / PAIRS).open(encoding="utf8") as file:
            for line in file:
                first, second, n = line.rstrip("\n").split("\t")
                counts[frozenset((first, second))] += int(n)
    return counts
