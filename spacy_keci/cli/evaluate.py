"""``spacy keci evaluate``: scores of a pipeline on a corpus, as tables and as one result file."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.docbin import load_docs
from ..corpora.formats import get_format, write_docs
from ..pipeline.concept_linker import ConceptLinker
from ..pipeline.extractor import Extractor
from ..reports import Report
from ..scoring.attention import attention_by_type
from ..scoring.bootstrap import confidence_intervals, paired_p_values
from ..scoring.counts import CountTable, Statistic, as_examples
from ..scoring.linking import linking_counts
from .benchmarks import BENCHMARKS, Benchmark, Scorer, choose_scorer, own_scorer
from .load import find_extractor, knowledge_of, last_linker, load_pipeline, prepare_output, read_gold
from .messages import warn
from .options import BatchSize, Bootstrap, Gold, Gpu, Model
from .prediction import Origin, predict
from .provenance import describe_corpus, describe_pipeline, describe_training, software_versions
from .result_tables import print_result

LEVEL = 0.95
PER_TYPE = "_per_type"


def evaluate_cli(
    context: typer.Context,
    model: Model,
    corpus: Gold,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Result file to write (.json)")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Predictions to write: .spacy, .jsonl, or .json for BioRelEx")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Another system's predictions (.spacy) on the same corpus", exists=True)
    ] = None,
    benchmark: Annotated[Benchmark, typer.Option(help="Scores to compute")] = Benchmark.auto,
    mentions: Annotated[
        Origin, typer.Option(help="Mentions that the last extractor relates: predicted, or gold with their identifiers")
    ] = Origin.predicted,
    identifiers: Annotated[
        Origin | None,
        typer.Option(help="Identifiers of these: predicted, or gold where the mention is one (default: as mentions)"),
    ] = None,
    bootstrap: Bootstrap = 1000,
    name: Annotated[
        str | None, typer.Option(help="Name of this run (default: that of the result file, else of the pipeline)")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Name shared by runs that differ in seed or fold (default: the name, without '-SEED')"),
    ] = None,
    batch_size: BatchSize = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch (default: torch's own)")] = None,
    gpu_id: Gpu = -1,
) -> None:
    """Predict on the texts of a corpus and score mentions and relations, with bootstrap confidence intervals.

    With a concept linker, also count how often gold concepts are found, and average the attention to concepts of each
    semantic type.

    Further options change settings of the pipeline, as in spacy train.

    \b
    spacy keci evaluate training/demo/model-last assets/demo/heldout.jsonl --output results/demo.json
    spacy keci evaluate en_keci_biorelex dev.spacy --predictions mine.spacy
    spacy keci evaluate en_keci_biorelex dev.spacy --compare mine.spacy
    spacy keci evaluate en_keci_biorelex dev.spacy --components.keci.type_prior 0
    spacy keci evaluate en_concept_relations_biored test.spacy --mentions gold
    spacy keci evaluate training/biored/linker test.spacy --benchmark linking --mentions gold
    spacy keci evaluate training/biored/abstracts test.spacy --identifiers gold
    """
    import torch  # spaCy imports this module for every command

    if benchmark == Benchmark.linking and identifiers == Origin.gold:
        raise ValueError("Linking is scored on identifiers that the pipeline predicts: leave out --identifiers gold.")
    setup_gpu(gpu_id, silent=True)
    if threads is not None:
        torch.set_num_threads(threads)
    nlp = load_pipeline(model, context.args)
    own = own_scorer(nlp)
    # what is wrong with these is known now, and not when all texts have been predicted
    for path, other in ((output, None), (predictions, output)):
        prepare_output(path, corpus, compare, other)
    golds = read_gold(corpus, nlp, own.spans_key)
    others = [] if compare is None else read_predictions(compare, nlp, golds, own.spans_key)
    compared = None if compare is None else {"with": "/".join(compare.parts[-2:]), **describe_corpus(compare)}
    format = predictions and predictions_format(predictions)
    scorer = choose_scorer(nlp, golds, benchmark)
    given: Extractor | ConceptLinker | None = None
    identifiers = Origin.predicted if benchmark == Benchmark.linking else identifiers or mentions
    if Origin.gold in (mentions, identifiers):
        given = last_linker(nlp) if benchmark == Benchmark.linking else find_extractor(nlp)[1]
    docs, seconds = predict(nlp, golds, batch_size, given, mentions=mentions, identifiers=identifiers)
    pipeline = describe_pipeline(nlp)
    name = name or (pipeline["name"] if output is None else output.stem)
    scored = score(scorer, golds, docs, bootstrap)
    if compared is not None:
        scored["compared"] = {**compared, "p": compare_with(others, scorer, golds, docs)}
    result = {
        "name": name,
        "group": group or name.removesuffix(f"-{pipeline['seed']}"),
        **scored,
        "mentions": mentions.value,
        "identifiers": identifiers.value,
        **score_concepts(nlp, golds, docs, scorer.spans_key),
        "corpus": {**describe_corpus(corpus), "documents": len(golds)},
        "model": pipeline,
        "training": describe_training(nlp),
        "versions": software_versions(),
        "speed": {
            "seconds": round(seconds, 3),
            "documents_per_second": round(len(docs) / seconds, 1),
            "device": "cpu" if gpu_id < 0 else torch.cuda.get_device_name(gpu_id),
            "threads": torch.get_num_threads(),
        },
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    if output is not None:
        output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    if predictions and format:
        report = Report()
        write_docs(docs, predictions, format, scorer.spans_key, report)
        if report.counts:
            warn(f"{predictions.name} cannot hold everything that was predicted: " + "; ".join(report.summary()))
    print_result(result)


def score(scorer: Scorer, golds: Sequence[Doc], docs: Sequence[Doc], bootstrap: int = 0) -> dict[str, Any]:
    """Scores, their intervals, scores of each type and counts, as they stand in a result file."""
    examples = as_examples(docs, golds)
    values = scorer(examples)
    intervals = {}
    if bootstrap:
        tables = scorer.tables(examples)
        intervals = confidence_intervals(tables, statistics_of(scorer, tables), samples=bootstrap, level=LEVEL)
    return {
        "benchmark": BENCHMARKS[type(scorer)].value,
        "scores": {key: value for key, value in values.items() if key[-2:] in ("_p", "_r", "_f")},
        "intervals": intervals,
        "bootstrap": {"samples": bootstrap, "level": LEVEL},
        "per_type": {key.removesuffix(PER_TYPE): rows for key, rows in values.items() if key.endswith(PER_TYPE)},
        "counts": {key: value for key, value in values.items() if isinstance(value, int)},
    }


def statistics_of(scorer: Scorer, tables: Mapping[str, CountTable]) -> dict[str, tuple[str, Statistic]]:
    """The statistics for which there are counts: novelty has some where gold says what is novel."""
    return {name: each for name, each in scorer.statistics.items() if each[0] in tables}


def score_concepts(nlp: Language, golds: Sequence[Doc], docs: Sequence[Doc], spans_key: str) -> dict[str, Any]:
    """How concepts are chosen and used, if the pipeline has a concept linker.

    ``linking``: counts of gold concepts that were found, of which no training knows (:func:`linking_counts`); None
    where no gold mention has a concept. ``attention``: the mean attention to the concepts of each semantic type, lowest
    first; None where no component pays any.
    """
    linker = last_linker(nlp)
    kb = knowledge_of(linker)
    if linker is None or kb is None:
        return {"linking": None, "attention": None}
    types = attention_by_type(docs, linker.spans_key)
    return {
        "linking": dict(linking_counts(as_examples(docs, golds), kb, spans_key, linker.spans_key)) or None,
        "attention": [{**each._asdict(), "name": kb.type_names.get(each.type, "")} for each in types] or None,
    }


def predictions_format(path: Path) -> str:
    """The format to write predictions in: BioRelEx JSON, for its own program (.json), else what the name says. Raises
    ValueError if that is unclear."""
    try:
        return get_format(path, "biorelex" if path.suffix.lower() == ".json" else None, to_write=True)
    except ValueError:
        raise ValueError(
            f"Cannot tell the format of {path}: its name must end in .spacy, .jsonl, or .json for BioRelEx."
        ) from None


def read_predictions(path: Path, nlp: Language, golds: Sequence[Doc], spans_key: str) -> list[Doc]:
    """What an earlier evaluation predicted. Raises ValueError if that is of other documents, or nothing was
    predicted."""
    others = list(load_docs(path, nlp.vocab))
    if len(others) != len(golds):
        raise ValueError(f"{path.name} holds {len(others)} documents, the corpus {len(golds)}.")
    for number, (other, gold) in enumerate(zip(others, golds, strict=True), start=1):
        if other.text != gold.text:
            raise ValueError(
                f"Document {number} of {path.name} has another text than the corpus: {other.text[:40]!r} instead of "
                f"{gold.text[:40]!r}."
            )
        if spans_key not in other.spans:
            raise ValueError(
                f"Document {number} of {path.name} has no predictions: there is no doc.spans[{spans_key!r}], only "
                f"{list(other.spans) or 'no spans at all'}."
            )
    return others


def compare_with(others: Sequence[Doc], scorer: Scorer, golds: Sequence[Doc], docs: Sequence[Doc]) -> dict[str, float]:
    """p values of the difference in F between two predictions."""
    ours, theirs = (scorer.tables(as_examples(system, golds)) for system in (docs, others))
    return paired_p_values(ours, theirs, statistics_of(scorer, ours))
