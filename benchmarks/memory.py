"""Peak memory for one long text without sentence ends, by component.

    python benchmarks/memory.py training/demo/model-last [--length 1000000]

Each line is the peak memory of the process (MB) after a component; the last line is the number of tokens.
"""

import resource
import sys
from typing import Annotated

import spacy
import typer

UNIT = "CDK4 protein binds FKBP12 , and imatinib inhibits ABL1 kinase in the tumor , "
PER_MB = 2**20 if sys.platform == "darwin" else 2**10


def main(
    model: Annotated[str, typer.Argument(help="A trained pipeline")],
    length: Annotated[int, typer.Option(help="Characters of the text")] = 1_000_000,
    unit: Annotated[str, typer.Option(help="Repeated part of the text")] = UNIT,
) -> None:
    """Print the peak memory after each component."""
    nlp = spacy.load(model)
    nlp("CDK4 binds FKBP12.")
    typer.echo(f"{_peak():6.0f}  pipeline, loaded")
    doc = nlp.make_doc((unit * (length // len(unit) + 1))[:length])
    for name, pipe in nlp.pipeline:
        doc = pipe(doc)
        typer.echo(f"{_peak():6.0f}  {name}")
    typer.echo(f"{len(doc)} tokens")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PER_MB


if __name__ == "__main__":
    typer.run(main)
