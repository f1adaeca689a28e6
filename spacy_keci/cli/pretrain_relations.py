"""``spacy keci pretrain-relations``: what relations look like, learned from unlabelled text with mentions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import srsly
import typer
from pydantic import TypeAdapter, ValidationError
from spacy.cli._util import setup_gpu
from spacy.tokens import Doc
from spacy.util import load_config
from tqdm import tqdm

from ..corpora.documents import to_docs
from ..corpora.formats import FOLDERS, read_any
from ..files import files_in, without_gz
from ..ml.latent.settings import RepresentationSettings, representation_settings
from ..reports import Report as ReadingReport
from ..settings import at_least
from ..tokenizer import biomedical_tokenizer
from .load import parse_settings
from .messages import good, tell, warn
from .options import Gpu

if TYPE_CHECKING:
    from ..ml.latent.pretraining import Report

SUFFIXES = (".spacy", ".jsonl", ".parquet")
CONTEXTS, LOG, PAIRS = "contexts", "log.jsonl", "pairs.tsv"
Settings = TypeVar("Settings")


@dataclass(kw_only=True)
class CorpusSettings:
    """Of the section ``[corpus]``.

    texts: a file or a folder of ``.spacy``, ``.jsonl`` or ``.parquet`` files, with mentions; or of files in the
        ``format`` of that name, such as "conll" or "pubtator".
    limit: texts to read; 0: all.
    min_count, max_words: of the vocabulary. min_entity_count: how often an entity must occur to be known.
    """

    texts: str | None = None
    format: str | None = None
    limit: int = at_least(0, 0)
    min_count: int = at_least(1, 2)
    max_words: int | None = 60_000
    min_entity_count: int = at_least(1, 1)


@dataclass(kw_only=True)
class ModelSettings(RepresentationSettings):
    """Of the section ``[model]``."""

    softmax: Literal["full", "adaptive"] = "full"


def pretrain_relations_cli(
    context: typer.Context,
    config: Annotated[
        Path, typer.Argument(help="Settings, such as configs/pretraining/latent_relations.cfg", exists=True)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for contexts, checkpoint and weights")],
    gpu_id: Gpu = -1,
) -> None:
    """Learn representations of relations from texts in which mentions are marked, and nothing else: gold mentions, or
    those that 'spacy keci annotate' has found.

    The contexts of all pairs of mentions are stored once in OUTPUT/contexts, so that a corpus may have any size. An
    interrupted run that is started again continues from its last checkpoint. Name OUTPUT as 'pretrained' in
    [initialize.components.latent_relations].

    Further options change the settings, as in spacy train.

    \b
    spacy keci pretrain-relations configs/pretraining/latent_relations.cfg -o pretrained --paths.texts corpus/unlabelled
    """
    setup_gpu(gpu_id, silent=True)
    sections = load_config(config, overrides=parse_settings(context.args), interpolate=True)
    pretrain_from(sections, output, "cpu" if gpu_id < 0 else f"cuda:{gpu_id}")


def pretrain_from(sections: dict[str, Any], output: Path, device: str = "cpu") -> None:
    """Run what the sections of a config say. Raises ValueError for unknown settings."""
    import torch

    from ..ml.latent.contexts import N_SPECIAL
    from ..ml.latent.elbo import RelationModel
    from ..ml.latent.pretrained import Pretrained
    from ..ml.latent.pretraining import TrainingSettings, pretrain
    from ..ml.latent.store import ContextSettings, ContextStore

    for name in sorted(sections.keys() - {"paths", "corpus", "contexts", "model", "training"}):
        warn(f"No settings are read from the section [{name}].")
    corpus = read_section(sections, "corpus", CorpusSettings)
    contexts = read_section(sections, "contexts", ContextSettings)
    model_settings = read_section(sections, "model", ModelSettings)
    training = read_section(sections, "training", TrainingSettings)
    contexts.max_pair_distance = min(contexts.max_pair_distance, model_settings.max_length - 1)
    output.mkdir(parents=True, exist_ok=True)
    prepare_contexts(corpus, contexts, output / CONTEXTS)
    store = ContextStore(
        output / CONTEXTS,
        min_count=corpus.min_count,
        max_words=corpus.max_words,
        min_entity_count=corpus.min_entity_count,
        masks=model_settings.masks,
        max_length=model_settings.max_length,
    )
    representation = RepresentationSettings(**representation_settings(model_settings))
    torch.manual_seed(training.seed)
    model = RelationModel(
        N_SPECIAL + len(store.words), 1 + len(store.entities), representation, model_settings.softmax
    ).to(device)
    n_weights = sum(p.numel() for p in model.parameters())
    tell(
        f"{len(store):,} contexts, {len(store.words):,} words, {len(store.entities):,} {contexts.entities}; "
        f"{n_weights / 1e6:.2f} million weights"
    )
    with tqdm(total=training.contexts, unit=" contexts", unit_scale=True, disable=None) as bar:
        pretrain(model, store, training, output, tell=lambda r: tell_report(r, output / LOG), advance=bar.update)
    weights = {name: weight.cpu() for name, weight in model.state_dict().items()}
    Pretrained(representation, model_settings.softmax, contexts.entities, store.words, store.entities, weights).to_disk(
        output
    )
    if contexts.entities == "concepts":
        with (output / PAIRS).open("w", encoding="utf8") as file:
            file.writelines(f"{a}\t{b}\t{n}\n" for a, b, n in store.pair_counts())
    good(f"Wrote weights and vocabulary to {output}")


def prepare_contexts(corpus: CorpusSettings, settings: Any, folder: Path) -> None:
    """Read the texts, unless that was done already with the same settings."""
    from ..ml.latent.store import write_contexts

    made_with = {**asdict(settings), "texts": corpus.texts, "format": corpus.format, "limit": corpus.limit}
    said = folder / "settings.json"
    if said.exists():
        if (before := srsly.read_json(said)) != made_with:
            raise ValueError(
                f"{folder} holds contexts that were made with other settings: {before}, not {made_with}. Remove it, or "
                "choose another --output."
            )
        return
    if corpus.texts is None:
        raise ValueError("No texts are given: name a file or folder, with --paths.texts.")
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    report = ReadingReport()
    counts = write_contexts(read_texts(Path(corpus.texts), corpus, report), new, settings)
    srsly.write_json(new / "settings.json", made_with)
    os.replace(new, folder)
    tell("; ".join(f"{n:,} {what}" for what, n in counts.items() if n))
    if report.dropped:
        warn("Some of the texts could not be read: " + "; ".join(report.summary()))


def read_texts(path: Path, corpus: CorpusSettings, report: ReadingReport) -> Iterator[Doc]:
    """Documents in the tokens of the biomedical tokenizer, one file after the other. Raises FileNotFoundError if there
    is no file to read."""
    suffixes = SUFFIXES if corpus.format is None else ("",)
    is_whole = path.is_file() or (path.is_dir() and corpus.format in FOLDERS)
    files = [path] if is_whole else [f for f in files_in(path) if without_gz(f).name.lower().endswith(suffixes)]
    if not files:
        raise FileNotFoundError(f"{path} is not a file, nor a folder that holds {', '.join(SUFFIXES)} files.")
    texts = chain.from_iterable(read_any(file, corpus.format, report) for file in files)
    some = islice(tqdm(texts, desc="texts", unit="", disable=None), corpus.limit or None)
    # in others there is nothing to relate
    yield from to_docs((text for text in some if len(text.mentions) > 1), biomedical_tokenizer(), report)


def read_section(sections: dict[str, Any], name: str, kind: type[Settings]) -> Settings:
    """A section of the config as settings. Raises ValueError for one that is unknown or of the wrong type."""
    given = dict(sections.get(name, {}))
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := given.keys() - known:
        raise ValueError(
            f"The section [{name}] has no setting {', '.join(sorted(unknown))}, only {', '.join(sorted(known))}."
        )
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"[{name}] {where}: {first['msg']}, got {first['input']!r}.") from None


def tell_report(report: Report, path: Path) -> None:
    """Print a report, and append it to the log, with null for what is not known without held-out contexts."""
    known = {name: value if isfinite(value) else None for name, value in asdict(report).items()}
    with path.open("a", encoding="utf8") as file:
        file.write(srsly.json_dumps(known) + "\n")
    tqdm.write(
        f"{report.seen:>12,} contexts  epoch {report.epoch}  {report.nats:.3f} nats/token, KL {report.kl:.2f} nats  "
        f"held out: {report.held_out_nats:.3f}, KL {report.held_out_kl:.2f}, gain {report.held_out_gain:.2f}  "
        f"{report.contexts_per_second:,.0f} contexts/s"
    )
    if report.collapsed:
        warn(
            f"Posterior collapse: the KL is {report.held_out_kl:.3f} nats, and u is worth {report.held_out_gain:.3f} "
            "nats to the decoder. It says next to nothing of a context, and fine-tuning starts from nothing. Raise "
            "[training] token_dropout (to 0.75) and kl_warmup (to four times the contexts), or train for longer."
        )
