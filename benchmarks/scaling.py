"""The growth of time with the length of a text, as an exponent: 1 is linear, 2 is quadratic.

    python benchmarks/scaling.py [--length 1000000]

Texts are made to be hard: each repeats the most expensive input of a step, up to spaCy's limit of a million characters.
The exponent is the slope of the log-log line of CPU times at doubling lengths. Set OMP_NUM_THREADS=1.
"""

import gc
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import spacy
import typer
from spacy.language import Language
from spacy.tokens import Span

from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.knowledge.abbreviations import find_abbreviations
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.report.findings import Graph, Node, compare_graphs
from spacy_keci.reports import Report
from spacy_keci.tokenizer import create_biomedical_tokenizer
from spacy_keci.tokens import get_concepts, get_span_relations, set_span_graph

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


# makes the function to measure, for a text of this many characters
Step = Callable[[], object]


def main(
    length: Annotated[int, typer.Option(help="Characters of the longest text")] = 1_000_000,
    steps: Annotated[int, typer.Option(help="Number of halvings of the length")] = 4,
) -> None:
    """Print the exponent of each step, and its seconds for the longest text."""
    lengths = [length >> step for step in reversed(range(steps))]
    with tempfile.TemporaryDirectory() as folder:
        nlp = make_pipeline(Path(folder))
        prepare: dict[str, Callable[[int], Step]] = {name: partial(on_text, nlp, name) for name in TEXTS}
        prepare |= {
            "gold by occurrence": partial(gold_by_occurrence, Path(folder)),
            "report, mentions with other boundaries": pair_mentions,
            "span._.concepts of all candidates": partial(concepts_of_all, nlp),
            "span._.relations of all mentions": partial(relations_of_all, nlp),
        }
        for name, function in prepare.items():
            seconds = [measure(function(n)) for n in lengths]
            typer.echo(f"{exponent(lengths, seconds):5.2f}  {seconds[-1]:7.2f} s  {name}")


def on_text(nlp: Language, name: str, length: int) -> Step:
    """A linker, or the search for abbreviations, on a text of :data:`TEXTS`, without the time of the tokenizer."""
    function = find_abbreviations if name.startswith("abbreviations") else nlp.get_pipe("concept_linker")
    return partial(function, nlp.make_doc(_repeated(TEXTS[name], length)))


def gold_by_occurrence(folder: Path, length: int) -> Step:
    """Mentions of one word, each given by the number of its occurrence."""
    text = _repeated("aa ", length)
    entities = [{"text": "aa", "label": "x", "occurrence": i + 1} for i in range(length // 3)]
    path = folder / "gold.jsonl"
    path.write_text(json.dumps({"text": text, "entities": entities, "relations": []}) + "\n", encoding="utf8")
    return lambda: list(read_jsonl(path, Report()))


def pair_mentions(length: int) -> Step:
    """Mentions of one type, each predicted with a wrong end."""
    gold = {Node(i, i + 5, "x"): None for i in range(0, length, 8)}
    predicted = {Node(i, i + 6, "x"): 1.0 for i in range(0, length, 8)}
    return lambda: compare_graphs(Graph(gold, {}), Graph(predicted, {}))


def concepts_of_all(nlp: Language, length: int) -> Step:
    doc = nlp.get_pipe("concept_linker")(nlp.make_doc(_repeated("CDK4 ", length)))
    return lambda: [get_concepts(span) for span in list(doc.spans["concepts"])]


def relations_of_all(nlp: Language, length: int) -> Step:
    doc = nlp.make_doc(_repeated("CDK4 ", length))
    mentions = [Span(doc, i, i + 1, label="x") for i in range(len(doc))]
    set_span_graph(doc, "entities", mentions, [[i, i + 1, "binds", 1.0] for i in range(len(doc) - 1)])
    return lambda: [get_span_relations(span) for span in mentions]


def _repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def make_pipeline(folder: Path) -> Language:
    """A linker with a small knowledge base."""
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    nlp.max_length = 10**9
    (folder / "kb.jsonl").write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    compile_knowledge_base(folder / "kb", [SourceFiles("jsonl", [folder / "kb.jsonl"])])
    nlp.add_pipe("concept_linker").initialize(kb=folder / "kb")
    return nlp


def measure(step: Step) -> float:
    """CPU seconds, without Python's garbage collector, which starts at some length and would look like a step."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    step()
    seconds = time.process_time() - start
    gc.enable()
    return seconds


def exponent(lengths: list[int], seconds: list[float]) -> float:
    """The slope of the logarithms."""
    return float(np.polyfit(np.log(lengths), np.log(np.maximum(seconds, 1e-6)), 1)[0])


if __name__ == "__main__":
    typer.run(main)
