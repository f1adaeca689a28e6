"""``spacy keci tune``: the thresholds of mentions and relations that score best on a validation corpus."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config
from wasabi import table

from ..corpora.annotation import AnnotatedText, Report, from_doc
from ..corpora.reader import read_docs
from ..pipeline.keci import Keci
from ..scoring.counts import precision_recall_f
from ..scoring.strict import StrictScorer
from .evaluate import predict
from .load import find_keci, load_pipeline
from .messages import good, tell, warn

GRID = np.arange(5, 100) / 100
LOWEST = float(GRID[0])


class Thresholds(NamedTuple):
    """Settings of the component; None: the most probable label."""

    threshold: float | None
    relation_threshold: float | None


class Scored(NamedTuple):
    """Predictions at the lowest thresholds.

    scores: (predictions, 1 or 2) what must reach each threshold for the prediction to be made. correct: (predictions,)
    of bool. n_gold: how many there are to be found.
    """

    scores: NDArray[np.float64]
    correct: NDArray[np.bool_]
    n_gold: int

    def f_scores(self) -> NDArray[np.float64]:
        """F1 at each threshold, or each pair of thresholds, of the grid."""
        above = np.searchsorted(GRID, self.scores, side="right")
        n_correct, n_all = (_count_above(above[rows]) for rows in (self.correct, slice(None)))
        counts = np.stack([n_correct, n_all - n_correct, self.n_gold - n_correct], axis=-1)
        return precision_recall_f(counts)[..., 2]


def tune_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    corpus: Annotated[
        Path, typer.Argument(help="Gold documents to choose on: .spacy, .jsonl, or a folder of such", exists=True)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a copy of the pipeline with the new thresholds")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Texts in a batch (default: the pipeline's own)")
    ] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")] = -1,
) -> None:
    """Choose the thresholds of mentions and relations that score best: the mean of both strict micro F scores.

    Choose on a part of the data that is neither trained nor reported on: scores on the corpus that thresholds were
    chosen on are too good. The thresholds go to standard output, in the form of lines of a config.

    \b
    spacy keci tune training/demo/model-last assets/demo/heldout.jsonl
    spacy keci tune en_keci_biorelex dev.spacy --output tuned
    """
    if output is not None and output.exists():
        raise ValueError(f"{output} is there already: name another folder.")
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    name, keci = find_keci(nlp)
    report = Report()
    golds = read_docs(corpus, nlp, keci.spans_key, report)
    if report.dropped:
        warn("Some of the gold could not be read, and is not scored: " + "; ".join(report.summary()))
    if not golds:
        raise ValueError(f"{corpus} holds no documents.")
    present = Thresholds(keci.threshold, keci.relation_threshold)
    found = find_thresholds(nlp, keci, golds, batch_size)
    rows, means = [], []
    for title, thresholds in (("now", present), ("tuned", found)):
        values = evaluate_at(nlp, keci, golds, thresholds, batch_size)
        means.append(np.mean([values["entities_micro_f"], values["relations_micro_f"]]))
        row = [title]
        for kind, threshold in zip(("entities", "relations"), thresholds, strict=True):
            row.append("most probable" if threshold is None else f"{threshold:.2f}")
            row += [f"{100 * values[f'{kind}_micro_{what}']:.1f}" for what in "prf"]
        rows.append(row)
    header = ("", "mentions from", "P", "R", "F", "relations from", "P", "R", "F")
    tell(table(rows, header=header, divider=True, aligns=["l", *"rrrrrrrr"]))
    if means[1] <= means[0]:
        tell("No thresholds are better than those that are set.")
        found = present
    for setting, value in found._asdict().items():
        typer.echo(f"components.{name}.{setting} = {'null' if value is None else value}")
    if output is not None:
        save_with_thresholds(nlp, name, found, output)
        good(f"Saved the pipeline to {output}")


def find_thresholds(nlp: Language, keci: Keci, golds: Sequence[Doc], batch_size: int | None = None) -> Thresholds:
    """The thresholds of the grid with the best mean of both F scores; where several have it, one in their middle.

    The pipeline predicts once, with the lowest thresholds: a mention is predicted with a higher one if its score
    reaches that, and a relation if its score and those of both its mentions do. A threshold of which nothing depends
    stays as it is set.
    """
    present = Thresholds(keci.threshold, keci.relation_threshold)
    docs = predict_at(nlp, keci, golds, Thresholds(LOWEST, LOWEST), batch_size)
    mentions, relations = score_predictions(docs, golds, keci.spans_key, keci.symmetric)
    means = mentions.f_scores()[:, None] + relations.f_scores()
    best = np.argwhere(means >= means.max() - 1e-9)
    middle = best[np.abs(best - best.mean(axis=0)).sum(axis=1).argmin()]
    mention_threshold, relation_threshold = (float(GRID[i]) for i in middle)
    return Thresholds(
        mention_threshold if mentions.n_gold else present.threshold,
        relation_threshold if relations.n_gold else present.relation_threshold,
    )


def predict_at(
    nlp: Language, keci: Keci, golds: Sequence[Doc], thresholds: Thresholds, batch_size: int | None = None
) -> list[Doc]:
    """What the pipeline predicts for the texts of ``golds`` with these thresholds."""
    present = Thresholds(keci.threshold, keci.relation_threshold)
    keci.threshold, keci.relation_threshold = thresholds
    try:
        return predict(nlp, golds, batch_size)[0]
    finally:
        keci.threshold, keci.relation_threshold = present


def evaluate_at(
    nlp: Language, keci: Keci, golds: Sequence[Doc], thresholds: Thresholds, batch_size: int | None = None
) -> dict[str, float]:
    """The strict scores with these thresholds."""
    docs = predict_at(nlp, keci, golds, thresholds, batch_size)
    scorer = StrictScorer(keci.spans_key, frozenset(keci.symmetric))
    return scorer([Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)])


def score_predictions(
    docs: Sequence[Doc], golds: Sequence[Doc], spans_key: str, symmetric: Sequence[str]
) -> tuple[Scored, Scored]:
    """The mentions and the relations of predicted documents, compared with gold ones as the strict scores do."""
    rows: tuple[list, list] = ([], [])
    n_gold = [0, 0]
    for doc, gold in zip(docs, golds, strict=True):
        scores = doc.spans[spans_key].attrs["scores"]
        predicted = from_doc(doc, spans_key)
        truth = [set(items) for items in _items(from_doc(gold, spans_key), symmetric)]
        found = _items(predicted, symmetric)
        needed = (
            [(score,) for score in scores],
            [(min(scores[r.head], scores[r.tail]), r.score) for r in predicted.relations],
        )
        for i in range(2):
            n_gold[i] += len(truth[i])
            rows[i].extend((*score, item in truth[i]) for score, item in zip(needed[i], found[i], strict=True))
    mentions, relations = (
        Scored(array[:, :-1], array[:, -1].astype(bool), n)
        for array, n in zip((np.array(rows[0]).reshape(-1, 2), np.array(rows[1]).reshape(-1, 3)), n_gold, strict=True)
    )
    return mentions, relations


def _items(text: AnnotatedText, symmetric: Sequence[str]) -> tuple[list[tuple], list[tuple]]:
    """Mentions and relations as what makes them equal."""
    mentions = [mention[:3] for mention in text.mentions]
    relations = []
    for relation in text.relations:
        ends = mentions[relation.head], mentions[relation.tail]
        relations.append((*(sorted(ends) if relation.label in symmetric else ends), relation.label))
    return mentions, relations


def _count_above(passed: NDArray[np.int64]) -> NDArray[np.int64]:
    """(rows, d) how many thresholds of the grid each score reaches -> (grid,) * d, the rows that reach all d."""
    counts = np.zeros((len(GRID) + 1,) * passed.shape[1], dtype="int64")
    np.add.at(counts, tuple(passed.T), 1)
    for axis in range(counts.ndim):
        counts = np.flip(np.flip(counts, axis).cumsum(axis), axis)
    return counts[(slice(1, None),) * counts.ndim]


def save_with_thresholds(nlp: Language, name: str, thresholds: Thresholds, folder: Path) -> None:
    """Copy the folder of a pipeline, apart from the thresholds in its config."""
    shutil.copytree(nlp.path, folder)
    config = load_config(folder / "config.cfg", interpolate=False)
    config["components"][name].update(thresholds._asdict())
    config.to_disk(folder / "config.cfg")
