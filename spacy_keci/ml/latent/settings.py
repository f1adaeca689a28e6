"""Settings of the latent variable model. Imports nothing heavy: architectures need it for their parameters."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from ...settings import at_least, check_minimums


@dataclass(kw_only=True)
class RepresentationSettings:
    """Settings of the representation, which cannot change after pre-training.

    hidden_width: of all layers; 128, 256, 512 and 1024 are the paper's X-SMALL, SMALL, MEDIUM and LARGE.
    embedding_width: of words and entities. latent_width: of u and z.
    masks: words that replace the two mentions in a context: two "different" ones, or a "single" one (the paper), so
        that only their order differs.
    max_length: maximum tokens of a context. Of a longer text, the tokens around the two mentions are read.
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
    """Settings of the classifier of relations, in addition to those of the representation.

    depth: number of hidden layers of the classifier, of ``hidden_width``; 0 (the paper): a single linear layer.
    train_samples: number of samples of u and z per pair in training (Eq. 17).
    samples: the same in prediction (Eq. 16). The noise is drawn once with a fixed seed, the same for every pair, so
        predictions are deterministic. 0: use the means of u and z, without uncertainty.
    freeze: whether to train only the classifier, not the pre-trained representation.
    """

    depth: int = at_least(0, 0)
    train_samples: int = at_least(1, 4)
    samples: int = at_least(0, 16)
    freeze: bool = False


def representation_settings(settings: Any) -> dict[str, Any]:
    """The settings of the representation, by name."""
    return {field.name: getattr(settings, field.name) for field in fields(RepresentationSettings)}


# those that do not determine the weights
FREE_SETTINGS = frozenset({"train_samples", "samples", "freeze"})
