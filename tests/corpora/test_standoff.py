import pytest

from spacy_keci.corpora.standoff import StandoffText
from spacy_keci.reports import Report


def keep(text: str, pieces: list[tuple[int, int]], surface: str) -> tuple[list[str], Report]:
    report = Report()
    standoff = StandoffText(text, "d", report)
    standoff.add_mention("T1", pieces, "x", surface)
    return [text[m.start : m.end] for m in standoff.build().mentions], report


@pytest.mark.parametrize(
    ("text", "pieces", "surface"),
    [
        ("alpha- and beta-adrenergic agents", [(0, 6), (16, 33)], "alpha-adrenergic agents"),
        ("alpha- and beta-adrenergic agents", [(0, 6), (16, 33)], "alpha- adrenergic agents"),
        ("agents of the alpha kind", [(14, 19), (0, 6)], "alpha agents"),
        ("agents of the alpha kind", [(14, 19), (0, 6)], "agents alpha"),
        ("beta  \n blocker", [(0, 15)], "beta blocker"),
    ],
)
def test_pieces_joined_in_any_way(text: str, pieces: list[tuple[int, int]], surface: str) -> None:
    kept, report = keep(text, pieces, surface)
    assert kept == [text[min(s for s, _ in pieces) : max(e for _, e in pieces)]]
    assert not report.dropped


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("TNF-α", "TNF-a"),
        ("TNF-α", "TNF-alpha"),
        ("TRα1", "TRa1"),
        ("Iκbα", "Ikappabalpha"),
        ("TNF-a", "TNF-α"),
        ("naïve", "naive"),
        ("5 µM", "5 uM"),
        ("5 μM", "5 muM"),
        ("IL–2", "IL-2"),
        ("x’s", "x's"),
        ("TNF-α", "TNF-?"),
    ],
)
def test_letters_that_the_file_spells_in_ascii(text: str, surface: str) -> None:
    kept, report = keep(text, [(0, len(text))], surface)
    assert kept == [text]
    assert report.counts == {"mentions that the file spells differently from the text": 1}


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("TNF-α", "TNF-b"),
        ("TNF-α", "TNF"),
        ("insulin", "Insulin"),
        ("IL-1β", "IL-2b"),
        ("α", "β"),
        ("•" * 99, "-" * 99 + "x"),  # not found in time by a pattern
    ],
)
def test_other_words_are_no_spelling(text: str, surface: str) -> None:
    kept, report = keep(text, [(0, len(text))], surface)
    assert not kept
    assert report.counts == {"dropped: mention whose offsets do not hold its text": 1}
