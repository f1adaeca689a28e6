"""Which scorer goes with a benchmark and a pipeline."""

from collections.abc import Sequence
from enum import Enum

from spacy.language import Language
from spacy.tokens import Doc

from ..identifiers import named_concepts
from ..scoring.biorelex import BioRelExScorer, is_annotated_by_names
from ..scoring.concepts import ConceptScorer
from ..scoring.linking import LinkingScorer
from ..scoring.strict import StrictScorer
from .load import last_linker


class Benchmark(str, Enum):
    """Which scores to compute; auto: those of concepts where the last extractor is scored so, and BioRelEx's where the
    gold has clusters of mentions without concept identifiers."""

    auto = "auto"
    strict = "strict"
    biorelex = "biorelex"
    concepts = "concepts"
    linking = "linking"


Scorer = StrictScorer | ConceptScorer | LinkingScorer
BENCHMARKS: dict[type, Benchmark] = {
    StrictScorer: Benchmark.strict,
    BioRelExScorer: Benchmark.biorelex,
    ConceptScorer: Benchmark.concepts,
    LinkingScorer: Benchmark.linking,
}


def own_scorer(nlp: Language) -> StrictScorer:
    """The scorer, with its settings, of the first component that has one of this package's; else the default. Where
    only relations between concepts are scored, it is a strict one of the same mentions."""
    for _, pipe in nlp.pipeline:
        if isinstance(scorer := getattr(pipe, "scorer", None), Scorer):
            strict = scorer if isinstance(scorer, StrictScorer) else StrictScorer()
            return strict.configured(getattr(pipe, "spans_key", None), getattr(pipe, "symmetric", None))
    return StrictScorer()


def choose_scorer(nlp: Language, golds: Sequence[Doc], benchmark: Benchmark) -> Scorer:
    """The scorer of the benchmark, with the settings of the pipeline's own.

    Raises ValueError if linking is to be scored, and the gold has no identifiers, or the candidates do not come from a
    knowledge base.
    """
    own = own_scorer(nlp)
    if benchmark == Benchmark.linking:
        linker = last_linker(nlp)
        if linker is None:
            raise ValueError(f"The pipeline has no concept linker, only {', '.join(nlp.pipe_names) or 'none at all'}.")
        if not any(named_concepts(mention.kb_id_) for gold in golds for mention in gold.spans[own.spans_key]):
            raise ValueError("No gold mention has an identifier: there is no linking to score.")
        return LinkingScorer(linker.kb, own.spans_key, linker.spans_key)
    if benchmark == Benchmark.auto:
        benchmark = _usual_benchmark(nlp, golds, own.spans_key)
    if benchmark == Benchmark.concepts:
        return ConceptScorer(own.spans_key)
    return (BioRelExScorer if benchmark == Benchmark.biorelex else StrictScorer)(own.spans_key, own.symmetric)


def _usual_benchmark(nlp: Language, golds: Sequence[Doc], spans_key: str) -> Benchmark:
    """By the last component that has a scorer of this package's, and the gold."""
    scorers = [getattr(pipe, "scorer", None) for _, pipe in nlp.pipeline]
    if isinstance(next((each for each in reversed(scorers) if isinstance(each, Scorer)), None), ConceptScorer):
        return Benchmark.concepts
    return Benchmark.biorelex if is_annotated_by_names(golds, spans_key) else Benchmark.strict
