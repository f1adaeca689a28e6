"""How time grows with the length of a text: the exponent, 1 where it is linear and 2 where it is quadratic.

    python benchmarks/scaling.py [--length 1000000]

Texts are made to be hard: each repeats what a step has most work with, up to spaCy's limit of a million characters. The
exponent is the slope of a line through processor times at lengths that double. Set OMP_NUM_THREADS=1.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc

from spacy_keci.knowledge.abbreviations import find_abbreviations
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.tokenizer import create_biomedical_tokenizer

CONCEPTS = [
    {"id": "X:1", "name": "CDK4", "aliases": ["CDK"]},
    {"id": "X:2", "name": "FK506 binding protein", "aliases": ["FKBP"]},
    {"id": "X:3", "name": "hepatitis"},
]
TEXTS = {
    "abbreviations, many": "xa (AB) ",
    "abbreviations, nested brackets": "((((a (AB ",
    "linker, defined abbreviations": "FK506 binding protein (FKBP) ",
    "linker, words after names": "CDK4 protein ",
    "linker, words before names": "severe acute hepatitis ",
    "linker, one sentence of one word": "CDK4 ",
    "linker, one long token": "hA",
    "linker, open brackets": "CDK4 ([{",
}


def main(
    length: Annotated[int, typer.Option(help="Characters of the longest text")] = 1_000_000,
    steps: Annotated[int, typer.Option(help="How often the length is halved")] = 4,
) -> None:
    """Print seconds at the longest text, and the exponent, for each kind of text."""
    with tempfile.TemporaryDirectory() as folder:
        nlp = make_pipeline(Path(folder))
        for name, unit in TEXTS.items():
            function = find_abbreviations if name.startswith("abbreviations") else nlp.get_pipe("concept_linker")
            lengths, seconds = measure(nlp, function, unit, length, steps)
            typer.echo(f"{exponent(lengths, seconds):5.2f}  {seconds[-1]:7.2f} s  {name}")


def make_pipeline(folder: Path) -> Language:
    """A linker with a small knowledge base."""
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    nlp.max_length = 10**9
    (folder / "kb.jsonl").write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    compile_knowledge_base(folder / "kb", [SourceFiles("jsonl", [folder / "kb.jsonl"])])
    nlp.add_pipe("concept_linker").initialize(kb=folder / "kb")
    return nlp


def measure(
    nlp: Language, function: Callable[[Doc], object], unit: str, length: int, steps: int
) -> tuple[list[int], list[float]]:
    """Processor seconds of the function on texts of growing length, without the time of the tokenizer."""
    lengths = [length >> step for step in reversed(range(steps))]
    seconds = []
    for n in lengths:
        doc = nlp.make_doc((unit * (n // len(unit) + 1))[:n])
        start = time.process_time()
        function(doc)
        seconds.append(time.process_time() - start)
    return lengths, seconds


def exponent(lengths: list[int], seconds: list[float]) -> float:
    """The slope of the logarithms."""
    return float(np.polyfit(np.log(lengths), np.log(np.maximum(seconds, 1e-6)), 1)[0])


if __name__ == "__main__":
    typer.run(main)
