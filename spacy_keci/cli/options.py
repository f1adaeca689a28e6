"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")]
Gold = Annotated[Path, typer.Argument(help="Gold documents: .spacy, .jsonl, or a folder of such", exists=True)]
BatchSize = Annotated[int | None, typer.Option(min=1, help="Texts per batch (default: the pipeline's own)")]
Bootstrap = Annotated[int, typer.Option(min=0, help="Bootstrap samples for the 95% intervals; 0: no intervals")]
Gpu = Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")]
