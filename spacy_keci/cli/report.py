"""``spacy keci report``: scores, errors and what the knowledge did, as a page for the browser."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import setup_gpu

from ..report.cases import make_cases
from ..report.page import make_page
from ..scoring.strict import StrictScorer
from ..tokens import CONCEPTS_KEY
from .benchmarks import Benchmark, choose_scorer, own_scorer
from .evaluate import score
from .load import knowledge_of, last_linker, load_pipeline, prepare_output, read_gold
from .messages import good
from .options import BatchSize, Bootstrap, Gold, Gpu, Model
from .prediction import predict
from .provenance import describe_corpus, describe_pipeline
from .result_tables import TITLES


def report_cli(
    model: Model,
    corpus: Gold,
    output: Annotated[Path, typer.Option("--output", "-o", help="Page to write (.html)")] = Path("report.html"),
    documents: Annotated[
        int, typer.Option(min=0, help="Maximum number of drawn documents with errors, and with changes")
    ] = 100,
    benchmark: Annotated[Benchmark, typer.Option(help="Scores to compute")] = Benchmark.auto,
    bootstrap: Bootstrap = 1000,
    batch_size: BatchSize = None,
    gpu_id: Gpu = -1,
) -> None:
    """Predict on the texts of a corpus and write a page for the browser: scores with intervals, confusion between
    labels, calibration, attention to concepts, what the knowledge changed, and drawings of the worst errors. The page
    needs no network.

    \b
    spacy keci report training/demo/model-last assets/demo/heldout.jsonl -o report.html
    """
    if benchmark in (Benchmark.concepts, Benchmark.linking):
        raise ValueError("A report shows mentions and relations, not concepts: use 'spacy keci evaluate' for these.")
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    own = own_scorer(nlp)
    prepare_output(output, corpus)
    golds = read_gold(corpus, nlp, own.spans_key)
    docs, _ = predict(nlp, golds, batch_size)
    chosen = choose_scorer(nlp, golds, benchmark)
    scorer = chosen if isinstance(chosen, StrictScorer) else own
    pipeline = describe_pipeline(nlp)
    result = {
        **score(scorer, golds, docs, bootstrap),
        "name": pipeline["name"],
        "corpus": {**describe_corpus(corpus), "documents": len(golds)},
        "model": pipeline,
        "date": datetime.now(timezone.utc).date().isoformat(),
    }
    linker = last_linker(nlp)
    cases = make_cases(
        golds,
        docs,
        nlp.make_doc,
        spans_key=scorer.spans_key,
        symmetric=scorer.symmetric,
        concepts_key=linker.spans_key if linker else CONCEPTS_KEY,
    )
    kb = knowledge_of(linker)
    page = make_page(result, TITLES, cases, symmetric=scorer.symmetric, kb=kb, shown=documents)
    output.write_text(page, encoding="utf8")
    good(f"Report on {len(golds)} documents written to {output}")
