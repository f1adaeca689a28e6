"""Annotate texts with span graphs: the mean of several pipelines.

    python scripts/teach.py corpus/unlabelled.jsonl corpus/student/taught.spacy \
        --teachers training/teacher/0/model-last training/teacher/1/model-last

Each span and each pair gets the label with the highest mean probability; its score is the sum over the labels that the
pipelines chose, at most 1. For pairs, it is a mean over the pipelines that find both mentions. Probabilities are those
of the networks, without the calibration of the pipelines: it fits the probability of one label, and leaves too little
for all. `keci` learns the scores with ``learn_scores``. The pipelines must have the same tokenizer, and relations
without direction.
"""

from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import spacy
import srsly
from spacy.tokens import Doc, Span
from tqdm import tqdm
from wasabi import msg

from spacy_keci.annotator import without_tensors
from spacy_keci.corpora.docbin import save_docs
from spacy_keci.pipeline.keci import Keci
from spacy_keci.span_groups import SPANS_KEY, per_mention, relation_rows_of, set_span_graph

# start and end of a mention; a pair of mentions, the first one first
Offsets = tuple[int, int]
Pair = tuple[Offsets, Offsets]


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("texts", type=Path, help=".jsonl")
    parser.add_argument("output", type=Path, help="file to write, .spacy")
    parser.add_argument("--teachers", nargs="+", required=True, help="trained pipelines with the component keci")
    parser.add_argument("--minimum", type=float, default=0.1, help="minimum probability to save (0.1)")
    args = parser.parse_args()
    settings: dict[str, float] = {}
    for kind in ("", "relation_"):
        settings |= {f"{kind}threshold": args.minimum, f"{kind}temperature": 1.0, f"{kind}bias": 0.0}
    settings = {f"components.keci.{name}": value for name, value in settings.items()}
    rows = list(srsly.read_jsonl(args.texts))
    found: list[list[Doc]] = []
    for path in args.teachers:
        nlp = spacy.load(path, config=settings)
        keci = cast(Keci, nlp.get_pipe("keci"))
        if directed := sorted({*keci.relation_labels} - {*keci.symmetric}):
            raise SystemExit(
                f"{path} has relations with a direction, of which there is no mean: {', '.join(directed)}."
            )
        docs = nlp.pipe(tqdm((row["text"] for row in rows), total=len(rows), desc=path))
        found.append([without_tensors(doc) for doc in docs])
    taught = [mean(docs, args.minimum) for docs in zip(*found, strict=True)]
    args.output.parent.mkdir(parents=True, exist_ok=True)
    save_docs(taught, args.output)
    mentions = [score for doc in taught for score in per_mention(doc.spans[SPANS_KEY], "scores", 1.0)]
    relations = [row[-1] for doc in taught for row in relation_rows_of(doc.spans[SPANS_KEY])]
    for kind, scores in (("mentions", mentions), ("relations", relations)):
        msg.good(f"{len(scores):,} {kind}, {sum(score >= 0.5 for score in scores):,} of them probable")


def mean(docs: Sequence[Doc], minimum: float) -> Doc:
    """A document with the mean of the span graphs of several pipelines for one text."""
    spans: defaultdict[Offsets, Counter[str]] = defaultdict(Counter)
    pairs: defaultdict[Pair, Counter[tuple[Offsets, Offsets, str]]] = defaultdict(Counter)
    found: list[set[Offsets]] = []
    for doc in docs:
        if [token.text for token in doc] != [token.text for token in docs[0]]:
            raise SystemExit(f"The pipelines have different tokens for {doc.text[:40]!r}.")
        group = doc.spans[SPANS_KEY]
        offsets = [(span.start, span.end) for span in group]
        found.append(set(offsets))
        for span, score in zip(group, per_mention(group, "scores", 1.0), strict=True):
            spans[span.start, span.end][span.label_] += score / len(docs)
        for head, tail, label, score in relation_rows_of(group):
            ends = offsets[head], offsets[tail]
            pairs[min(ends), max(ends)][(*ends, label)] += score
    kept = {each: labels for each, labels in sorted(spans.items()) if labels.total() >= minimum}
    place = {each: i for i, each in enumerate(kept)}
    rows = []
    for pair, labels in sorted(pairs.items()):
        score = labels.total() / sum(mentions.issuperset(pair) for mentions in found)
        if score >= minimum and place.keys() >= set(pair):
            head, tail, label = labels.most_common(1)[0][0]
            rows.append([place[head], place[tail], label, min(score, 1.0)])
    words = Doc(docs[0].vocab, [token.text for token in docs[0]], [bool(token.whitespace_) for token in docs[0]])
    chosen = [Span(words, *each, label=labels.most_common(1)[0][0]) for each, labels in kept.items()]
    scores = [min(labels.total(), 1.0) for labels in kept.values()]
    set_span_graph(words, SPANS_KEY, chosen, rows, scores=scores)
    return words


if __name__ == "__main__":
    main()
