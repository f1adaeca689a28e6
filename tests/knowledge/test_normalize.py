import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.knowledge.normalize import fold, normalize, normalize_token


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NF-κB", "nf kappa b"),
        ("TGF-β1", "TGF beta 1"),
        ("MAP kinases", "map kinase"),
        ("antibodies", "antibody"),
        ("complexes", "complex"),
        ("metastases", "metastasis"),
        ("Crohn's disease", "Crohn disease"),
        ("haemorrhage", "hemorrhage"),
        ("tumour", "tumor"),
        ("tumours", "tumors"),
        ("Sjögren syndrome", "sjogren syndrome"),
        ("μ-opioid", "µ-opioid"),
        ("Ca(2+)", "Ca2+"),
    ],
)
def test_the_same_name(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(("one", "other"), [("Ras", "Ra"), ("virus", "viru"), ("analysis", "analysi"), ("gas", "ga")])
def test_not_the_same_name(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)


@given(st.lists(st.text(), max_size=4))
def test_keys_of_parts_make_the_key_of_the_whole(parts: list[str]) -> None:
    assert normalize(" ".join(parts)) == "".join(map(normalize, parts))


@given(st.text())
def test_keys_have_letters_and_digits_only(text: str) -> None:
    assert all(c.isalnum() for c in normalize(text) + fold(text))


@given(st.text(st.characters(max_codepoint=0x3FF)))
def test_case_does_not_matter_to_keys_but_to_folding(text: str) -> None:
    assert fold(text) == "".join(c for c in fold(text) if c.isalnum())
    assert normalize("BRCA1 " + text) == normalize("brca1 " + text)


def test_long_words_are_not_remembered() -> None:
    """Texts may hold sequences of 300,000 letters each: memory does not grow with their number."""
    tracemalloc.start()
    try:
        for i in range(50):
            assert normalize_token(f"{'ACGT' * 25_000}{i}").endswith(str(i))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
