"""Compare whole and sentence-wise reading of texts by a pipeline trained on single sentences.

    python benchmarks/sentences.py training/biorelex/best-minilm-1/model-last corpus/biorelex/dev.spacy

Several sentences of a corpus are joined to a text. The pipeline reads each sentence alone; each text as one long
sentence; and each text by sentence, with the boundaries of a biomedical_sentencizer. All have strict scores on the same
gold mentions and relations. Most sentences of a text are from different papers. It also scores the sentences found by
this component and by spaCy's sentencizer; sentence_boundaries.py does this for other corpora.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from sentence_boundaries import SENTENCIZERS, score_sentences
from spacy.language import Language
from spacy.tokens import Doc
from speed import ROOT, as_table, save_result

from spacy_keci.cli.load import find_extractor, read_gold
from spacy_keci.cli.prediction import predict
from spacy_keci.cli.provenance import describe_corpus, describe_pipeline
from spacy_keci.doc_operations import merge_docs
from spacy_keci.scoring.counts import as_examples
from spacy_keci.scoring.strict import StrictScorer
from spacy_keci.sentences import doc_starts

WINDOWS = "spacy_keci.SentenceWindows.v1"
SCORES = {
    "entities_micro_f": "entities (strict, micro)",
    "relations_micro_p": "relations: precision",
    "relations_micro_r": "recall",
    "relations_micro_f": "F (strict, micro)",
}


def main(
    model: Annotated[
        str, typer.Argument(help="Pipeline that was trained on sentences, without a component that sets them")
    ],
    corpus: Annotated[Path, typer.Argument(help="Sentences with gold mentions and relations", exists=True)],
    together: Annotated[int, typer.Option(min=2, help="Sentences in a text")] = 4,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/sentences.json",
) -> None:
    """Score a pipeline on sentences, on texts of several sentences, and on the same texts by sentence."""
    nlp = load_by_sentence(model)
    _, keci = find_extractor(nlp)
    gold = read_gold(corpus, nlp, keci.spans_key)
    texts = [put_together(gold[i : i + together]) for i in range(0, len(gold), together)]
    scorer = StrictScorer(keci.spans_key, frozenset(keci.symmetric))
    scores = {"each sentence alone": score(nlp, gold, scorer)}
    keci.by_sentence = False
    scores[f"{together} together"] = score(nlp, texts, scorer)
    keci.by_sentence = True
    nlp.add_pipe("biomedical_sentencizer", first=True)
    scores[f"{together} together, by sentence"] = score(nlp, texts, scorer)
    facts = {
        "sentences": len(gold),
        "together": together,
        "scores": scores,
        "sentences_found": {name: score_sentences(nlp, texts, name) for name in SENTENCIZERS},
        "corpus": describe_corpus(corpus),
        "model": describe_pipeline(nlp),
    }
    save_result(output, facts, make_markdown)


def load_by_sentence(model: str) -> Language:
    """The pipeline with the sentence settings of our configs, even if it was trained without them."""
    nlp = spacy.load(model)
    name, _ = find_extractor(nlp)
    settings: dict[str, Any] = {f"components.{name}.by_sentence": True}
    if "transformer" in nlp.pipe_names:
        settings["components.transformer.model.get_spans.@span_getters"] = WINDOWS
    return spacy.load(model, config=settings)


def put_together(sentences: Sequence[Doc]) -> Doc:
    """Join sentences to a text with sentence boundaries."""
    text = merge_docs(sentences)
    first_words = [next(token.i for token in sentence if not token.is_space) for sentence in sentences]
    starts = {0, *(doc_starts(sentences) + first_words)[1:].tolist()}
    for token in text:
        token.is_sent_start = token.i in starts
    return text


def score(nlp: Language, golds: Sequence[Doc], scorer: StrictScorer) -> dict[str, float]:
    docs, _ = predict(nlp, golds)
    scores = scorer(as_examples(docs, golds))
    return {name: scores[name] for name in SCORES}


def make_markdown(result: dict[str, Any]) -> str:
    rows = [["sentences are read", *SCORES.values()], ["---", *["---:"] * len(SCORES)]]
    rows += [[title, *(f"{100 * row[name]:.1f}" for name in SCORES)] for title, row in result["scores"].items()]
    others = [["sentences found by", "precision", "recall", "F"], ["---", *["---:"] * 3]]
    for name, row in result["sentences_found"].items():
        others.append([f"`{name}`", *(f"{100 * value:.1f}" for value in row.values())])
    return f"{as_table(rows)}\n\n{as_table(others)}"


if __name__ == "__main__":
    typer.run(main)
