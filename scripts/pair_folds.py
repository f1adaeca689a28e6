"""Train and score systems on the ten folds of a corpus of masked pairs, GAD or EU-ADR; writes a result file for each.

    python scripts/pair_folds.py assets/gad all-positive tfidf --output results
    python scripts/pair_folds.py assets/gad latent-pretrained --pretrained training/gad/pretrained --output results

Nothing is chosen by scores, so nothing is held out: the last step counts, and the threshold is 0.5. With ``--fraction
0.1``, only a tenth of each training fold is used. Folds that are in a result file are not run again.
Systems: "latent-scratch" is configs/latent_relations.cfg, "latent-pretrained" the same from a pre-trained
representation, and "transformer" configs/concept_relations.cfg at the level of mentions, all with the changes of
``--settings``; "tfidf" is a linear support vector machine on words and pairs of words; "all-positive" predicts that
every pair is related. The last two of the networks are compared with "latent-scratch", if it has a result.
"""

import json
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
import spacy
import torch
from scipy.stats import t, ttest_rel
from score_pairs import MEASURES, measures, print_table, score_pairs
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC
from spacy.cli._util import parse_config_overrides
from spacy.cli.train import train
from spacy.tokens import Doc
from thinc.api import Config

from spacy_keci.cli.provenance import software_versions
from spacy_keci.corpora.docbin import save_docs
from spacy_keci.corpora.documents import to_docs
from spacy_keci.corpora.masked import read_masked
from spacy_keci.reports import Report
from spacy_keci.tokenizer import biomedical_tokenizer

ROOT = Path(__file__).parent.parent
FOLDS = range(1, 11)
# the settings of concept_relations for pairs of mentions in a sentence, in batches of sentences
AT_MENTIONS = {
    "components.concept_relations.level": "mention",
    "components.concept_relations.symmetric": [],
    "components.concept_relations.relation_threshold": 0.5,
    "components.concept_relations.scorer.@scorers": "spacy_keci.strict_scorer.v1",
    "training.score_weights": {"relations_micro_f": 1.0},
    # mentions are masked in the files
    "components.transformer.model.get_spans": {
        "@span_getters": "spacy-transformers.strided_spans.v1",
        "window": 384,
        "stride": 320,
    },
    "training.batcher.size": 16,
}
SYSTEMS = ("all-positive", "tfidf", "latent-scratch", "latent-pretrained", "transformer")
# training and test texts: the scores of the pairs of the latter
System = Callable[[list[Doc], list[Doc]], np.ndarray]


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="of the folds, 1 to 10, each with train.tsv and test.tsv")
    parser.add_argument("systems", nargs="+", choices=SYSTEMS, metavar="SYSTEM", help=", ".join(SYSTEMS))
    parser.add_argument("--pretrained", type=Path, help="folder of 'spacy keci pretrain-relations'")
    parser.add_argument("--fraction", type=float, default=1.0, help="part of the labels to train on")
    parser.add_argument("--folds", type=int, nargs="+", default=list(FOLDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--settings", default="", help="changes of the config, as in spacy train")
    parser.add_argument("--output", type=Path, help="folder for result files")
    args = parser.parse_args()
    if "latent-pretrained" in args.systems and args.pretrained is None:
        parser.error("latent-pretrained needs --pretrained")
    torch.set_num_threads(1)
    for system in args.systems:
        run(system, args)


def run(name: str, args: Any) -> None:
    """Train and score a system on the folds that its result file lacks."""
    if name == "all-positive":  # learns from no labels
        args = Namespace(**vars(args) | {"fraction": 1.0})
    path = args.output and result_path(name, args)
    before = json.loads(path.read_text(encoding="utf8")) if path and path.exists() else {}
    found: dict[str, dict[str, float]] = before.get("folds", {})
    seconds, start = before.get("cpu_seconds", 0.0), process_time()
    system = make_system(name, args)
    for fold in map(str, args.folds):
        if fold in found:
            continue
        fit, test = read_fold(args.folder / fold, args.fraction, args.seed)
        related = np.array([bool(doc.spans["entities"].attrs["relations"]) for doc in test])
        found[fold] = measures(related, system(fit, test))
        print_table({f"{name}, fold {fold}": found[fold]})
        if path:
            save(found, seconds + process_time() - start, name, args)
    if path:
        save(found, seconds + process_time() - start, name, args)
    print_table({f"{name}, mean": {key: mean(fold[key] for fold in found.values()) for key in MEASURES}})


def make_system(name: str, args: Any) -> System:
    if name == "tfidf":
        return train_tfidf
    if name == "all-positive":
        return lambda fit, test: np.ones(len(test))
    settings = {"system.seed": args.seed, **parse_config_overrides(shlex.split(args.settings), env_var=None)}
    if name == "transformer":
        return partial(train_pipeline, "concept_relations", AT_MENTIONS | settings)
    pretrained = str(args.pretrained.resolve()) if name == "latent-pretrained" else None
    return partial(train_pipeline, "latent_relations", {"paths.pretrained": pretrained} | settings)


def result_path(name: str, args: Any) -> Path:
    """pairs-gad-tfidf.json, or pairs-gad-tfidf-10.json with a tenth of the labels."""
    part = "" if args.fraction == 1.0 else f"-{100 * args.fraction:g}"
    return args.output / f"pairs-{args.folder.name}-{name}{part}.json"


def save(found: dict[str, dict[str, float]], seconds: float, name: str, args: Any) -> None:
    path = result_path(name, args)
    result = summarize(found, name, path.stem, args) | {"cpu_seconds": round(seconds, 1)}
    scratch = result_path("latent-scratch", args)
    if name in ("latent-pretrained", "transformer") and scratch.exists():
        others = json.loads(scratch.read_text(encoding="utf8"))["folds"]
        result["compared"] = {"with": scratch.stem, "p": compare(found, others)}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")


def read_fold(folder: Path, fraction: float, seed: int) -> tuple[list[Doc], list[Doc]]:
    """The training texts and the test fold."""
    report, tokenizer = Report(), biomedical_tokenizer()
    fit, test = (
        list(to_docs(read_masked(folder / f"{name}.tsv", report), tokenizer, report)) for name in ("train", "test")
    )
    assert not report.dropped, report.summary()
    order = np.random.default_rng(seed).permutation(len(fit))[: max(2, round(fraction * len(fit)))]
    return [fit[i] for i in order.tolist()], test


def train_pipeline(config: str, settings: dict[str, Any], fit: list[Doc], test: list[Doc]) -> np.ndarray:
    with TemporaryDirectory() as name:
        folder = Path(name)
        save_docs(fit, folder / "fit.spacy")
        overrides = {
            "paths.train": str(folder / "fit.spacy"),
            "paths.dev": str(folder / "fit.spacy"),
            "corpora.dev.limit": 10,  # required, but selects nothing
            **settings,
        }
        train(ROOT / "configs" / f"{config}.cfg", folder / "model", overrides=overrides)
        return score_pairs(spacy.load(folder / "model" / "model-last"), test)[1]


def train_tfidf(fit: list[Doc], test: list[Doc]) -> np.ndarray:
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", min_df=2, sublinear_tf=True)
    related = [bool(doc.spans["entities"].attrs["relations"]) for doc in fit]
    machine = LinearSVC(C=0.3).fit(words.fit_transform([to_words(doc) for doc in fit]), related)
    margins = machine.decision_function(words.transform([to_words(doc) for doc in test]))
    return np.asarray(1 / (1 + np.exp(-margins)))


def to_words(doc: Doc) -> str:
    return " ".join(token.lower_ for token in doc if not token.is_space)


def summarize(found: dict[str, dict[str, float]], system: str, name: str, args: Any) -> dict[str, Any]:
    """Means over folds with 95% intervals."""
    name += "" if args.fraction == 1.0 else "%-of-labels"
    folds = dict(sorted(found.items(), key=lambda item: int(item[0])))
    columns = {key: [fold[key] for fold in folds.values()] for key in MEASURES}
    n = len(folds)
    reach = {key: t.ppf(0.975, n - 1) * stdev(v) / n**0.5 if n > 1 else 0.0 for key, v in columns.items()}
    digest = sha256(b"".join((args.folder / fold / "test.tsv").read_bytes() for fold in folds)).hexdigest()
    return {
        "name": name,
        "group": f"{name} ({n} folds)",
        "benchmark": "pairs",
        "scores": {f"pairs_{key}": mean(values) for key, values in columns.items()},
        # an interval of a few folds is meaningless
        "intervals": {
            f"pairs_{key}": [mean(v) - reach[key], mean(v) + reach[key]] for key, v in columns.items() if n > 4
        },
        "folds": folds,
        "corpus": {"name": args.folder.name, "sha256": digest, "fraction": args.fraction},
        "model": {
            "seed": args.seed,
            "encoder": encoder_of(args) if system == "transformer" else None,
            "settings": "" if system in ("tfidf", "all-positive") else args.settings,
            "pretrained": system == "latent-pretrained",
        },
        "versions": software_versions(),
    }


def encoder_of(args: Any) -> str:
    changed = parse_config_overrides(shlex.split(args.settings), env_var=None)
    paths = Config().from_disk(ROOT / "configs" / "concept_relations.cfg")["paths"]
    return str(changed.get("paths.encoder", paths["encoder"]))


def compare(ours: dict[str, dict[str, float]], theirs: dict[str, dict[str, float]]) -> dict[str, float]:
    """p of a paired t test over the folds that both have. Only a rough guide, since folds share most of their texts."""
    both = sorted(ours.keys() & theirs.keys())
    if len(both) < 2:
        return {}
    found = {key: ttest_rel([ours[f][key] for f in both], [theirs[f][key] for f in both]).pvalue for key in MEASURES}
    return {key: float(p) for key, p in found.items() if not np.isnan(p)}  # none if all differences are equal


if __name__ == "__main__":
    main()
