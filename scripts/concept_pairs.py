"""Pairs of concepts of BioRED and BC5CDR: labels for 'spacy keci relate-pairs', and baselines without a text.

    python scripts/concept_pairs.py make corpus/pairs assets/biored assets/cdr
    python scripts/concept_pairs.py score corpus/pairs/by-pair
    python scripts/concept_pairs.py score corpus/pairs/by-pair --model training/pairs/pretrained --output result.json

"make" writes the abstracts as texts.jsonl, for pre-training, and the pairs of chemicals, diseases and genes mentioned
together in a sentence, 70% for training, 10% for validation, 20% for testing: by-pair at random, and by-entity, so that
every test pair has a concept that is in no other part. A pair is related if any abstract relates it, with any label.
"score" scores baselines: all pairs, and logistic regressions on types and number of sentences, without and with the two
identifiers; and, with --model, a pre-trained representation, from which 'relate-pairs' learns.
"""

import csv
import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from spacy_keci.cli.relate_pairs import relate_pairs_cli
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.documents import to_doc
from spacy_keci.corpora.formats import read_any, write_any
from spacy_keci.identifiers import linked
from spacy_keci.reports import Report
from spacy_keci.scoring.pairs import best_threshold
from spacy_keci.sentences import sentences
from spacy_keci.tokenizer import biomedical_tokenizer

TYPES = {
    "GeneOrGeneProduct": "Gene",
    "DiseaseOrPhenotypicFeature": "Disease",
    "ChemicalEntity": "Chemical",
    "Gene": "Gene",
    "Disease": "Disease",
    "Chemical": "Chemical",
}


# a title, and precision, recall, F1 and average precision
Scored = tuple[str, tuple[float, float, float, float]]


class Row(NamedTuple):
    """A line of a part: identifiers, label, types, and number of sentences with both."""

    first: str
    second: str
    label: str
    types: str
    sentences: int


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    make_parser = commands.add_parser("make")
    make_parser.add_argument("folder", type=Path)
    make_parser.add_argument("corpora", type=Path, nargs="+", help="folders of PubTator files")
    score_parser = commands.add_parser("score")
    score_parser.add_argument("folder", type=Path, help="of train.tsv, validation.tsv and test.tsv")
    score_parser.add_argument("--model", type=Path, help="folder of 'spacy keci pretrain-relations'")
    score_parser.add_argument("--seed", type=int, default=0)
    score_parser.add_argument("--output", type=Path, help="result file to write, .json")
    args = parser.parse_args()
    if args.command == "make":
        make(args.folder, args.corpora)
        return
    rows = baselines(args.folder)
    if args.model is not None:
        table = args.model.with_name(f"{args.folder.name}.tsv")
        train, validation, test = (args.folder / f"{name}.tsv" for name in ("train", "validation", "test"))
        relate_pairs_cli(args.model, test, table, train, validation, table.with_suffix(""), seed=args.seed)
        rows.append(score(args.folder, table))
    lines = ["| | precision | recall | F1 | average precision |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [f"| {title} | {' | '.join(f'{100 * value:.1f}' for value in values)} |" for title, values in rows]
    print("\n".join(lines))
    if args.output is not None:
        name = args.output.stem
        result = {"name": name, "group": name, "scores": dict(rows), "markdown": "\n".join(lines)}
        args.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")


def make(folder: Path, corpora: Iterable[Path]) -> None:
    report = Report()
    files = [file for corpus in corpora for file in sorted(corpus.glob("*PubTator*"))]
    texts = {text.id: text for file in files for text in read_any(file, "pubtator", report)}  # each abstract once
    folder.mkdir(parents=True, exist_ok=True)
    write_any(texts.values(), folder / "texts.jsonl", None, report)
    rows = pairs_of(texts.values())
    related = sum(row.label != "none" for row in rows)
    print(f"{len(texts)} abstracts, {len(rows)} pairs in one sentence, {related} of them related")
    random = np.random.default_rng(0)
    order = [rows[i] for i in random.permutation(len(rows))]
    cuts = int(0.7 * len(order)), int(0.8 * len(order))
    write(folder / "by-pair", order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :])
    entities = sorted({end for row in rows for end in row[:2]})
    held = set(random.permutation(entities)[: len(entities) // 10].tolist())
    rest = [row for row in order if not held & set(row[:2])]
    cut = len(rest) // 8
    write(folder / "by-entity", rest[cut:], rest[:cut], [row for row in order if held & set(row[:2])])


def pairs_of(texts: Iterable[AnnotatedText]) -> list[Row]:
    tokenizer, report = biomedical_tokenizer(), Report()
    related: set[frozenset[str]] = set()
    types: dict[str, str] = {}
    counts: Counter[frozenset[str]] = Counter()
    for text in texts:
        ids = [linked(m.kb_id) for m in text.mentions]
        related |= {frozenset((ids[row.head], ids[row.tail])) for row in text.relations}
        for row in text.interactions or ():
            ends = [text.mentions[text.clusters[i][0]] for i in row[:2]]  # type: ignore[index]
            related.add(frozenset(linked(m.kb_id) for m in ends))
        for sentence in sentences(doc := to_doc(text, tokenizer, report)):
            inside = [m for m in doc.spans["entities"] if sentence.start <= m.start and m.end <= sentence.end]
            found = {linked(m.kb_id_): TYPES[m.label_] for m in inside if m.label_ in TYPES and linked(m.kb_id_)}
            types |= found
            counts.update(map(frozenset, combinations(sorted(found), 2)))
    rows = []
    for pair, n in sorted(counts.items(), key=lambda item: sorted(item[0])):
        first, second = sorted(pair, key=lambda id: (types[id], id))
        rows.append(Row(first, second, "related" if pair in related else "none", f"{types[first]}-{types[second]}", n))
    return rows


def write(folder: Path, *parts: list[Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(("train", "validation", "test"), parts, strict=True):
        lines = ("\t".join(map(str, row)) + "\n" for row in rows)
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf8")


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf8", newline="") as file:
        return [
            Row(a, b, label, types, int(n))
            for a, b, label, types, n in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def baselines(folder: Path) -> list[Scored]:
    train, validation, test = (read(folder / f"{name}.tsv") for name in ("train", "validation", "test"))
    rows = [scored("all pairs", test, np.ones(len(test)), 0.5)]
    for title, with_ids in (("types, number of sentences", False), ("types, number of sentences, identifiers", True)):
        vectors = DictVectorizer()
        model = LogisticRegression(max_iter=2000, C=3.0)
        model.fit(vectors.fit_transform([features(row, with_ids) for row in train]), labels(train))
        chosen, scores = (
            model.predict_proba(vectors.transform([features(row, with_ids) for row in part]))[:, 1]
            for part in (validation, test)
        )
        rows.append(scored(title, test, scores, best_threshold(labels(validation), chosen)))
    return rows


def features(row: Row, with_ids: bool) -> dict[str, float]:
    found = {row.types: 1.0, "log sentences": float(np.log(row.sentences)), f"{min(row.sentences, 5)} sentences": 1.0}
    return found | ({row.first: 1.0, row.second: 1.0} if with_ids else {})


def labels(rows: list[Row]) -> np.ndarray:
    return np.array([row.label != "none" for row in rows])


def score(folder: Path, table: Path) -> Scored:
    test = read(folder / "test.tsv")
    with table.open(encoding="utf8") as file:
        found = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [(row["first"], row["second"]) for row in found] == [row[:2] for row in test], "other pairs"
    scores = np.array([float(row["probability"]) for row in found])
    is_related = np.array([row["label"] != "none" for row in found])
    return scored("`relate-pairs`", test, scores, min(scores[is_related], default=1.1))


def scored(title: str, test: list[Row], scores: np.ndarray, threshold: float) -> Scored:
    p, r, f, _ = precision_recall_fscore_support(labels(test), scores >= threshold, average="binary", zero_division=0.0)
    return title, (float(p), float(r), float(f), float(average_precision_score(labels(test), scores)))


if __name__ == "__main__":
    main()
