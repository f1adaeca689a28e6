import pytest
from spacy.language import Language

from spacy_keci.knowledge.abbreviations import find_abbreviations


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("We saw acute kidney injury (AKI) twice.", "AKI", "acute kidney injury"),
        ("the estrogen receptor [ER] binds", "ER", "estrogen receptor"),
        ("heat shock protein 70 (HSP70)", "HSP70", "heat shock protein 70"),
        ("nuclear factor kappa B (NF-kB), which", "NF-kB", "nuclear factor kappa B"),
    ],
)
def test_defined_in_the_text(nlp: Language, text: str, short: str, long: str) -> None:
    doc = nlp.make_doc(text)
    ((a, b), (c, d), *_) = find_abbreviations(doc)[0]
    assert (doc[a:b].text, doc[c:d].text) == (short, long)


@pytest.mark.parametrize("text", ["", "(AKI)", "as shown (Fig. 1)", "binding (see below)", "it rose (P < 0.05)", "x ("])
def test_not_abbreviations(nlp: Language, text: str) -> None:
    assert find_abbreviations(nlp.make_doc(text)) == []
