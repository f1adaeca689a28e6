"""Annotated texts as hypothesis draws them: any characters, mentions nested, overlapping and crossing words."""

from hypothesis import strategies as st

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple

LABELS = st.sampled_from(["protein", "DNA", "réaction ✓"])
SCORES = st.one_of(st.just(1.0), st.floats(0, 1, width=32))
# Rich in what tokenizers stumble over.
TEXTS = st.text(st.one_of(st.sampled_from("aB1 -_.,()/\n\t\u00a0\u2028α'"), st.characters(codec="utf-8")), max_size=40)


@st.composite
def annotated_texts(draw: st.DrawFn) -> AnnotatedText:
    """Valid ones: no mention is empty, is whitespace only, or begins or ends with whitespace."""
    text = draw(TEXTS)
    solid = [i for i, character in enumerate(text) if not character.isspace()]
    mentions: list[Mention] = []
    relations: list[RelationTriple] = []
    if solid:
        ends = st.tuples(st.sampled_from(solid), st.sampled_from(solid)).map(sorted)
        spans = draw(st.lists(st.tuples(ends, LABELS, st.sampled_from(["", "CHEBI:1"])), max_size=6))
        mentions = [Mention(first, last + 1, label, kb_id, draw(SCORES)) for (first, last), label, kb_id in spans]
    if mentions:
        index = st.integers(0, len(mentions) - 1)
        relations = draw(st.lists(st.builds(RelationTriple, index, index, LABELS, SCORES), max_size=4))
    clustered = draw(st.booleans())
    return AnnotatedText(
        text,
        mentions,
        relations,
        id=draw(st.sampled_from(["", "a1"])),
        group=draw(st.sampled_from(["", "123"])),
        meta=draw(st.sampled_from([{}, {"year": 1994, "journal": {"issn": "0028-0836"}}])),
        clusters=[[i] for i in range(len(mentions))] if clustered else None,
        interactions=[Interaction(*relation) for relation in relations] if clustered else None,
    )
