"""``spacy keci tune``: the thresholds of mentions and relations that score best on a validation corpus."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config
from wasabi import table

from ..corpora.annotation import AnnotatedText
from ..pipeline.extractor import Extractor
from ..pipeline.thresholds import OTHERS, Threshold, as_setting, by_label
from ..scoring.counts import precision_recall_f, read_graphs
from ..scoring.strict import StrictScorer, triples
from .evaluate import predict
from .load import find_extractor, load_pipeline, read_gold
from .messages import good, tell

GRID = np.arange(5, 100) / 100
LOWEST = float(GRID[0])
KINDS = ("entities", "relations")
FOLDS = 5


class Thresholds(NamedTuple):
    """Settings of the component."""

    threshold: Threshold
    relation_threshold: Threshold


class Predictions(NamedTuple):
    """Mentions, or relations, that are predicted with the lowest thresholds, and how many there are to be found.

    scores, labels, correct, docs: (predictions,); labels are columns of ``gold``.
    ends: (predictions, 2) the mentions of relations; (predictions, 0) for mentions.
    gold: (documents, labels) of int, the last column for labels that the component does not know.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    correct: NDArray[np.bool_]
    docs: NDArray[np.int64]
    ends: NDArray[np.int64]
    gold: NDArray[np.int64]


class Grid(NamedTuple):
    """A threshold for each label of both kinds, as rows of ``GRID``: (..., labels)."""

    mentions: NDArray[np.int64]
    relations: NDArray[np.int64]


def tune_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    corpus: Annotated[
        Path, typer.Argument(help="Gold documents to choose on: .spacy, .jsonl, or a folder of such", exists=True)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a copy of the pipeline with the new thresholds")
    ] = None,
    common: Annotated[
        bool, typer.Option("--common", help="One threshold for all mentions, and one for all relations")
    ] = False,
    min_gold: Annotated[
        int, typer.Option(min=1, help="Labels with fewer gold examples than that have no threshold of their own")
    ] = 50,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Texts in a batch (default: the pipeline's own)")
    ] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")] = -1,
) -> None:
    """Choose the thresholds of mentions and relations that score best: the mean of both strict micro F scores.

    Labels have thresholds of their own where that is better in a cross-validation on the corpus. Choose on a part of
    the data that is neither trained nor reported on: scores on the corpus that thresholds were chosen on are too good.
    The thresholds go to standard output, as settings that spacy.load takes.

    \b
    spacy keci tune training/demo/model-last assets/demo/heldout.jsonl
    spacy keci tune en_keci_biorelex dev.spacy --output tuned
    """
    if output is not None and output.exists():
        raise ValueError(f"{output} is there already: name another folder.")
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    name, keci = find_extractor(nlp)
    golds = read_gold(corpus, nlp, keci.spans_key)
    tuner = Tuner(nlp, keci, golds, batch_size)
    chosen = tuner.present
    tried = {"now": tuner.present, "one for all labels": tuner.find_common()}
    if not common:
        tried["one by label"] = tuner.find_by_label(min_gold)
        held_out = tuner.cross_validate(min_gold)
        tell(
            f"Parts of the corpus, each with thresholds that were chosen on the rest, score {held_out[0]:.1%} with one "
            f"for all labels, {held_out[1]:.1%} with one by label."
        )
        if held_out[1] <= held_out[0]:
            del tried["one by label"]
    rows, best = [], -1.0
    for title, thresholds in tried.items():
        values = evaluate_at(nlp, keci, golds, thresholds, batch_size)
        mean = float(np.mean([values[f"{kind}_micro_f"] for kind in KINDS]))
        if mean > best:
            best, chosen = mean, thresholds
        row = [title]
        for kind, threshold in zip(KINDS, thresholds, strict=True):
            row.append(describe(threshold))
            row += [f"{100 * values[f'{kind}_micro_{what}']:.1f}" for what in "prf"]
        rows.append(row)
    header = ("", "mentions from", "P", "R", "F", "relations from", "P", "R", "F")
    tell(table(rows, header=header, divider=True, aligns=["l", *"rrrrrrrr"]))
    if chosen == tuner.present:
        tell("No thresholds are better than those that are set.")
    for setting, value in chosen._asdict().items():
        typer.echo(f"components.{name}.{setting} = {json.dumps(value, ensure_ascii=False)}")
    if output is not None:
        save_with_thresholds(nlp, name, chosen, output)
        good(f"Saved the pipeline to {output}")


def describe(threshold: Threshold) -> str:
    """A threshold in a cell of a table."""
    values = by_label(threshold)
    if not values:
        return "most probable"
    low, high = min(values.values()), max(values.values())
    own = f"{low:.2f}" if low == high else f"{low:.2f}-{high:.2f}"
    return own if OTHERS in values else f"{own}, others most probable"


class Tuner:
    """Looks for thresholds.

    The pipeline predicts once, with the lowest thresholds: a mention is predicted with a higher one if its score
    reaches that, and a relation if its score and those of both its mentions do.
    """

    def __init__(self, nlp: Language, keci: Extractor, golds: Sequence[Doc], batch_size: int | None = None) -> None:
        self.present = Thresholds(keci.threshold, keci.relation_threshold)
        self.labels = keci.labels, keci.relation_labels
        docs = predict_at(nlp, keci, golds, Thresholds(LOWEST, LOWEST), batch_size)
        self.mentions, self.relations = compare(docs, golds, keci)
        # texts of a group stay together, as near as they may be to each other
        groups = {str(doc.user_data.get("group") or i): i for i, doc in enumerate(golds)}
        order = {group: i for i, group in enumerate(groups)}
        self.folds = np.array([order[str(doc.user_data.get("group") or i)] for i, doc in enumerate(golds)]) % FOLDS

    def find_common(self) -> Thresholds:
        """The thresholds of the grid with the best mean of both F scores; where several have it, one in their middle.
        A threshold of which nothing depends stays as it is set."""
        return self._as_settings(self._find_common(self.folds >= 0))

    def find_by_label(self, min_gold: int) -> Thresholds:
        """The same, with thresholds of their own for labels with so many gold examples: from the common one, each is
        moved to where the score is best, the others staying as they are, twice."""
        everything = self.folds >= 0
        return self._as_settings(self._refine(self._find_common(everything), everything, min_gold))

    def cross_validate(self, min_gold: int) -> tuple[float, float]:
        """The mean of both F scores where the thresholds for each fifth of the documents were chosen on the others: one
        for all labels, and one by label."""
        totals = np.zeros((2, 2, 3), dtype="int64")
        for fold in range(FOLDS):
            others = self.folds != fold
            common = self._find_common(others)
            for i, grid in enumerate((common, self._refine(common, others, min_gold))):
                totals[i] += self.counts(grid, ~others)
        means = _mean_f(totals)
        return float(means[0]), float(means[1])

    def counts(self, grid: Grid, docs: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(..., 2, 3) right, wrong and missed mentions and relations of some documents, ``docs`` being (documents,)."""
        kept = self.mentions.scores >= GRID[grid.mentions[..., self.mentions.labels]]
        related = self.relations.scores >= GRID[grid.relations[..., self.relations.labels]]
        related = related & kept[..., self.relations.ends].all(axis=-1)
        counts = []
        for predictions, made in ((self.mentions, kept), (self.relations, related)):
            n_right, n_all = (
                made[..., docs[predictions.docs] & which].sum(axis=-1)
                for which in (predictions.correct, np.ones_like(predictions.correct))
            )
            counts.append(np.stack([n_right, n_all - n_right, predictions.gold[docs].sum() - n_right], axis=-1))
        return np.stack(np.broadcast_arrays(*counts), axis=-2)

    def _find_common(self, docs: NDArray[np.bool_]) -> Grid:
        every = np.arange(len(GRID))
        relations = _for_all(every, self.relations)
        means = np.stack([_mean_f(self.counts(Grid(_for_all(i, self.mentions), relations), docs)) for i in every])
        best = np.argwhere(means >= means.max() - 1e-9)
        i, j = best[np.abs(best - best.mean(axis=0)).sum(axis=1).argmin()]
        return Grid(_for_all(i, self.mentions), _for_all(j, self.relations))

    def _refine(self, common: Grid, docs: NDArray[np.bool_], min_gold: int) -> Grid:
        """min_gold: examples in the whole corpus, so that a part of it refines the same labels."""
        grid = Grid(common.mentions.copy(), common.relations.copy())
        counted = [predictions.gold.sum(axis=0)[:-1] for predictions in (self.mentions, self.relations)]
        order = [(-n, k, label) for k, counts in enumerate(counted) for label, n in enumerate(counts) if n >= min_gold]
        for _, k, label in sorted(order) * 2:
            stack = [np.repeat(rows[None], len(GRID), axis=0) for rows in grid]
            stack[k][:, label] = np.arange(len(GRID))
            means, now = _mean_f(self.counts(Grid(*stack), docs)), grid[k][label]
            if means.max() > means[now] + 1e-9:
                best = np.flatnonzero(means >= means.max() - 1e-9)
                grid[k][label] = best[np.abs(best - now).argmin()]
        return grid

    def _as_settings(self, grid: Grid) -> Thresholds:
        found: list[Threshold] = []
        for rows, labels, predictions, present in zip(
            grid, self.labels, (self.mentions, self.relations), self.present, strict=True
        ):
            if not predictions.correct.any() or len(np.unique(predictions.scores)) < 2:
                found.append(present)
                continue
            others = rows[-1]
            own = {label: float(GRID[row]) for label, row in zip(labels, rows[:-1], strict=True) if row != others}
            found.append(as_setting({**own, OTHERS: float(GRID[others])}))
        return Thresholds(*found)


def _for_all(rows: Any, predictions: Predictions) -> NDArray[np.int64]:
    """(...) rows of the grid -> (..., labels), the same for all labels."""
    return np.repeat(np.asarray(rows)[..., None], predictions.gold.shape[1], axis=-1)


def _mean_f(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return precision_recall_f(counts)[..., 2].mean(axis=-1)


def predict_at(
    nlp: Language, keci: Extractor, golds: Sequence[Doc], thresholds: Thresholds, batch_size: int | None = None
) -> list[Doc]:
    """What the pipeline predicts for the texts of ``golds`` with these thresholds."""
    present = Thresholds(keci.threshold, keci.relation_threshold)
    keci.threshold, keci.relation_threshold = thresholds
    try:
        return predict(nlp, golds, batch_size)[0]
    finally:
        keci.threshold, keci.relation_threshold = present


def evaluate_at(
    nlp: Language, keci: Extractor, golds: Sequence[Doc], thresholds: Thresholds, batch_size: int | None = None
) -> dict[str, float]:
    """The strict scores with these thresholds."""
    docs = predict_at(nlp, keci, golds, thresholds, batch_size)
    scorer = StrictScorer(keci.spans_key, frozenset(keci.symmetric))
    return scorer([Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)])


def compare(docs: Sequence[Doc], golds: Sequence[Doc], keci: Extractor) -> tuple[Predictions, Predictions]:
    """Predicted mentions and relations, compared with gold ones as the strict scores do."""
    columns = [{label: i for i, label in enumerate(labels)} for labels in (keci.labels, keci.relation_labels)]
    rows: tuple[list, list] = ([], [])
    ends: list[tuple[int, int]] = []
    gold_counts = [np.zeros((len(golds), 1 + len(of_label)), dtype="int64") for of_label in columns]
    graphs = read_graphs([Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)], keci.spans_key)
    for d, (doc, (gold, predicted)) in enumerate(zip(docs, graphs, strict=True)):
        before = len(rows[0])
        ends.extend((before + relation.head, before + relation.tail) for relation in predicted.relations)
        scores = doc.spans[keci.spans_key].attrs["scores"], [relation.score for relation in predicted.relations]
        found, truth = _items(predicted, keci.symmetric), _items(gold, keci.symmetric)
        for k, of_label in enumerate(columns):
            items = set(truth[k])
            for item in items:
                gold_counts[k][d, of_label.get(item[-1], -1)] += 1
            rows[k].extend(
                (score, of_label.get(item[-1], -1), item in items, d)
                for score, item in zip(scores[k], found[k], strict=True)
            )
    tables = []
    for k in range(2):
        array = np.array(rows[k], dtype="float64").reshape(-1, 4)
        scores_, labels, correct, in_doc = (
            array[:, 0],
            array[:, 1].astype(int),
            array[:, 2] > 0,
            array[:, 3].astype(int),
        )
        of_mentions = np.array(ends if k else [], dtype="int64").reshape(len(array), 2 * k)
        tables.append(Predictions(scores_, labels, correct, in_doc, of_mentions, gold_counts[k]))
    return tables[0], tables[1]


def _items(text: AnnotatedText, symmetric: Sequence[str]) -> tuple[Sequence[tuple], Sequence[tuple]]:
    """Mentions and relations as what makes them equal."""
    mentions = [mention[:3] for mention in text.mentions]
    return mentions, list(triples(text, mentions, symmetric))


def save_with_thresholds(nlp: Language, name: str, thresholds: Thresholds, folder: Path) -> None:
    """Copy the folder of a pipeline, apart from the thresholds in its config."""
    shutil.copytree(nlp.path, folder)
    config = load_config(folder / "config.cfg", interpolate=False)
    config["components"][name].update(thresholds._asdict())
    config.to_disk(folder / "config.cfg")
