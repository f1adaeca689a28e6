"""The architectures and the optimizer that configs refer to, with all their settings.

Only signatures and documentation: torch and transformers are imported when a model is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType
from typing import Any, Literal

from spacy.tokens import Doc, Span
from thinc.api import Model, Optimizer
from thinc.optimizers import FloatOrSeq
from thinc.types import Floats2d, Ragged

from ..deferred_imports import import_transformers
from ..settings import takes_settings
from .concept_pairs.settings import ConceptPairSettings
from .contrastive.settings import ContrastiveSettings, HardNegativesSettings
from .joint.settings import JointModelSettings
from .keci.settings import (
    CORRECTED,
    PAPER,
    RENAMED,
    RETIRED,
    KeciModelSettings,
    KeciVariantSettings,
    KnowBertSettings,
    SpanGraphSettings,
)
from .latent.settings import LatentSettings

Tok2Vec = Model[list[Doc], list[Floats2d]]
# as in ml/storage.py, which imports torch
Storage = Literal["single", "half", "8bit"]


@takes_settings(SpanGraphSettings, retired=RETIRED)
def build_span_graph_model(
    tok2vec: Tok2Vec, *, mixed_precision: bool = False, storage: Storage = "single", **settings: Any
) -> Model:
    """Registered as the architecture ``spacy_keci.SpanGraph.v1``: a span graph from the text alone (Eq. 1-3).

    tok2vec: any encoder of tokens, or a listener to one.
    settings: see :class:`~spacy_keci.ml.keci.settings.SpanGraphSettings`.
    mixed_precision: compute in bfloat16 where it is safe, on CPUs and GPUs with instructions for it. Others, such as
        CPUs without AVX512-BF16, use single precision, which is faster there.
    storage: format of the saved weights: "single" or "half" precision, or "8bit". Computation uses single precision, or
        bfloat16 with ``mixed_precision``.
    """
    from .keci.span_graph import SpanGraphNetwork
    from .layer import make_layer

    return make_layer(SpanGraphNetwork, tok2vec, SpanGraphSettings(**settings), mixed_precision, storage)


@takes_settings(KeciVariantSettings, retired=RETIRED, renamed=RENAMED)
def build_keci_variant(
    tok2vec: Tok2Vec, *, mixed_precision: bool = False, storage: Storage = "single", **settings: Any
) -> Model:
    """Registered as the architecture ``spacy_keci.KECI.v1``: Eq. 1-9 with all variants that were measured.

    For saved pipelines; new configs use ``spacy_keci.KECI.v2``.
    settings: see :class:`~spacy_keci.ml.keci.settings.KeciVariantSettings`. Others as for ``spacy_keci.SpanGraph.v1``.
    """
    from .keci.network import KeciNetwork
    from .layer import make_layer

    return make_layer(KeciNetwork, tok2vec, KeciVariantSettings(**settings), mixed_precision, storage)


@takes_settings(KeciModelSettings, retired=RETIRED)
def build_keci_model(
    tok2vec: Tok2Vec,
    *,
    final: Literal["corrected", "paper"] = "corrected",
    mixed_precision: bool = False,
    storage: Storage = "single",
    **settings: Any,
) -> Model:
    """Registered as the architecture ``spacy_keci.KECI.v2``: Eq. 1-9.

    settings: see :class:`~spacy_keci.ml.keci.settings.KeciModelSettings`. Others as for ``spacy_keci.SpanGraph.v1``.
    final: "corrected", the best variant: the final graph adds to the first graph's logits, and reads the predicted
        types and shared concepts of pairs; or "paper", as in the authors' program.
    """
    variant: dict[str, Any] = CORRECTED if final == "corrected" else PAPER
    return build_keci_variant(tok2vec, mixed_precision=mixed_precision, storage=storage, **settings, **variant)


@takes_settings(KnowBertSettings, retired=RETIRED)
def build_know_bert_model(
    tok2vec: Tok2Vec, *, mixed_precision: bool = False, storage: Storage = "single", **settings: Any
) -> Model:
    """Registered as the architecture ``spacy_keci.KnowBertAttention.v1``: a baseline of KECI.

    settings: see :class:`~spacy_keci.ml.keci.settings.KnowBertSettings`. Others as for ``spacy_keci.SpanGraph.v1``.
    """
    from .keci.know_bert import KnowBertNetwork
    from .layer import make_layer

    return make_layer(KnowBertNetwork, tok2vec, KnowBertSettings(**settings), mixed_precision, storage)


@takes_settings(JointModelSettings)
def build_biaffine_joint_model(tok2vec: Tok2Vec, *, mixed_precision: bool = False, **settings: Any) -> Model:
    """Registered as the architecture ``spacy_keci.BiaffineJoint.v1``: a tagger of mentions and a biaffine classifier of
    their pairs (Giorgi et al. 2019).

    settings: see :class:`~spacy_keci.ml.joint.settings.JointModelSettings`. Others as for ``spacy_keci.SpanGraph.v1``.
    """
    from .joint.network import JointNetwork
    from .layer import make_layer

    return make_layer(JointNetwork, tok2vec, JointModelSettings(**settings), mixed_precision)


@takes_settings(ConceptPairSettings)
def build_concept_pairs_model(
    tok2vec: Tok2Vec, *, mixed_precision: bool = False, storage: Storage = "single", **settings: Any
) -> Model:
    """Registered as the architecture ``spacy_keci.ConceptPairs.v1``: scores of pairs of concepts.

    settings: see :class:`~spacy_keci.ml.concept_pairs.settings.ConceptPairSettings`. Others as for
    ``spacy_keci.SpanGraph.v1``.
    """
    from .concept_pairs.network import ConceptPairNetwork
    from .layer import make_layer

    return make_layer(ConceptPairNetwork, tok2vec, ConceptPairSettings(**settings), mixed_precision, storage)


@takes_settings(LatentSettings)
def build_latent_relations_model(*, storage: Storage = "single", **settings: Any) -> Model:
    """Registered as the architecture ``spacy_keci.LatentRelations.v1``: relations of mentions from a latent
    representation (RELVM, Shah and Fauqueur 2020). It has its own word vectors and needs no encoder.

    settings: see :class:`~spacy_keci.ml.latent.settings.LatentSettings`. storage: as for ``spacy_keci.SpanGraph.v1``.
    """
    from .latent.network import LatentNetwork
    from .layer import make_layer
    from .no_encoder import no_encoder

    return make_layer(LatentNetwork, no_encoder(), LatentSettings(**settings), False, storage)


def build_sentence_cnn(
    *,
    width: int,
    depth: int,
    embed_size: int,
    window_size: int,
    maxout_pieces: int,
    subword_features: bool,
    pretrained_vectors: bool | None,
) -> Model[list[Doc], list[Floats2d]]:
    """Registered as the architecture ``spacy_keci.SentenceCNN.v1``: ``spacy.HashEmbedCNN.v2``, with the same settings,
    applied to each sentence separately.

    The vectors of a sentence do not depend on the sentences around it. In prediction, memory does not grow with the
    length of a text, apart from the vectors themselves. A document without sentence boundaries is one sentence.
    """
    from .encoders.sentence_cnn import make_sentence_cnn

    return make_sentence_cnn(
        width=width,
        depth=depth,
        embed_size=embed_size,
        window_size=window_size,
        maxout_pieces=maxout_pieces,
        subword_features=subword_features,
        pretrained_vectors=pretrained_vectors,
    )


def build_transformer_model(
    name: str,
    get_spans: Callable,
    tokenizer_config: dict = {},  # noqa: B006  (spaCy fills configs from signatures)
    transformer_config: dict = {},  # noqa: B006
    mixed_precision: bool = False,
    max_items: int | None = None,
    storage: Storage = "single",
) -> Model:
    """Registered as the architecture ``spacy_keci.TransformerModel.v1``.

    The model of ``spacy-transformers.TransformerModel.v3`` with four additions: ``mixed_precision`` means bfloat16, on
    CPUs and GPUs with instructions for it (instead of Thinc's float16 on CUDA). Besides a model on the hub or a path,
    ``name`` may be ``package://PACKAGE/FOLDER``, weights in an installed Python package. ``max_items`` splits a batch
    into parts of similar length, each with at most this number of word pieces including padding; this saves padding.
    About 1,000 is good for a CPU, more or null (no limit) for a GPU. ``storage``: format of the saved weights, as for
    ``spacy_keci.SpanGraph.v1``.

    Raises ImportError if spacy-transformers is not installed.
    """
    return _transformer().make_transformer(
        name, get_spans, tokenizer_config, transformer_config, mixed_precision, max_items, storage
    )


def build_onnx_transformer_model(
    name: str,
    get_spans: Callable,
    tokenizer_config: dict = {},  # noqa: B006  (spaCy fills configs from signatures)
    transformer_config: dict = {},  # noqa: B006
    max_items: int | None = None,
    precision: Literal["single", "int8"] = "single",
) -> Model:
    """Registered as the architecture ``spacy_keci.OnnxTransformerModel.v1``: an encoder for prediction only, run by
    ONNX Runtime on the CPU. ``spacy keci optimize`` makes it from a ``spacy_keci.TransformerModel.v1``.

    Settings as for that model. name: the source of its weights. precision: of the saved graph.
    Raises ImportError if spacy-transformers or onnxruntime is not installed.
    """
    _transformer()
    try:
        from .encoders import onnx
    except ImportError as error:
        raise ImportError(
            f"The encoder of this pipeline needs ONNX Runtime ({error}): pip install onnxruntime."
        ) from error
    return onnx.make_onnx_transformer(name, get_spans, tokenizer_config, transformer_config, max_items, precision)


def build_tok2vec_transformer_model(
    name: str,
    get_spans: Callable,
    pooling: Model[Ragged, Floats2d],
    grad_factor: float = 1.0,
    tokenizer_config: dict = {},  # noqa: B006  (spaCy fills configs from signatures)
    transformer_config: dict = {},  # noqa: B006
    mixed_precision: bool = False,
    max_items: int | None = None,
    storage: Storage = "single",
) -> Model[list[Doc], list[Floats2d]]:
    """Registered as the architecture ``spacy_keci.Tok2VecTransformer.v1``: an encoder owned by one component.

    ``nlp.replace_listeners`` makes it from a listener to ``spacy_keci.TransformerModel.v1``. Settings as for that
    model; pooling, grad_factor: as for ``spacy-transformers.TransformerListener.v1``.
    """
    module = _transformer()
    encoder = module.make_transformer(
        name, get_spans, tokenizer_config, transformer_config, mixed_precision, max_items, storage
    )
    return module.make_tok2vec_transformer(encoder, pooling, grad_factor)


def _transformer() -> ModuleType:
    import_transformers()
    try:
        from .encoders import transformer
    except ImportError as error:
        raise ImportError(
            "Transformer encoders need the package spacy-transformers: pip install 'spacy-transformers<1.5'."
        ) from error
    return transformer


def build_sentence_windows(window: int, stride: int) -> Callable[[Iterable[Doc]], list[list[Span]]]:
    """Registered as the span getter ``spacy_keci.SentenceWindows.v1``: each window of a transformer is a sentence.

    Sentences of more than ``window`` tokens, and documents without sentence boundaries, are split into windows of
    ``window`` tokens with a stride of ``stride`` tokens, as by ``spacy-transformers.strided_spans.v1``.
    """
    from .encoders.windows import get_sentence_windows

    return partial(get_sentence_windows, window=window, stride=stride)


def build_adamw(
    learn_rate: FloatOrSeq = 0.001,
    *,
    L2: FloatOrSeq = 0.0,
    beta1: FloatOrSeq = 0.9,
    beta2: FloatOrSeq = 0.999,
    eps: FloatOrSeq = 1e-8,
    grad_clip: FloatOrSeq = 1.0,
    groups: dict[str, Any] = {},  # noqa: B006  (Any: spaCy checks types before it resolves what is nested)
) -> Optimizer:
    """Registered as the optimizer ``spacy_keci.AdamW.v1``.

    groups: separate optimizers (rate, schedule, decay) for components such as ``keci``, by name; the other settings are
        for all other components, such as the encoder.
    grad_clip: maximum norm of the gradient of a tensor; 0 for no clipping.
    """
    from .optimizer import AdamW

    return AdamW(learn_rate, groups=groups, L2=L2, beta1=beta1, beta2=beta2, eps=eps, grad_clip=grad_clip)


@takes_settings(ContrastiveSettings)
def build_contrastive(**settings: Any) -> Any:
    """Registered as ``spacy_keci.Contrastive.v1``; see
    :class:`~spacy_keci.ml.contrastive.settings.ContrastiveSettings`."""
    return ContrastiveSettings(**settings)


@takes_settings(HardNegativesSettings)
def build_hard_negatives(**settings: Any) -> Any:
    """Registered as ``spacy_keci.HardNegatives.v1``; see
    :class:`~spacy_keci.ml.contrastive.settings.HardNegativesSettings`."""
    return HardNegativesSettings(**settings)
