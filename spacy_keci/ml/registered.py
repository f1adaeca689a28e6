"""What configs name: architectures and the optimizer, with all their settings.

Signatures and their documentation only. Torch and transformers are imported when one of them is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from spacy.tokens import Doc, Span
from thinc.api import Model, Optimizer
from thinc.optimizers import FloatOrSeq
from thinc.types import Floats2d, Ragged

if TYPE_CHECKING:
    from .model import SpanGraphModel


def _make(network: str, *, tok2vec: Model, mixed_precision: bool, **settings: Any) -> SpanGraphModel:
    """The arguments of the architectures below have the names that those of the network have."""
    from .model import make_model

    return make_model(network, tok2vec, settings, mixed_precision)


def build_span_graph_model(
    tok2vec: Model[list[Doc], list[Floats2d]],
    *,
    max_span_length: int,
    span_hidden_width: int = 384,
    span_width: int = 384,
    length_width: int = 20,
    context_width: int = 0,
    head_hidden_width: int = 256,
    head_depth: int = 1,
    mixed_precision: bool = False,
) -> SpanGraphModel:
    """Registered as the architecture ``spacy_keci.SpanGraph.v1``: a span graph from the text alone (Eq. 1-3).

    tok2vec: any encoder of tokens, or a listener to one.
    max_span_length: longest span in tokens; the suggester may not go beyond it.
    span_hidden_width, span_width: widths of the two layers of FFNN_g. length_width: of the feature φ.
    context_width: features of the tokens between two spans, for the relation classifier; 0 (the paper): none.
    head_hidden_width, head_depth: hidden layers of the entity and the relation classifier.
    mixed_precision: compute in bfloat16 where that is safe, on CPUs and GPUs that have instructions for it; others, as
        CPUs without AVX512-BF16, go on in single precision, which is what they are fast in.
    """
    return _make("span_graph", **locals())


def build_keci_model(
    tok2vec: Model[list[Doc], list[Floats2d]],
    *,
    max_span_length: int,
    span_hidden_width: int = 384,
    span_width: int = 384,
    length_width: int = 20,
    context_width: int = 0,
    head_hidden_width: int = 256,
    head_depth: int = 1,
    span_graph_layers: int = 2,
    span_graph_mean: bool = True,
    concept_layers: int = 3,
    concept_width: int = 50,
    concept_bases: int | None = None,
    concept_kinds: bool = True,
    concept_dropout: float = 0.0,
    knowledge_prior: bool = False,
    inverse_relations: bool = True,
    backend: Literal["torch", "dgl"] = "torch",
    entities_from: Literal["f", "h", "fh"] = "fh",
    relations_from: Literal["f", "h", "fh"] = "fh",
    types_in_pairs: bool = False,
    concepts_in_pairs: bool = False,
    correct_entities: bool = False,
    correct_relations: bool = False,
    mixed_precision: bool = False,
) -> SpanGraphModel:
    """Registered as the architecture ``spacy_keci.KECI.v1``: the whole of Eq. 1-9.

    Settings of ``spacy_keci.SpanGraph.v1``, and:

    span_graph_layers: of the bidirectional graph convolution over spans (Eq. 4); 0: none.
    span_graph_mean: whether a span hears the mean of the others; false for the paper's sum.
    concept_layers: of the relational graph convolution over concepts (Eq. 5); 0: none.
    concept_width: width of its nodes. concept_bases: matrices that its maps are sums of; None: a map of its own for
        each relation. inverse_relations: whether concepts hear along edges in both directions, by maps of their own.
        backend: ``dgl`` needs the extra of that name.
    concept_kinds: whether vocabularies and semantic types have learned vectors beside the initial vectors.
    concept_dropout: share of the spans that lose their candidates in training, so that names which the knowledge base
        does not have are found as well.
    knowledge_prior: whether a model that sees no text learns what the names of the knowledge base at and around a span
        say of it; how much that counts in the final graph are settings of the component.
    entities_from, relations_from: what the final classifiers see: f, the span with its knowledge (the paper's Eq. 9);
        h, the span after Eq. 4; or both, as in the authors' program.
    types_in_pairs: whether the final relation classifier sees the types that were predicted for the two spans.
    concepts_in_pairs: whether it sees how far two spans name the same concept, or concepts that are related.
    correct_entities, correct_relations: whether the final classifier adds to the logits of the first one, where the
        paper starts anew.
    """
    return _make("keci", **locals())


def build_know_bert_model(
    tok2vec: Model[list[Doc], list[Floats2d]],
    *,
    max_span_length: int,
    span_hidden_width: int = 384,
    span_width: int = 384,
    length_width: int = 20,
    context_width: int = 0,
    head_hidden_width: int = 256,
    head_depth: int = 1,
    concept_width: int = 128,
    concept_kinds: bool = True,
    n_heads: int = 4,
    mixed_precision: bool = False,
) -> SpanGraphModel:
    """Registered as the architecture ``spacy_keci.KnowBertAttention.v1``: a baseline of KECI.

    Settings of ``spacy_keci.SpanGraph.v1``, and:

    concept_width: width of concepts, mentions and projected tokens in KnowBert's attention. n_heads: its heads.
    concept_kinds: whether vocabularies and semantic types have learned vectors beside the initial vectors.
    """
    return _make("know_bert", **locals())


def build_transformer_model(
    name: str,
    get_spans: Callable,
    tokenizer_config: dict = {},  # noqa: B006  (spaCy fills configs from signatures)
    transformer_config: dict = {},  # noqa: B006
    mixed_precision: bool = False,
    max_items: int | None = None,
) -> Model:
    """Registered as the architecture ``spacy_keci.TransformerModel.v1``.

    The model of ``spacy-transformers.TransformerModel.v3`` with three additions: ``mixed_precision`` means bfloat16, on
    CPUs and GPUs that have instructions for it (there it is Thinc's float16 on CUDA); ``name`` may be
    ``package://PACKAGE/FOLDER``, weights that lie inside an installed Python package, beside the name of a model on the
    hub or a path; and ``max_items`` runs a batch in parts of similar length with at most so many word pieces, padding
    included, each. That saves padding, in training and in use; a CPU likes 1,000 or so, a GPU more or null, the whole
    batch at once.

    Raises ImportError if spacy-transformers is not installed.
    """
    return _transformer().make_transformer(
        name, get_spans, tokenizer_config, transformer_config, mixed_precision, max_items
    )


def build_tok2vec_transformer_model(
    name: str,
    get_spans: Callable,
    pooling: Model[Ragged, Floats2d],
    grad_factor: float = 1.0,
    tokenizer_config: dict = {},  # noqa: B006  (spaCy fills configs from signatures)
    transformer_config: dict = {},  # noqa: B006
    mixed_precision: bool = False,
    max_items: int | None = None,
) -> Model[list[Doc], list[Floats2d]]:
    """Registered as the architecture ``spacy_keci.Tok2VecTransformer.v1``: an encoder of one component's own.

    What ``nlp.replace_listeners`` makes of a listener to ``spacy_keci.TransformerModel.v1``. Settings as there;
    pooling, grad_factor: as those of ``spacy-transformers.TransformerListener.v1``.
    """
    module = _transformer()
    encoder = module.make_transformer(name, get_spans, tokenizer_config, transformer_config, mixed_precision, max_items)
    return module.make_tok2vec_transformer(encoder, pooling, grad_factor)


def _transformer() -> ModuleType:
    try:
        from . import transformer
    except ImportError as error:
        raise ImportError(
            "Transformer encoders need the package spacy-transformers: pip install 'spacy-keci[transformers]'."
        ) from error
    return transformer


def build_sentence_windows(window: int, stride: int) -> Callable[[Iterable[Doc]], list[list[Span]]]:
    """Registered as the span getter ``spacy_keci.SentenceWindows.v1``: what a transformer reads at once is a sentence.

    Sentences of more than ``window`` tokens, and documents whose pipeline has set no sentences, are read in windows of
    that many tokens, which begin ``stride`` tokens after one another, as by ``spacy-transformers.strided_spans.v1``.
    """
    from .windows import get_sentence_windows

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

    groups: optimizers for components ``keci`` by name (their own rate, schedule and decay); the settings above are for
        all others, such as the encoder.
    grad_clip: largest norm of the gradient of a tensor, 0 to leave gradients alone.
    """
    from .optimizer import AdamW

    return AdamW(learn_rate, groups=groups, L2=L2, beta1=beta1, beta2=beta2, eps=eps, grad_clip=grad_clip)
