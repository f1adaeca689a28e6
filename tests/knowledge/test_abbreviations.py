from pathlib import Path

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_keci.knowledge.abbreviations import find_abbreviations

CASES = Path(__file__).parent / "abbreviations.tsv"


def defined(nlp: Language, text: str) -> list[str]:
    """The definitions of a text, as ``SHORT=LONG``."""
    doc = nlp.make_doc(text)
    return [f"{doc[slice(*each.short)].text}={doc[slice(*each.long)].text}" for each in find_abbreviations(doc)]


def read_cases() -> list[tuple[str, set[str]]]:
    lines = [line for line in CASES.read_text(encoding="utf8").splitlines() if not line.startswith("#")]
    return [(text, set(gold)) for text, *gold in (line.split("\t") for line in lines)]


def test_precision_and_recall(nlp: Language) -> None:
    cases = read_cases()
    assert len(cases) >= 150
    found = [set(defined(nlp, text)) for text, _ in cases]
    right = sum(len(ours & gold) for ours, (_, gold) in zip(found, cases, strict=True))
    assert right / sum(map(len, found)) >= 0.97
    assert right / sum(len(gold) for _, gold in cases) >= 0.85


@pytest.mark.parametrize("text", ["", "(AKI)", "as shown (Fig. 1)", "binding (see below)", "it rose (P < 0.05)", "x ("])
def test_not_abbreviations(nlp: Language, text: str) -> None:
    assert find_abbreviations(nlp.make_doc(text)) == []


@pytest.mark.parametrize(
    "bracket",
    [
        "i.e., spinal and bulbar muscular atrophy",
        "spinal and bulbar muscular atrophy, OMIM 313200",
        "Kennedy's disease; spinal and bulbar muscular atrophy",
    ],
)
@pytest.mark.parametrize("of_spacy", [True, False])
def test_long_form_among_others_in_brackets(nlp: Language, bracket: str, of_spacy: bool) -> None:
    blank = spacy.blank("en") if of_spacy else nlp
    assert defined(blank, f"SBMA ({bracket}) is rare.") == ["SBMA=spinal and bulbar muscular atrophy"]


def test_what_a_definition_says_of_itself(nlp: Language) -> None:
    doc = nlp.make_doc("Acute kidney injury (AKI), methotrexate (MTX) and non-small cell lung cancer (SCLC).")
    kidney, drug, cancer = find_abbreviations(doc)
    assert kidney.is_certain and kidney.other is None and not drug.is_certain
    assert cancer.other is not None
    assert doc[slice(*cancer.long)].text == "small cell lung cancer"
    assert doc[slice(*cancer.other)].text == "non-small cell lung cancer"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["(", ")", "[", "]", "AKI", "acute", "kidney", "α", "-", ",", ";", "“", "\n", "2"])))
def test_any_text(nlp: Language, words: list[str]) -> None:
    for text in (" ".join(words), "".join(words)):
        doc = nlp.make_doc(text)
        for short, long, other, _ in find_abbreviations(doc):
            assert 0 <= short[0] < short[1] <= len(doc) and 0 <= long[0] < long[1] <= len(doc)
            assert long[1] <= short[0] or short[1] <= long[0]
            assert other is None or other[1] == long[1]


@pytest.mark.parametrize("blank", [" ", "  ", "\u00a0"])
def test_long_forms_stay_in_their_clause(nlp: Language, blank: str) -> None:
    """Also where a token of white space follows its end."""
    for text in ("It acts on the thymus. Necrosis factors (TNF) rose.", "They take, nerve growth factor (TNGF) rose."):
        assert defined(nlp, text.replace(" ", blank)) == []
    text = "AR (acid red; androgen receptor) and tumor necrosis factor (TNF)".replace(" ", blank)
    assert [" ".join(each.split()) for each in defined(nlp, text)] == ["AR=acid red", "TNF=tumor necrosis factor"]
