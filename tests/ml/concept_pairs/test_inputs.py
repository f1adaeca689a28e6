import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.en import English

from spacy_keci.ml.concept_pairs.inputs import ConceptPairInput
from spacy_keci.sentences import doc_starts

from .test_pairs import bags_of, concept, make_concepts

NLP = English()


class TestParts:
    @given(st.lists(st.lists(concept, max_size=4), max_size=4), st.integers(1, 120), st.integers(1, 9))
    def test_each_pair_is_read_once_within_its_document(self, docs: list, max_tokens: int, max_pairs: int) -> None:
        concepts = make_concepts(docs)
        texts = [NLP(" ".join(["word"] * (35 + d))) for d in range(len(docs))]
        bags = bags_of(concepts)
        X = ConceptPairInput(texts, concepts, bags, max_tokens=max_tokens, max_pairs=max_pairs)
        parts = list(X.parts())
        assert [p for part in parts for p in range(part.first_pair, part.first_pair + len(part.bags))] == list(
            range(len(bags))
        )
        starts = doc_starts(texts)
        for part in parts:
            assert 0 < len(part.bags) <= max_pairs
            of_docs = np.unique(concepts.doc[part.bags.first])
            assert part.rows.start <= starts[of_docs[0]]
            assert part.rows.stop >= starts[of_docs[-1]] + len(texts[of_docs[-1]])
            assert len(of_docs) == 1 or part.rows.stop - part.rows.start <= max_tokens
            (tensors,) = part.to_torch("cpu")
            words = concepts.mentions[part.bags.left]
            begin = tensors.starts[tensors.left].numpy() + part.rows.start
            np.testing.assert_array_equal(begin, words[:, 1] + starts[words[:, 0]])
            np.testing.assert_array_equal(part.bags.left, bags.left[part.first_mention_pair :][: len(part.bags.left)])
