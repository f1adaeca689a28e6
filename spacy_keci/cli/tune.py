"""``spacy keci tune``: the settings of a trained pipeline that score best on a validation corpus."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import load_config
from wasabi import table

from ..files import remove
from ..pipeline.calibration import Scaling, fit_scaling
from ..pipeline.extractor import Extractor
from ..pipeline.thresholds import OTHERS, Threshold, as_setting, by_label
from ..report.calibration import calibrate
from ..scoring.concept_threshold import choose_threshold, compare_concepts
from ..scoring.concepts import ConceptScorer
from ..scoring.counts import as_examples
from ..scoring.strict import StrictScorer
from ..scoring.tuning import LOWEST, ScoredItems, choose_thresholds, compare
from .load import find_extractor, load_pipeline, prepare_pipeline_folder, read_gold
from .messages import good, tell
from .options import BatchSize, Gpu, Model
from .prediction import Origin, predict

KINDS = {"entities": "threshold", "relations": "relation_threshold"}
SCALINGS = {"threshold": ("temperature", "bias"), "relation_threshold": ("relation_temperature", "relation_bias")}
UNSCALED = {name: value for names in SCALINGS.values() for name, value in zip(names, Scaling(), strict=True)}


def tune_cli(
    model: Model,
    corpus: Annotated[
        Path, typer.Argument(help="Gold documents to choose on: .spacy, .jsonl, or a folder of such", exists=True)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for a copy of the pipeline with the new settings")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the folder of --output if it exists")] = False,
    keep_thresholds: Annotated[
        bool, typer.Option("--keep-thresholds", help="Fit temperatures and biases only, for the present thresholds")
    ] = False,
    mentions: Annotated[
        Origin, typer.Option(help="Mentions that the component relates: predicted, or gold with their identifiers")
    ] = Origin.predicted,
    component: Annotated[
        str | None, typer.Option(help="Component to tune (default: the last one that predicts relations)")
    ] = None,
    batch_size: BatchSize = None,
    gpu_id: Gpu = -1,
) -> None:
    """Choose the thresholds of mentions and relations that score best (the mean of both strict micro F scores), and the
    temperatures and biases that make their scores probabilities.

    For a component that is scored by relations between concepts, choose the threshold of relations with the best mean
    of the F scores of pairs and of pairs with labels, and the temperature and bias of relations with labels.

    Choose on data that is used neither for training nor for reported scores: scores on this data are too high.
    The settings go to standard output, in the form that spacy.load takes.

    \b
    spacy keci tune training/demo/model-last assets/demo/heldout.jsonl
    spacy keci tune en_keci_biorelex dev.spacy --output tuned
    spacy keci tune training/model-best dev.spacy --mentions gold --output tuned
    """
    if output is not None and output.exists() and not force:
        raise ValueError(f"{output} already exists: name another folder, or pass --force.")
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    if output is not None:
        prepare_pipeline_folder(output, nlp, corpus)
    name, extractor = find_extractor(nlp, component)
    given = extractor if mentions == Origin.gold else None
    trials = Trials(nlp, extractor, read_gold(corpus, nlp, extractor.spans_key), batch_size, given)
    if isinstance(extractor.scorer, ConceptScorer):
        chosen = choose_of_concepts(trials, keep_thresholds)
    else:
        chosen = choose_of_mentions(trials, keep_thresholds)
    for setting, value in chosen.items():
        typer.echo(f"components.{name}.{setting} = {json.dumps(value, ensure_ascii=False)}")
    if output is not None:
        save_with_settings(nlp, name, chosen, output)
        good(f"Saved the pipeline to {output}")


@dataclass(frozen=True)
class Trials:
    """Predictions for gold texts with other settings of one component of a pipeline. given: the component, if it is
    given the gold mentions."""

    nlp: Language
    extractor: Extractor
    golds: Sequence[Doc]
    batch_size: int | None = None
    given: Extractor | None = None

    @property
    def kinds(self) -> dict[str, str]:
        """The settings with the thresholds of what the component finds: not of mentions that it is given."""
        is_given = self.extractor.entities_from is not None
        return {kind: setting for kind, setting in KINDS.items() if kind == "relations" or not is_given}

    @property
    def present(self) -> dict[str, Any]:
        """The thresholds, temperatures and biases of what the component finds."""
        thresholds = self.kinds.values()
        names = [*thresholds, *(name for threshold in thresholds for name in SCALINGS[threshold])]
        return {name: getattr(self.extractor, name) for name in names}

    def predict(self, settings: Mapping[str, Any]) -> list[Doc]:
        """What the pipeline predicts with these settings of the component."""
        present = {setting: getattr(self.extractor, setting) for setting in settings}
        try:
            for setting, value in settings.items():
                setattr(self.extractor, setting, value)
            return predict(self.nlp, self.golds, self.batch_size, self.given)[0]
        finally:
            for setting, value in present.items():
                setattr(self.extractor, setting, value)

    def score(self, docs: Sequence[Doc]) -> dict[str, float]:
        scorer = StrictScorer(self.extractor.spans_key, frozenset(self.extractor.symmetric))
        return scorer(as_examples(docs, self.golds))

    def compare(self, docs: Sequence[Doc]) -> tuple[ScoredItems, ScoredItems]:
        """What of the mentions, and of the relations, that were predicted is right. Given mentions are all kept,
        whatever their scores."""
        mentions, relations = compare(docs, self.golds, self.extractor.spans_key, self.extractor.symmetric)
        if "entities" not in self.kinds:
            mentions = replace(mentions, scores=np.ones_like(mentions.scores))
        return mentions, relations


def choose_of_concepts(trials: Trials, keep_thresholds: bool) -> dict[str, Any]:
    """The threshold of relations between concepts, temperature and bias; tells what they score."""
    setting = KINDS["relations"]
    if keep_thresholds:
        present = {name: getattr(trials.extractor, name) for name in (setting, *SCALINGS[setting])}
        _, typed = compare_concepts(trials.predict(present), trials.golds, trials.extractor.spans_key)
        return calibrated(present, {"relations": typed}, trials.extractor.default_relation_threshold)
    unscaled = {name: UNSCALED[name] for name in SCALINGS[setting]}
    docs = trials.predict({setting: LOWEST, **unscaled})
    pairs, typed = compare_concepts(docs, trials.golds, trials.extractor.spans_key)
    threshold, f_pair, f_typed = choose_threshold(pairs, typed)
    chosen = calibrated({setting: threshold, **unscaled}, {"relations": typed.reaching(threshold)}, None)
    tell(f"Relations from {describe(chosen[setting])}: F {f_pair:.1%} of pairs, {f_typed:.1%} of pairs with labels")
    return chosen


def choose_of_mentions(trials: Trials, keep_thresholds: bool) -> dict[str, Any]:
    """The thresholds of mentions, unless they are given, and of relations, temperatures and biases; tells what they
    score."""
    present = trials.present
    tried = {"now": present}
    if not keep_thresholds:
        docs = trials.predict({name: UNSCALED.get(name, LOWEST) for name in present})
        tried["tuned"] = present | fit_settings(*trials.compare(docs))
    predicted = {title: trials.predict(settings) for title, settings in tried.items()}
    scores = {title: trials.score(docs) for title, docs in predicted.items()}
    means = {title: np.mean([values[f"{kind}_micro_f"] for kind in KINDS]) for title, values in scores.items()}
    best = max(tried, key=lambda title: means[title])  # of two that are equal the first, as they are now
    found = dict(zip(KINDS, trials.compare(predicted[best]), strict=True))
    of_kinds = {kind: found[kind] for kind in trials.kinds}
    default = trials.extractor.default_relation_threshold
    chosen = calibrated(tried[best], of_kinds, default)
    # the thresholds of "tuned" as they are chosen: of calibrated scores
    tell(format_table(tried | ({best: chosen} if best == "tuned" else {}), scores, default))
    if best == "now" and not keep_thresholds:
        tell("No thresholds are better than the present ones.")
    return chosen


def fit_settings(mentions: ScoredItems, relations: ScoredItems) -> dict[str, Any]:
    """Settings of the component, from what it predicts unscaled with the lowest thresholds and what of that is right.

    Settings that nothing depends on are not among them: those of a kind of which nothing is right stay as they are.
    """
    found: dict[str, Any] = {}
    for setting, value in zip(KINDS.values(), choose_thresholds(mentions, relations), strict=True):
        if value is not None:
            found |= {setting: value, **{name: UNSCALED[name] for name in SCALINGS[setting]}}
    return found


def calibrated(settings: Mapping[str, Any], found: Mapping[str, ScoredItems], default: float | None) -> dict[str, Any]:
    """The same settings with temperatures and biases fitted to what was found with them, by kind. Prints the
    calibration error before and after. Thresholds are moved so that the same mentions and relations reach them.

    default: the threshold of relations without one."""
    fitted = dict(settings)
    for kind, items in found.items():
        change, names = fit_scaling(items.scores, items.holds), SCALINGS[threshold := KINDS[kind]]
        fitted |= zip(names, Scaling(*(settings[name] for name in names)).then(change), strict=True)
        moved = by_label(settings[threshold], default if kind == "relations" else None)
        fitted[threshold] = as_setting({label: float(change(np.array([value]))[0]) for label, value in moved.items()})
        before = calibrate(items.scores, items.holds)
        after = calibrate(change(items.scores), items.holds)
        if before and after:
            tell(f"Calibration error of {kind}: {before.error:.1%} before, {after.error:.1%} after")
    return fitted


def format_table(
    tried: Mapping[str, Mapping[str, Any]], scores: Mapping[str, Mapping[str, float]], default: float | None
) -> str:
    """Thresholds and strict micro scores, one row for each of the settings that were tried. default: the threshold of
    relations without one."""
    rows = []
    for title, settings in tried.items():
        row = [title]
        for kind, setting in KINDS.items():
            own = default if kind == "relations" else None
            row.append(describe(settings[setting], own) if setting in settings else "given")
            row += [f"{100 * scores[title][f'{kind}_micro_{what}']:.1f}" for what in "prf"]
        rows.append(row)
    header = ("", "mentions from", "P", "R", "F", "relations from", "P", "R", "F")
    return table(rows, header=header, divider=True, aligns=["l", *"rrrrrrrr"])


def describe(threshold: Threshold, default: float | None = None) -> str:
    values = by_label(threshold, default)
    if not values:
        return "most probable"
    low, high = min(values.values()), max(values.values())
    own = f"{low:.2f}" if low == high else f"{low:.2f}-{high:.2f}"
    return own if OTHERS in values else f"{own}, others most probable"


def save_with_settings(nlp: Language, name: str, settings: Mapping[str, Any], folder: Path) -> None:
    """Copy the folder of a pipeline, with other settings of a component in its config."""
    remove(folder)
    shutil.copytree(nlp.path, folder)
    config = load_config(folder / "config.cfg", interpolate=False)
    config["components"][name].update(settings)
    config.to_disk(folder / "config.cfg")
