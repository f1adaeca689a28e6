"""Cluster the relations of a corpus by their vectors in a pre-trained model, without labels.

    python scripts/cluster_relations.py training/demo-relations assets/demo/train.jsonl --clusters 8

Prints the content of each cluster, and the agreement of the clusters with the labels and with the types of the mentions
(adjusted mutual information: 1 for the same clusters, 0 for chance). With ``--picture``, draws them.
"""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

import numpy as np
import spacy
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_keci import Relation, get_relations, relation_vectors
from spacy_keci.alignment import align
from spacy_keci.corpora.reader import read_docs
from spacy_keci.ml.latent.pretrained import Pretrained
from spacy_keci.tokenizer import create_biomedical_tokenizer


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("pretrained", type=Path, help="folder of 'spacy keci pretrain-relations'")
    parser.add_argument("corpus", type=Path, help="documents with relations, .spacy or .jsonl")
    parser.add_argument("--clusters", type=int, default=8)
    parser.add_argument("--picture", type=Path, help="picture to draw, .png or .svg")
    args = parser.parse_args()
    nlp = make_pipeline(args.pretrained)
    golds = read_docs(args.corpus, nlp)
    vectors, labels, types = vectors_of(nlp, golds)
    groups = KMeans(args.clusters, n_init=10, random_state=0).fit_predict(vectors)
    for group in range(args.clusters):
        rows = np.flatnonzero(groups == group)
        what = ", ".join(f"{n} {label}" for label, n in Counter(labels[i] for i in rows).most_common(4))
        ends = ", ".join(f"{n} {pair}" for pair, n in Counter(types[i] for i in rows).most_common(2))
        print(f"group {group + 1}: {what}; {ends}")
    for name, values in (("labels", labels), ("types", types)):
        print(f"agreement with {name}: {adjusted_mutual_info_score(values, groups):.3f}")
    if args.picture is not None:
        draw(vectors, labels, args.picture)


def make_pipeline(pretrained: Path) -> Language:
    """A pipeline that gives a vector to all pairs of mentions."""
    nlp = spacy.blank("en")
    nlp.tokenizer = create_biomedical_tokenizer()(nlp)
    model = {"@architectures": "spacy_keci.LatentRelations.v1", **vars(Pretrained.from_disk(pretrained).settings)}
    nlp.add_pipe("latent_relations", config={"vectors": True, "relation_threshold": 0.0, "model": model})
    nlp.config["initialize"]["components"]["latent_relations"] = {"pretrained": str(pretrained)}
    return nlp


def vectors_of(nlp: Language, golds: list[Doc]) -> tuple[np.ndarray, list[str], list[str]]:
    """(relations, width) the vectors of the gold relations, their labels and the types of their mentions, in order."""
    examples = []
    for gold in golds:
        example = Example(nlp.make_doc(gold.text), gold)
        example.predicted.spans["entities"] = align(example).found
        examples.append(example)
    nlp.initialize(lambda: examples)
    vectors, labels, types = [], [], []
    for doc, gold in zip(nlp.pipe([example.predicted for example in examples]), golds, strict=True):
        by_pair = dict(zip(map(ends_of, doc._.relations), relation_vectors(doc), strict=True))
        for relation in get_relations(gold):
            ends = ends_of(relation)
            if ends in by_pair:
                vectors.append(by_pair[ends])
                labels.append(relation.label)
                types.append(" - ".join(label for *_, label in ends))
    return np.array(vectors), labels, types


def ends_of(relation: Relation) -> tuple[tuple[int, int, str], ...]:
    """Offsets and types of both mentions, in the order of the text."""
    return tuple(sorted((end.start_char, end.end_char, end.label_) for end in (relation.head, relation.tail)))


def draw(vectors: np.ndarray, labels: list[str], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    x, y = PCA(2).fit_transform(vectors).T
    for label in sorted(set(labels)):
        rows = [i for i, each in enumerate(labels) if each == label]
        pyplot.scatter(x[rows], y[rows], s=12, label=label)
    pyplot.legend()
    pyplot.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    main()
