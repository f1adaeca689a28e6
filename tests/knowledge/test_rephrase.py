import pytest

from spacy_keci.knowledge.rephrase import elements, rephrase


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("keratitis-deafness (KID) syndrome", "keratitis-deafness syndrome"),
        ("cancer of the breast", "breast cancer"),
        ("b-catenin", "beta catenin"),
        ("TNF-a", "TNF alpha"),
        ("Ca(2+)", "calcium"),
        ("Ca2+", "calcium"),
        ("Pb", "lead"),
        ("[(3)H]norepinephrine", "norepinephrine"),
        ("human insulin", "insulin"),
        ("BRCA1 mRNA", "BRCA1"),
        ("VEGF receptor 2", "VEGFR2"),
        ("NRG-1 beta", "NRG-1"),
        ("hypertensive", "hypertension"),
        ("inflammatory", "inflammation"),
        ("thrombotic", "thrombosis"),
        ("leukemic", "leukemia"),
        ("epileptic", "epilepsy"),
        ("obese", "obesity"),
        ("aspartate", "aspartic acid"),
        ("acutely hypoxic", "acutely hypoxia"),
        ("renal damage", "renal disease"),
        ("memory deficits", "memory disorder"),
        ("malaria infection", "malaria"),
        ("cytomegalovirus", "cytomegalovirus infection"),
    ],
)
def test_what_else_a_mention_may_be_called(text: str, expected: str) -> None:
    assert expected in list(rephrase(text))


@pytest.mark.parametrize("text", ["W", "K", "cat"])
def test_what_is_not_rephrased(text: str) -> None:
    # a letter is no element, and too little of a word is no stem
    assert not {*elements().values(), text} & set(rephrase(text))


def test_the_most_faithful_comes_first() -> None:
    assert next(iter(rephrase("damage of the kidney (CKD)"))) == "damage of the kidney"
    assert list(elements())[:2] == ["H", "He"] and len(elements()) == 92
