"""Settings of the latent variable model. Light: architectures import it to know their parameters."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from ...settings import at_least, check_minimums


@dataclass(kw_only=True)
class RepresentationSettings:
    """What is pre-trained, and cannot change afterwards.

    hidden_width: of all layers: 128, 256, 512 and 1024 are the paper's X-SMALL, SMALL, MEDIUM and LARGE.
    embedding_width: of words and of entities. latent_width: of u and of z.
    masks: what stands for the two mentions in a context: two "different" words, or a "single" one (the paper), so that
        only their order tells them apart.
    max_length: tokens of a context, at most. Of a longer text those around the two mentions are read.
    """

    hidden_width: int = at_least(1, 128)
    embedding_width: int = at_least(1, 300)
    latent_width: int = at_least(1, 300)
    masks: Literal["different", "single"] = "different"
    max_length: int = at_least(3, 140)

    def __post_init__(self) -> None:
        check_minimums(self, "the model")


@dataclass(kw_only=True)
class LatentSettings(RepresentationSettings):
    """Settings of the classifier of relations, beside those of the representation.

    depth: hidden layers of the classifier, of ``hidden_width``; 0 (the paper): a single linear layer.
    train_samples: samples of u and z for a pair in training (Eq. 17).
    samples: in use (Eq. 16). The noise of all samples is drawn once, with a fixed seed, and is the same for every pair,
        so that predictions never change. 0: the means of u and z instead, without uncertainty.
    freeze: learn the classifier alone, and leave the representation as it was pre-trained.
    """

    depth: int = at_least(0, 0)
    train_samples: int = at_least(1, 4)
    samples: int = at_least(0, 16)
    freeze: bool = False


def representation_settings(settings: Any) -> dict[str, Any]:
    """Those of the settings that are the representation's, by name."""
    return {field.name: getattr(settings, field.name) for field in fields(RepresentationSettings)}


def fixed_settings() -> frozenset[str]:
    """Names of settings that the weights depend on."""
    return frozenset({"depth", *(field.name for field in fields(RepresentationSettings))})


FREE_SETTINGS = frozenset(field.name for field in fields(LatentSettings)) - fixed_settings()
