"""Short texts on genes and diseases, written for the tests, with relations between concepts."""

from itertools import cycle
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

GENES = {"TP53": "7157", "p53": "7157", "MDM2": "4193", "BRCA1": "672", "EGFR": "1956", "KRAS": "3845"}
DISEASES = {"glioma": "D005910", "breast cancer": "D001943", "lung cancer": "D008175", "melanoma": "D008545"}
# sentences with the relation that they state; {0} is a gene, {1} a disease, {2} another gene
RELATED = [
    ("{0} causes {1} .", (0, 1, "Positive", "Novel")),
    ("Loss of {0} was seen in {1} , as is known .", (0, 1, "Negative", "No")),
    ("We show that {0} inhibits {2} .", (0, 2, "Negative", "Novel")),
    ("{0} binds {2} .", (0, 2, "Bind", "No")),
]
UNRELATED = ["{0} was measured .", "Patients with {1} were asked .", "{2} was not looked at ."]


def make_abstracts(nlp: Language, n: int = 16) -> list[Doc]:
    """Gold documents: the relation is stated in one sentence, and its concepts are named in others as well."""
    genes, diseases = cycle(GENES.items()), cycle(DISEASES.items())
    docs = []
    for i in range(n):
        first, second = next(genes), next(genes)
        if i % 3 == 2:
            next(genes)
        if first[1] == second[1]:
            second = next(genes)
        concepts = [first, next(diseases), second]
        sentence, relation = RELATED[i % len(RELATED)]
        templates = [UNRELATED[i % 3], sentence, UNRELATED[(i + 1) % 3]]
        docs.append(_make_doc(nlp, templates, concepts, relation))
    return docs


def _make_doc(
    nlp: Language, templates: list[str], concepts: list[tuple[str, str]], relation: tuple[int, int, str, str]
) -> Doc:
    text, places = "", []
    for template in templates:
        for word in template.split(" "):
            if word.startswith("{"):
                number = int(word[1])
                places.append((len(text), len(text) + len(concepts[number][0]), number))
                word = concepts[number][0]
            text += word + " "
    doc = nlp.make_doc(text.strip())
    types = ["Gene", "Disease", "Gene"]
    spans: list[Span] = []
    for start, end, number in places:
        span = doc.char_span(start, end, label=types[number], kb_id=concepts[number][1])
        assert span is not None
        spans.append(span)
    clusters = {concepts[number][1]: [] for *_, number in places}
    for i, (*_, number) in enumerate(places):
        clusters[concepts[number][1]].append(i)
    ids = list(clusters)
    head, tail, label, novelty = relation
    ends = ids.index(concepts[head][1]), ids.index(concepts[tail][1])
    members = list(clusters.values())
    doc.spans["entities"] = SpanGroup(
        doc,
        name="entities",
        spans=spans,
        attrs={
            "clusters": members,
            "interactions": [[*ends, label, 1.0, novelty]],
            "relations": [[a, b, label, 1.0] for a in members[ends[0]] for b in members[ends[1]]],
        },
    )
    return doc


def make_given(nlp: Language, golds: list[Doc]) -> list[Example]:
    """Examples whose predicted documents have the gold mentions."""
    examples = []
    for gold in golds:
        doc = nlp.make_doc(gold.text)
        spans = [doc.char_span(m.start_char, m.end_char, m.label_, m.kb_id_) for m in gold.spans["entities"]]
        doc.spans["entities"] = spans
        examples.append(Example(doc, gold))
    return examples


def train(nlp: Language, golds: list[Doc], epochs: int, learn_rate: float = 0.003) -> list[float]:
    """Initialize and train the last component. Returns the loss of each epoch."""
    optimizer = nlp.initialize(lambda: make_given(nlp, golds))
    optimizer.learn_rate = learn_rate
    losses = []
    for _ in range(epochs):
        examples = make_given(nlp, golds)
        losses.append(sum(nlp.update(examples[i::2], sgd=optimizer)[nlp.pipe_names[-1]] for i in range(2)))
    return losses


def predict(nlp: Language, golds: list[Doc], **options: Any) -> list[Doc]:
    return list(nlp.pipe([each.predicted for each in make_given(nlp, golds)], **options))
