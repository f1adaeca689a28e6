"""Widths and signs of text in drawings."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.visualize.text import shorten, text_width, writable


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
