"""``spacy keci ...``, mounted on spaCy's own command line through the entry point group ``spacy_cli``.

Every ``spacy`` command imports this module, so nothing heavy may be imported at its top.
"""

import typer
from spacy.cli._util import app

from .annotate import annotate_cli
from .attention import attention_cli
from .convert import convert_cli, split_cli
from .evaluate import evaluate_cli
from .kb import kb_app
from .labels import labels_cli
from .messages import OneLineErrors
from .report import report_cli
from .results import results_cli
from .show import show_cli
from .tune import tune_cli

keci = typer.Typer(
    name="keci",
    cls=OneLineErrors,
    help="Biomedical entities and relations: annotate texts, look at what a pipeline finds, evaluate and tune it, "
    "convert corpora, compile knowledge bases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
keci.command("show")(show_cli)
keci.command("annotate")(annotate_cli)
keci.command("labels")(labels_cli)
keci.command("evaluate")(evaluate_cli)
keci.command("tune")(tune_cli)
keci.command("attention")(attention_cli)
keci.command("report")(report_cli)
keci.command("convert")(convert_cli)
keci.command("split")(split_cli)
keci.command("results")(results_cli)
keci.add_typer(kb_app)
app.add_typer(keci)
