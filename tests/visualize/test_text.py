"""Directions, widths and signs of text in drawings."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.visualize.text import (
    base_direction,
    direction,
    resolve_directions,
    shorten,
    text_width,
    visual_order,
    writable,
)


@given(st.text())
def test_writable_text_fits_into_xml(text):
    element = ElementTree.Element("p")
    element.text = writable(text)
    assert ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode")) is not None
    assert len(writable(text)) == len(text)


def test_signs_of_control_characters():
    assert writable("a\x00\x1b\x7f\x85\u202e\ufffeb") == "a␀␛␡���b"
    assert writable("α-helix\n\u200f") == "α-helix\n\u200f"


def test_widths():
    assert text_width("il", 10) < text_width("mw", 10)
    assert text_width("é", 10) == text_width("e", 10) == text_width("e\u0301", 10)
    assert text_width("膜", 10) == 10 and text_width("", 10) == 0


def test_shorten():
    assert shorten("a  b\n c", 10) == "a b c"
    assert shorten("abcdefgh", 5) == "abcd…"


def test_directions():
    assert [direction(text) for text in ("binds", "תרופה", "506", "-", "")] == ["L", "R", "L", "N", "N"]
    assert base_direction(["תרופה", "FK506", "נגד", "סרטן"]) == "R"
    assert base_direction([]) == base_direction(["-"]) == "L"


@pytest.mark.parametrize(
    "words, base, shown",
    [
        ("a b c", "L", "a b c"),
        ("a ב ג d", "L", "a ג ב d"),
        ("א b c ד", "R", "ד b c א"),
        ("א 0 . 5 ד", "R", "ד 0 . 5 א"),  # a number is not turned around
        ("א .", "R", ". א"),
    ],
)
def test_visual_order(words, base, shown):
    words = words.split()
    order = visual_order(resolve_directions(words, base), base)
    assert [words[i] for i in order] == shown.split()


@given(st.lists(st.sampled_from("aא.")), st.sampled_from("LR"))
def test_every_word_has_its_place(words, base):
    directions = resolve_directions(words, base)
    assert sorted(visual_order(directions, base)) == list(range(len(words)))
    assert set(directions) <= {"L", "R"}
