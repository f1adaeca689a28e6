"""The settings of KECI's networks. Imports nothing heavy: architectures need it for their parameters."""

from dataclasses import MISSING, dataclass
from typing import Literal

from ...settings import at_least, check_minimums

# settings of earlier versions: removed ones with the value that now always applies; new names by old ones
RETIRED = {"length_width": 20}
RENAMED = {"entities_from": "final_entity_input", "relations_from": "final_relation_input"}


@dataclass
class SpanGraphSettings:
    """Settings of the span graph from the text alone (Eq. 1-3).

    max_span_length: maximum length of a span in words.
    span_hidden_width, span_width: widths of the two layers of FFNN_g.
    context_width: number of features of the tokens between two spans, for the relation classifier; 0 (the paper) for
        none.
    head_hidden_width, head_depth: width and number of hidden layers of the entity and the relation classifier.
    pair_scorer: the relation classifier: "concat", on both span vectors and their product (Eq. 3), or "biaffine", as in
        ``spacy_keci.BiaffineJoint.v1``.
    """

    max_span_length: int = at_least(1, MISSING)
    span_hidden_width: int = at_least(1, 384)
    span_width: int = at_least(1, 384)
    context_width: int = at_least(0, 0)
    head_hidden_width: int = at_least(1, 256)
    head_depth: int = at_least(1, 1)
    pair_scorer: Literal["concat", "biaffine"] = "concat"

    def __post_init__(self) -> None:
        check_minimums(self, "the model")


@dataclass
class KeciModelSettings(SpanGraphSettings):
    """Settings of Eq. 1-9.

    span_graph_layers: number of layers of the bidirectional graph convolution over spans (Eq. 4); 0 for none.
    concept_layers, concept_width: number and width of the layers of the relational graph convolution over concepts (Eq.
        5); 0 layers for none.
    concept_dropout: share of the spans that lose their candidates in training, so that the model also finds names
        missing from the knowledge base.
    knowledge_prior: whether to train a second model that predicts the type of a span without the text, from the names
        of the knowledge base in and around it. Its weight in the final graph is a setting of the component.
    """

    span_graph_layers: int = at_least(0, 2)
    concept_layers: int = at_least(0, 3)
    concept_width: int = at_least(1, 50)
    concept_dropout: float = 0.0
    knowledge_prior: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.concept_dropout <= 1:
            raise ValueError(
                f"The setting concept_dropout of the model must be from 0 to 1, but it is {self.concept_dropout}."
            )


@dataclass
class KeciVariantSettings(KeciModelSettings):
    """Settings of all variants of Eq. 1-9 that were measured; none has the prior by default.

    span_graph_mean: whether a span receives the mean of the others; false for the paper's sum.
    concept_bases: number of matrices whose weighted sums are the maps of Eq. 5; None for an independent map for each
        relation. inverse_relations: whether messages pass along edges in both directions, by separate maps. backend:
        ``dgl`` needs the extra of that name.
    concept_kinds: whether vocabularies and semantic types have learned vectors in addition to the initial vectors.
    final_entity_input, final_relation_input: the input of the final classifiers: f, the span with its knowledge (the
        paper's Eq. 9); h, the span after Eq. 4; or both, as in the authors' program.
    types_in_pairs: whether the final relation classifier reads the predicted types of the two spans.
    concepts_in_pairs: whether it reads to what extent two spans name the same concept or related concepts.
    correct_entities, correct_relations: whether the final classifier adds to the logits of the first one; in the paper
        it replaces them.
    """

    knowledge_prior: bool = False
    span_graph_mean: bool = True
    concept_bases: int | None = None
    concept_kinds: bool = True
    inverse_relations: bool = True
    backend: Literal["torch", "dgl"] = "torch"
    final_entity_input: Literal["f", "h", "fh"] = "fh"
    final_relation_input: Literal["f", "h", "fh"] = "fh"
    types_in_pairs: bool = False
    concepts_in_pairs: bool = False
    correct_entities: bool = False
    correct_relations: bool = False


# The best final graph: it corrects the first graph's logits, and predicts relations from the text and the two types.
CORRECTED = dict(
    final_relation_input="h",
    types_in_pairs=True,
    concepts_in_pairs=True,
    correct_entities=True,
    correct_relations=True,
)
# The paper and the authors' program.
PAPER = dict(span_graph_mean=False, concept_kinds=False, inverse_relations=False)


@dataclass
class KnowBertSettings(SpanGraphSettings):
    """Settings of the baseline KnowBertAttention.

    concept_width: width of concepts, mentions and projected tokens in KnowBert's attention. n_heads: its heads.
    concept_kinds: whether vocabularies and semantic types have learned vectors in addition to the initial vectors.
    """

    concept_width: int = at_least(1, 128)
    concept_kinds: bool = True
    n_heads: int = at_least(1, 4)
