"""``spacy keci report``: scores, errors and what the knowledge did, as a page for the browser."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import setup_gpu

from ..pipeline.concept_linker import ConceptLinker
from ..report.cases import make_cases
from ..report.page import make_page
from ..scoring.strict import StrictScorer
from ..tokens import CONCEPTS_KEY
from .benchmarks import Benchmark, choose_scorer, own_scorer
from .evaluate import score
from .load import load_pipeline, prepare_output, read_gold
from .messages import good
from .prediction import predict
from .provenance import describe_corpus, describe_pipeline
from .result_tables import TITLES


def report_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    corpus: Annotated[Path, typer.Argument(help="Gold documents: .spacy, .jsonl, or a folder of such", exists=True)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Page to write (.html)")] = Path("report.html"),
    documents: Annotated[
        int, typer.Option(min=0, help="Documents with errors, and with changes, that are drawn")
    ] = 100,
    benchmark: Annotated[Benchmark, typer.Option(help="Scores to compute")] = Benchmark.auto,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Bootstrap samples for the 95% intervals; 0: no intervals")
    ] = 1000,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Texts in a batch (default: the pipeline's own)")
    ] = None,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")] = -1,
) -> None:
    """Predict on the texts of a corpus, and write a page to look at: scores with intervals, confusion between labels,
    calibration, attention to concepts, what the knowledge changed, and the worst errors, drawn. It opens from disk.

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
    linker = next((pipe for _, pipe in reversed(nlp.pipeline) if isinstance(pipe, ConceptLinker)), None)
    cases = make_cases(
        golds,
        docs,
        nlp.make_doc,
        spans_key=scorer.spans_key,
        symmetric=scorer.symmetric,
        concepts_key=linker.spans_key if linker else CONCEPTS_KEY,
    )
    kb = getattr(linker.source, "kb", None) if linker else None
    page = make_page(result, TITLES, cases, symmetric=scorer.symmetric, kb=kb, shown=documents)
    output.write_text(page, encoding="utf8")
    good(f"Report on {len(golds)} documents written to {output}")
