"""Pre-training: maximize the bound batch by batch; an interrupted training can be resumed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, count, islice
from math import isfinite, nan
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from ...settings import at_least, check_minimums
from ..network import to_tensor
from .contexts import Contexts
from .elbo import RelationModel
from .store import ContextStore

CHECKPOINT = "checkpoint.pt"
# minimum nats, in KL and in gain of the decoder, below which u has no information about a context
COLLAPSED = 1.0
PARALLEL = 256


@dataclass(kw_only=True)
class TrainingSettings:
    """Settings of pre-training; the defaults are the paper's.

    contexts: total number of contexts read, with repetitions. batch_size: contexts per update.
    learn_rate: of Adam. grad_clip: maximum norm of the gradient; 0 for no clipping.
    kl_warmup: number of contexts over which the weight of the KL rises from 0 to 1 (Sec. 4.1.2). If there are fewer
        contexts in total, the weight ends below 1: a looser bound, and more information in u.
    free_bits: nats of each dimension of u that are free, to prevent a collapse of the KL.
    per_token: whether both terms are divided by the length of the context, as in the authors' program.
    token_dropout: share of the words that the decoder does not read.
    held_out: number of contexts held out for scoring.
    log_every, checkpoint_every: intervals in contexts.
    """

    contexts: int = at_least(1, 76_800_000)
    batch_size: int = at_least(1, 192)
    learn_rate: float = at_least(0, 1e-4)
    grad_clip: float = at_least(0, 0.0)
    kl_warmup: int = at_least(0, 1_920_000)
    free_bits: float = at_least(0, 0.0)
    per_token: bool = False
    token_dropout: float = at_least(0, 0.5)
    held_out: int = at_least(1, 1024)
    log_every: int = at_least(1, 20_000)
    checkpoint_every: int = at_least(1, 200_000)
    seed: int = 0

    def __post_init__(self) -> None:
        check_minimums(self, "the pre-training")
        if self.token_dropout >= 1:
            raise ValueError(
                f"The setting token_dropout of the pre-training must be below 1, but it is {self.token_dropout}."
            )


@dataclass
class Progress:
    """The progress of a training: contexts, and the position in the epochs."""

    seen: int = 0
    epoch: int = 0
    batch: int = 0
    step: int = 0


@dataclass
class Report:
    """Means since the last report, on training and held-out contexts, in nats; NaN without held-out contexts.

    kl: per context. nats, held_out_nats: per token, the negative bound: KL and likelihood together.
    held_out_gain: per context, see :meth:`~spacy_keci.ml.latent.elbo.RelationModel.gain`.
    """

    seen: int
    epoch: int
    kl_weight: float
    nats: float
    kl: float
    held_out_nats: float
    held_out_kl: float
    held_out_gain: float
    contexts_per_second: float
    is_last: bool = False

    @property
    def collapsed(self) -> bool:
        """Whether u has no information about a context, once the KL has its full weight or the training ends."""
        settled = self.kl_weight >= 1 or self.is_last
        return settled and min(self.held_out_kl, self.held_out_gain) < COLLAPSED


def pretrain(
    model: RelationModel,
    store: ContextStore,
    settings: TrainingSettings,
    folder: Path,
    *,
    tell: Callable[[Report], None] = lambda report: None,
    advance: Callable[[int], None] = lambda n: None,
) -> Progress:
    """Train the model in place. Resumes from a checkpoint in the folder; the weights are the same as without the
    interruption, since the order and noise of an update depend only on the seed and its number.

    tell: called with each report. advance: called with the number of contexts of each update.
    Raises ValueError if the checkpoint has other settings, or the loss is no longer a number.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learn_rate)
    progress = _load(folder / CHECKPOINT, model, optimizer, settings, device)
    advance(progress.seen)
    sums, started = torch.zeros(4, dtype=torch.float64), perf_counter()
    for rows in _rows(store, settings, progress):
        if progress.seen >= settings.contexts:
            break
        model.train()
        # more than the number of updates, so that no two seeds share one
        torch.manual_seed(settings.seed * 2**40 + progress.step)
        contexts = to_tensors(model, store.batch(rows))
        elbo, lengths = model(*contexts, settings.token_dropout), contexts.lengths
        weight = kl_weight(settings, progress.seen)
        loss = elbo.loss(lengths, weight, settings.free_bits, settings.per_token)
        optimizer.zero_grad()
        loss.backward()
        if settings.grad_clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.grad_clip)
        optimizer.step()
        before = progress.seen
        progress.seen, progress.batch, progress.step = before + len(rows), progress.batch + 1, progress.step + 1
        sums += (
            torch.stack([-elbo.bound.sum(), elbo.kl.sum(), lengths.sum(), loss.new_tensor(len(rows))]).detach().cpu()
        )
        advance(len(rows))
        done = progress.seen >= settings.contexts
        if done or before // settings.log_every < progress.seen // settings.log_every:
            nats, kl, tokens, n = sums.tolist()
            check_loss(nats)
            held_out = evaluate(model, store, settings)
            speed = n / max(perf_counter() - started, 1e-9)
            tell(Report(progress.seen, progress.epoch, weight, nats / tokens, kl / n, *held_out, speed, done))
            sums, started = torch.zeros(4, dtype=torch.float64), perf_counter()
        if done or before // settings.checkpoint_every < progress.seen // settings.checkpoint_every:
            save_checkpoint(folder / CHECKPOINT, model, optimizer, settings, progress)
    return progress


def kl_weight(settings: TrainingSettings, seen: int) -> float:
    """KL annealing, by the number of contexts seen."""
    return min(1.0, seen / settings.kl_warmup) if settings.kl_warmup else 1.0


def to_tensors(model: RelationModel, contexts: Contexts) -> Contexts:
    """The contexts on the device of the model."""
    device = next(model.parameters()).device
    return Contexts(*(to_tensor(array, device) for array in contexts))


@torch.no_grad()
def evaluate(model: RelationModel, store: ContextStore, settings: TrainingSettings) -> tuple[float, float, float]:
    """Nats per token, and KL and gain per context, on held-out contexts, always with the same noise; NaN if there are
    no such contexts, and for the gain also if there is only one."""
    model.eval()
    rows = store.held_out(settings.held_out)
    nats = kl = gain = tokens = 0.0
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        for begin in range(0, len(rows), PARALLEL):
            contexts = to_tensors(model, store.batch(rows[begin : begin + PARALLEL]))
            elbo = model(*contexts)
            nats, kl = nats - float(elbo.bound.sum()), kl + float(elbo.kl.sum())
            check_loss(nats)
            gain, tokens = gain + float(model.gain(*contexts).sum()), tokens + float(contexts.lengths.sum())
    n = len(rows) or nan
    return nats / (tokens or nan), kl / n, gain / n if n > 1 else nan


def check_loss(nats: float) -> None:
    """Raises ValueError, which says what to do, if a sum of losses is no longer a number."""
    if not isfinite(nats):
        raise ValueError(
            "The loss of the pre-training is no longer a number: lower [training] learn_rate, or set grad_clip to 1.0, "
            "and start again in another folder."
        )


def _rows(store: ContextStore, settings: TrainingSettings, progress: Progress) -> Iterator[Any]:
    """Yield the batches of all epochs, starting from the progress."""
    for epoch in count(progress.epoch):
        if epoch > progress.epoch:
            progress.epoch, progress.batch = epoch, 0
        batches = islice(store.batches(settings.batch_size, settings.seed, epoch), progress.batch, None)
        first = next(batches, None)
        if first is None and not progress.batch:
            raise ValueError("No training data: all texts with two mentions are held out. Add texts.")
        yield from chain([first] if first is not None else [], batches)


def save_checkpoint(
    path: Path, model: RelationModel, optimizer: torch.optim.Optimizer, settings: TrainingSettings, progress: Progress
) -> None:
    """Replace the previous checkpoint atomically."""
    new = path.with_suffix(".new")
    saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**saved, "settings": _fixed(settings), "progress": asdict(progress)}, new)
    os.replace(new, path)


def _load(
    path: Path, model: RelationModel, optimizer: torch.optim.Optimizer, settings: TrainingSettings, device: torch.device
) -> Progress:
    if not path.exists():
        return Progress()
    saved = torch.load(path, map_location=device, weights_only=True)
    changed = [name for name, value in _fixed(settings).items() if saved["settings"].get(name) != value]
    if changed:
        raise ValueError(
            f"{path} was started with other settings ({', '.join(changed)}): restore them to resume, or choose another "
            "folder to start from scratch."
        )
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return Progress(**saved["progress"])


def _fixed(settings: TrainingSettings) -> dict[str, Any]:
    """Settings that must not change; a training may be extended."""
    free = ("contexts", "held_out", "log_every", "checkpoint_every")
    return {name: value for name, value in asdict(settings).items() if name not in free}
