"""Score relations between concepts as BioRED does, of any pipeline, among gold mentions or those that it predicts.

    python scripts/score_concepts.py training/model-best corpus/biored/test.spacy --choose-on corpus/biored/dev.spacy
    python scripts/score_concepts.py en_keci_biored corpus/biored/test.spacy --mentions predicted

With gold mentions, only the last extractor runs, and what it needs besides mentions and concepts: it is given the gold
ones with their identifiers. With ``--choose-on``, the threshold of relations is chosen on that corpus, by the mean of
pair and typed F1, and the pipeline is saved with it where ``--save`` says so. With ``--compare``, the difference to
predictions that ``--predictions`` wrote gets a p value, by a paired bootstrap over documents.
"""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_keci.alignment import align
from spacy_keci.cli.load import find_extractor, load_pipeline, read_gold
from spacy_keci.cli.provenance import describe_corpus, describe_pipeline, describe_training, software_versions
from spacy_keci.cli.tune import save_with_settings
from spacy_keci.corpora.docbin import load_docs, save_docs
from spacy_keci.pipeline.concept_linker import ConceptLinker
from spacy_keci.pipeline.extractor import Extractor
from spacy_keci.scoring.bootstrap import confidence_intervals, paired_p_values
from spacy_keci.scoring.concept_threshold import LOWEST, choose_threshold
from spacy_keci.scoring.concepts import ConceptScorer


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("model", help="trained pipeline: a folder or the name of a package")
    parser.add_argument("corpus", type=Path, help="gold documents with identifiers, .spacy or .jsonl")
    parser.add_argument("--mentions", choices=["gold", "predicted"], default="gold")
    parser.add_argument("--choose-on", type=Path, help="gold documents to choose the threshold of relations on")
    parser.add_argument("--save", type=Path, help="folder for a copy of the pipeline with the chosen threshold")
    parser.add_argument("--predictions", type=Path, help="predictions to write, .spacy")
    parser.add_argument("--compare", type=Path, help="predictions of another system on the same corpus, .spacy")
    parser.add_argument("--output", type=Path, help="result file to write, .json")
    parser.add_argument("--name", help="name of this run")
    parser.add_argument("--group", help="name shared by runs that differ in seed")
    args = parser.parse_args()
    nlp = load_pipeline(args.model)
    name, extractor = find_extractor(nlp)
    given = args.mentions == "gold"
    if args.choose_on is not None:
        dev = read_gold(args.choose_on, nlp, extractor.spans_key)
        extractor.relation_threshold = LOWEST
        threshold, pair, typed = choose_threshold(predict(nlp, extractor, dev, given), dev, extractor.spans_key)
        extractor.relation_threshold = threshold
        print(f"{name}.relation_threshold = {threshold} (pair F1 {pair:.1%}, typed F1 {typed:.1%} there)")
        if args.save is not None:
            save_with_settings(nlp, name, {"relation_threshold": threshold}, args.save)
    golds = read_gold(args.corpus, nlp, extractor.spans_key)
    start = perf_counter()
    docs = predict(nlp, extractor, golds, given)
    seconds = perf_counter() - start
    scorer = ConceptScorer(extractor.spans_key)
    examples = [Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)]
    values, tables = scorer(examples), scorer.tables(examples)
    statistics = {key: value for key, value in scorer.statistics.items() if key in tables}
    intervals = confidence_intervals(tables, statistics, samples=1000, level=0.95)
    for table in tables:
        low, high = intervals[f"{table}_f"]
        p, r, f = (100 * values[f"{table}_{what}"] for what in "prf")
        print(f"{table:18} P {p:5.1f}  R {r:5.1f}  F {f:5.1f}  [{100 * low:.1f}, {100 * high:.1f}]")
    result: dict[str, Any] = {
        "name": args.name or nlp.meta["name"],
        "group": args.group or args.name or nlp.meta["name"],
        "benchmark": "concepts",
        "mentions": args.mentions,
        "threshold": extractor.relation_threshold,
        "scores": {key: value for key, value in values.items() if key[-2:] in ("_p", "_r", "_f")},
        "intervals": intervals,
        "per_type": {"concepts": values["concepts_typed_per_type"]},
        "counts": {key: value for key, value in values.items() if isinstance(value, int)},
        "corpus": {**describe_corpus(args.corpus), "documents": len(golds)},
        "model": describe_pipeline(nlp),
        "training": describe_training(nlp),
        "versions": software_versions(),
        "speed": {"seconds": round(seconds, 3), "documents_per_second": round(len(docs) / seconds, 1)},
    }
    if args.compare is not None:
        others = list(load_docs(args.compare, nlp.vocab))
        theirs = scorer.tables([Example(doc, gold) for doc, gold in zip(others, golds, strict=True)])
        result["compared"] = {"with": args.compare.name, "p": paired_p_values(tables, theirs, statistics)}
        print(f"p of the difference to {args.compare.name}: {result['compared']['p']}")
    if args.predictions is not None:
        save_docs(docs, args.predictions)
    if args.output is not None:
        args.output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf8")


def predict(nlp: Language, extractor: Extractor, golds: Sequence[Doc], given: bool) -> list[Doc]:
    """What the pipeline predicts for the texts of the gold documents, given their mentions or not."""
    docs = [nlp.make_doc(gold.text) for gold in golds]
    finders = []
    if given:
        if extractor.entities_from in (None, "ents"):
            raise ValueError(f"'{extractor.name}' cannot be given mentions with kb_id_: set entities_from to a key.")
        found = [(key, pipe) for key, pipe in nlp.pipeline if isinstance(pipe, Extractor | ConceptLinker)]
        finders = [key for key, pipe in found if pipe is not extractor]
        for doc, gold in zip(docs, golds, strict=True):
            doc.spans[extractor.entities_from] = align(Example(doc, gold), extractor.spans_key).found
    predicted = []
    with nlp.select_pipes(disable=finders):
        for doc, gold in zip(nlp.pipe(docs), golds, strict=True):
            # Only spans are scored: to keep the encoder's output for every document would fill the memory.
            doc.user_data, doc.tensor = dict(gold.user_data), np.zeros((0,), dtype="float32")
            predicted.append(doc)
    return predicted


if __name__ == "__main__":
    main()
