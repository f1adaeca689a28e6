"""Annotate texts with relations between concepts: the mean probabilities of several pipelines.

    python scripts/teach_concepts.py corpus/passages.jsonl corpus/taught.spacy --gold corpus/biored/train.spacy \
        --linked training/biored/end-to-end-minilm-0/model-tuned --runs training/biored --teachers concepts-minilm-0 \
        concepts-minilm-1

``--linked`` finds the mentions and their identifiers; its own relations do not count. Each pair gets every label with a
probability of at least ``--minimum``, and the probability as its score. `concept_relations` learns these scores with
``learn_scores``.
"""

from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import cast

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch
from tqdm import tqdm
from wasabi import msg

from spacy_keci.corpora.docbin import load_docs, save_docs
from spacy_keci.interactions import Interaction, set_interactions
from spacy_keci.ml.concept_pairs.outputs import class_labels
from spacy_keci.ml.relations.loss import relation_probabilities
from spacy_keci.pipeline.concept_relations import ConceptRelations
from spacy_keci.pipeline.concepts import ConceptReader
from spacy_keci.span_groups import SPANS_KEY, set_span_graph

# head, tail and label of a relation
Row = tuple[str, str, str]


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("texts", type=Path, help=".jsonl")
    parser.add_argument("output", type=Path, help="file to write, .spacy")
    parser.add_argument("--linked", required=True, help="a pipeline that finds mentions and identifiers")
    parser.add_argument("--runs", type=Path, default=Path(), help="folder of trainings")
    parser.add_argument(
        "--teachers",
        nargs="+",
        required=True,
        help="trainings of concept_relations, by name; a name given twice counts twice",
    )
    parser.add_argument("--gold", type=Path, nargs="*", default=[], help="corpora (.spacy) to add as they are")
    parser.add_argument("--minimum", type=float, default=0.02, help="probability of a label (0.02)")
    parser.add_argument("--limit", type=int, help="maximum number of annotated texts, a random sample (default: all)")
    args = parser.parse_args()
    linked = spacy.load(args.linked, exclude=["concept_relations"])
    teachers = [
        (spacy.load(args.runs / name / "model-best", vocab=linked.vocab), times / len(args.teachers))
        for name, times in Counter(args.teachers).items()
    ]
    texts = [row["text"] for row in srsly.read_jsonl(args.texts)]
    found: list[Doc] = []
    for docs in minibatch(linked.pipe(tqdm(texts)), 16):
        taught = [_with_identifiers(doc, _component(teachers[0][0]).reader) for doc in docs]
        means: list[defaultdict[Row, float]] = [defaultdict(float) for _ in docs]
        for nlp, weight in teachers:
            for mean, doc in zip(means, taught, strict=True):
                for row, probability in _probabilities(nlp, doc.copy()):
                    mean[row] += weight * probability
        for doc, mean in zip(taught, means, strict=True):
            rows = [Interaction(*row, score) for row, score in mean.items() if score >= args.minimum]
            if rows:
                set_interactions(doc, rows)
                found.append(doc)
    msg.good(f"{len(found):,} of {len(texts):,} texts have pairs that may be related")
    if args.limit is not None and args.limit < len(found):
        found = Random(0).sample(found, args.limit)
    for path in args.gold:
        found += load_docs(path, linked.vocab)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    save_docs(found, args.output)


def _component(nlp: Language) -> ConceptRelations:
    return cast(ConceptRelations, nlp.get_pipe("concept_relations"))


def _with_identifiers(doc: Doc, reader: ConceptReader) -> Doc:
    """A document with the same words and mentions, each with its identifier."""
    linked = Doc(doc.vocab, [token.text for token in doc], [bool(token.whitespace_) for token in doc])
    spans = [Span(linked, m.start, m.end, m.label, kb_id=reader.kb_id(m)) for m in doc.spans[SPANS_KEY]]
    set_span_graph(linked, SPANS_KEY, spans, [])
    return linked


def _probabilities(nlp: Language, doc: Doc) -> Iterator[tuple[Row, float]]:
    """Each pair with each label, and its probability."""
    component = _component(nlp)
    for name, pipe in nlp.pipeline:
        if name != "concept_relations":
            doc = pipe(doc)
    X = component.make_input([doc], component.given_mentions([doc]), is_train=False)
    rules = component.relation_rules()
    labels, backward = class_labels(rules.symmetric)
    for part, scores in component.model.predict(X) if X is not None else ():
        of_pairs = relation_probabilities(scores.logits, rules.multi_label).cpu().numpy()
        ids = part.concepts.ids
        for first, second, probabilities in zip(part.bags.first, part.bags.second, of_pairs[:, 1:], strict=True):
            ends = ids[first], ids[second]
            for label, is_backward, probability in zip(labels, backward, probabilities, strict=True):
                head, tail = ends[::-1] if is_backward else ends
                yield (head, tail, component.relation_labels[label]), float(probability)


if __name__ == "__main__":
    main()
