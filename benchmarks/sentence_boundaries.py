"""Score the sentences found by biomedical_sentencizer and by spaCy's sentencizer, and time them. Needs no trained
pipeline.

    python benchmarks/sentence_boundaries.py --sentences biorelex=assets/biorelex/dev.json
    python benchmarks/sentence_boundaries.py --abstracts devel.tsv=CDR_DevelopmentSet.PubTator

Several sentences of a corpus are joined to a text: most of them are from different papers, and titles have no full
stop. Abstracts are unchanged; their gold sentences come from a file of their tokens (a token and a tag per line, an
empty line after a sentence). A section head ("METHODS:") is a separate sentence, even if the gold standard joins it
with the following words. A sentence is found if its beginning and end are correct.
"""

import re
import timeit
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from spacy_keci.corpora.formats import read_any
from spacy_keci.reports import Report
from spacy_keci.sentence_rule import find_sentences
from spacy_keci.tokenizer import create_biomedical_tokenizer

SENTENCIZERS = ("biomedical_sentencizer", "sentencizer")
HEAD = re.compile(r"[A-Z][A-Z ,/&-]+(?:\(S\))?:\s+(?=\S)")

# A text and the start offsets of its sentences.
Split = tuple[str, list[int]]


def main(
    sentences: Annotated[list[str] | None, typer.Option(help="Corpus of sentences: FORMAT=FILE")] = None,
    abstracts: Annotated[
        list[str] | None, typer.Option(help="TOKENS=ABSTRACTS, the latter in PubTator's format")
    ] = None,
    together: Annotated[int, typer.Option(min=2, help="Sentences in a text")] = 4,
) -> None:
    """Print precision, recall and F of the sentences found in each corpus, and the time for texts of growing length."""
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    print("| corpus | sentences | component | precision | recall | F |\n| --- | ---: | --- | ---: | ---: | ---: |")
    for argument in sentences or []:
        name, _, file = argument.partition("=")
        texts = [text.text.strip() for text in read_any(Path(file), name)]
        joined = [join(texts[i : i + together]) for i in range(0, len(texts), together)]
        print_scores(Path(file).name, nlp, joined)
    for argument in abstracts or []:
        tokens, path = map(Path, argument.split("="))
        print_scores(path.name, nlp, list(align(tokens, path)))
    print_times("FK506 binds FKBP12 (Fig. 2). 5-HT does not, e.g. in mice [3]. METHODS: c-Myc was lost\n")


def join(sentences: Sequence[str]) -> Split:
    """Join sentences to a text."""
    text, starts = "", []
    for sentence in sentences:
        text += " " if text else ""
        starts.append(len(text))
        text += sentence
    return text, starts


def align(tokens: Path, abstracts: Path) -> Iterator[Split]:
    """Abstracts with the sentences of their tokens. Abstracts with other tokens are left out."""
    sentences = ["".join(re.findall(r"^\S+", part, re.M)) for part in tokens.read_text("utf8").split("\n\n")]
    first = {sentence: number for number, sentence in reversed(list(enumerate(sentences)))}
    for abstract in read_any(abstracts, "pubtator", Report()):
        text = abstract.text.replace("\n", " ")
        places = [i for i, character in enumerate(text) if not character.isspace()]
        letters = "".join(text.split())
        for number in (number for sentence, number in first.items() if letters.startswith(sentence)):
            starts, end = [], 0
            while end < len(letters) and number < len(sentences) and letters.startswith(sentences[number], end):
                starts.append(places[end])
                end += len(sentences[number])
                number += 1
            if end == len(letters):
                yield text, starts
                break


def print_scores(name: str, nlp: Language, texts: Sequence[Split]) -> None:
    golds = [to_gold(nlp, text, starts) for text, starts in texts]
    for factory in SENTENCIZERS:
        values = " | ".join(f"{100 * value:.1f}" for value in score_sentences(nlp, golds, factory).values())
        print(f"| {name} | {sum(len(list(gold.sents)) for gold in golds)} | `{factory}` | {values} |")


def score_sentences(nlp: Language, golds: Sequence[Doc], factory: str) -> dict[str, float]:
    """Precision, recall and F of the sentences found by a component."""
    component = nlp.create_pipe(factory)
    examples = [Example(component(nlp.make_doc(gold.text)), gold) for gold in golds]
    scores = Scorer.score_spans(examples, "sents")
    return {f"sents_{name}": scores[f"sents_{name}"] for name in "prf"}


def to_gold(nlp: Language, text: str, starts: Sequence[int]) -> Doc:
    gold = nlp.make_doc(text)
    heads = [HEAD.match(text, start) for start in starts]
    begins = {*starts, *(head.end() for head in heads if head and head.end() < len(text))}
    for token in gold:
        token.is_sent_start = token.idx in begins or token.i == 0
    return gold


def print_times(part: str) -> None:
    for times in (1_000, 10_000, 100_000):
        text = part * times
        seconds = min(timeit.repeat(lambda text=text: find_sentences(text), number=1, repeat=3))  # type: ignore[misc]
        print(f"{len(text):,} characters: {seconds:.2f} s, {1e6 * seconds / len(text):.2f} µs per character")


if __name__ == "__main__":
    typer.run(main)
