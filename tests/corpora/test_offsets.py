from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.offsets import BYTES, CHARACTERS, CODE_UNITS, Layout, Passage, Reading, readings
from spacy_keci.corpora.standoff import StandoffText
from spacy_keci.reports import Report

UNITS = {
    CHARACTERS: len,
    BYTES: lambda text: len(text.encode()),
    CODE_UNITS: lambda text: len(text.encode("utf-16-le")) // 2,
}
LINE_ENDS = {
    "": lambda text: text,
    "CRLF as one": lambda text: text.replace("\r\n", "\n"),
    "LF as two": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
}
WORDS = st.lists(st.sampled_from(["FK506", "IL-1β", "κB", "𝛼-helix", "in", "12", "naïve"]), min_size=1, max_size=9)


@st.composite
def words_in_text(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    text, places = "", []
    for i, word in enumerate(draw(WORDS)):
        text += draw(st.sampled_from([" ", "\n", "\r\n"])) if i else ""
        places.append((len(text), len(text) + len(word)))
        text += word
    return text, places


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("line_ends", LINE_ENDS)
@pytest.mark.parametrize("bom", [False, True])
@given(drawn=words_in_text())
def test_a_shift_of_all_mentions_is_recognised(
    unit: str, line_ends: str, bom: bool, drawn: tuple[str, list[tuple[int, int]]]
) -> None:
    """Offsets are counted here by encoding what stands before them, and not by the widths of characters."""
    text, places = drawn

    def shifted(place: int) -> int:
        before = ("\ufeff" if bom else "") + text[:place]
        return UNITS[unit](LINE_ENDS[line_ends](before))

    report = Report()
    standoff = StandoffText(text, "d", report, bom=bom)
    for i, (start, end) in enumerate(places):
        standoff.add_mention(str(i), [(shifted(start), shifted(end))], "x", text[start:end])
    found = standoff.build()
    assert len(found.mentions) == len(places)
    if [m[:2] for m in found.mentions] != places:
        # then the file says the same in the reading that was taken
        surfaces = [text[start:end] for start, end in places]
        assert [text[m.start : m.end] for m in found.mentions] == surfaces
    assert not report.dropped
    assert sum(report.counts.values()) <= 1


def test_what_is_wrong_by_chance_is_not_a_shift() -> None:
    report = Report()
    standoff = StandoffText("IL-1β and CRP, CRP", "d", report)
    standoff.add_mention("1", [(0, 5)], "x", "IL-1β")
    standoff.add_mention("2", [(10, 13)], "x", "CRP")
    standoff.add_mention("3", [(14, 17)], "x", "CRP")
    assert [m[:2] for m in standoff.build().mentions] == [(0, 5), (10, 13)]
    assert report.counts == {"dropped: mention whose offsets do not hold its text": 1}


def test_readings_that_differ_on_a_text() -> None:
    assert list(readings("abc")) == [Reading()]
    assert [reading.name for reading in readings("β\n")] == [
        CHARACTERS,
        f"{CHARACTERS}, LF as two",
        BYTES,
        f"{BYTES}, LF as two",
    ]
    assert [reading.unit for reading in readings("𝛼", CODE_UNITS)] == [CODE_UNITS, CHARACTERS, BYTES]
    assert len(list(readings("a", bom=True))) == 3
    # no offset is inside of a character
    assert Layout([Passage(0, "βx")], Reading(BYTES), " ").locate(1, 3) is None


def lay_out(*passages: tuple[int, str, int] | tuple[int, str]) -> tuple[str, Sequence[int]]:
    layout = Layout([Passage(*passage) for passage in passages], Reading(), "_")
    return layout.text, layout.left_out


def test_passages_that_overlap() -> None:
    assert lay_out((0, "aa"), (3, "bb"), (3, "cccc"), (9, "dd")) == ("aa_cccc__dd", [1])
    assert lay_out((0, "aa"), (3, "bb", 1), (3, "cccc"), (9, "dd")) == ("aa_bb____dd", [2])
    assert lay_out((3, "bb"), (0, "aa")) == ("aa_bb", [])
    assert lay_out((0, "aa"), (3, "b"), (2, ""), (10**9, "far"), (-1, "x")) == ("aa_b", [3, 4])
    assert lay_out((0, "a"), (1, "b"), (2, "")) == ("ab", [])
    assert lay_out() == ("", [])


@given(st.lists(st.tuples(st.integers(-2, 12), st.text("ab", max_size=4), st.integers(0, 2)), max_size=6))
def test_the_passages_kept_are_the_best_choice(drawn: list[tuple[int, str, int]]) -> None:
    passages = [Passage(*each) for each in drawn]
    layout = Layout(passages, Reading(), "_")

    def value(chosen: Sequence[int]) -> int:
        return sum(passages[i].n_annotations + bool(passages[i].text) for i in chosen)

    def fits(chosen: Sequence[int]) -> bool:
        ends = 0
        for passage in sorted((passages[i] for i in chosen), key=lambda p: (p.offset, p.offset + len(p.text))):
            if passage.offset < ends:
                return False
            ends = passage.offset + len(passage.text)
        return all(passages[i].offset >= 0 for i in chosen)

    n = len(passages)
    subsets = ([i for i in range(n) if mask >> i & 1] for mask in range(2**n))
    kept = [i for i in range(n) if i not in layout.left_out]
    assert fits(kept)
    assert value(kept) == max(value(subset) for subset in subsets if fits(subset))
    for i in kept:
        start, text, _ = passages[i]
        assert layout.text[start : start + len(text)] == text


def test_passages_in_bytes() -> None:
    """The passages of a file whose offsets count bytes follow on one another as they would in characters."""
    report = Report()
    passages = [Passage(0, "TNF-α."), Passage(8, "IL-1β and CRP.")]
    standoff = StandoffText(passages, "d", report)
    for id, start, surface in (("1", 0, "TNF-α"), ("2", 8, "IL-1β"), ("3", 19, "CRP")):
        standoff.add_mention(id, [(start, start + len(surface.encode()))], "x", surface, passage=int(id != "1"))
    found = standoff.build()
    assert found == AnnotatedText("TNF-α.\nIL-1β and CRP.", found.mentions, id="d")
    assert [found.text[m.start : m.end] for m in found.mentions] == ["TNF-α", "IL-1β", "CRP"]
    assert report.counts == {"texts whose offsets count UTF-8 bytes, corrected": 1}
