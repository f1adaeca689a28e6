"""``spacy keci ...``, mounted on spaCy's own command line through the entry point group ``spacy_cli``.

Every ``spacy`` command imports this module, so nothing heavy may be imported at its top.
"""

import typer
from spacy.cli._util import app

from .annotate import annotate_cli
from .augment import augment_cli
from .convert import convert_cli
from .evaluate import evaluate_cli
from .kb import kb_app
from .labels import labels_cli
from .messages import OneLineErrors
from .optimize import optimize_cli
from .pretrain_relations import pretrain_relations_cli
from .relate_pairs import relate_pairs_cli
from .report import report_cli
from .show import show_cli
from .split import split_cli
from .tune import tune_cli

# further options change settings of the config
FURTHER = {"allow_extra_args": True, "ignore_unknown_options": True}
keci = typer.Typer(
    name="keci",
    cls=OneLineErrors,
    help="Biomedical entities and relations: annotate texts, look at what a pipeline finds, evaluate and tune it, "
    "convert corpora, compile knowledge bases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
keci.command("show", short_help="Print or draw what a pipeline finds in a few texts.")(show_cli)
keci.command("annotate", short_help="Find mentions and relations in any number of texts.")(annotate_cli)
keci.command("labels", short_help="List the labels and thresholds of a pipeline.")(labels_cli)
keci.command("evaluate", short_help="Score a pipeline on a corpus.", context_settings=FURTHER)(evaluate_cli)
keci.command("tune", short_help="Choose the thresholds that score best.")(tune_cli)
keci.command("optimize", short_help="Make a pipeline faster on a CPU, with ONNX Runtime.")(optimize_cli)
keci.command("report", short_help="Write a page of scores, errors and changes.")(report_cli)
keci.command("convert", short_help="Convert annotated text between formats.")(convert_cli)
keci.command("split", short_help="Hold out a part of a corpus.")(split_cli)
keci.command("augment", short_help="Add copies of a corpus that name other concepts.")(augment_cli)
keci.command(
    "pretrain-relations",
    short_help="Learn representations of relations from unlabelled text.",
    context_settings=FURTHER,
)(pretrain_relations_cli)
keci.command("relate-pairs", short_help="Say how pairs of concepts are related, without a text.")(relate_pairs_cli)
keci.add_typer(kb_app)
app.add_typer(keci)
