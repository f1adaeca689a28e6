"""Drawings in a real browser: what is shown is where the layout says, and can be read."""

from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import spacy_keci

from ..browser import Browser

BOXES = """
return [...document.querySelectorAll('svg')].map(svg => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(text => {
    const box = text.getBoundingClientRect();
    return [text.textContent, box.left, box.top, box.right, box.bottom];
  });
  return {frame: [frame.left, frame.top, frame.right, frame.bottom], texts};
});
"""


class Box(NamedTuple):
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: "Box") -> bool:
        # Boxes of text hold the space above and below the letters, which may overlap a little.
        beside = self.right < other.left + 1 or other.right < self.left + 1
        return not beside and self.top + 5 < other.bottom and other.top + 5 < self.bottom


def test_texts_do_not_overlap(demo_docs, browser: Browser, tmp_path: Path) -> None:
    page = spacy_keci.render(demo_docs, page=True, width=500)
    drawings = browser.evaluate(page or "", BOXES, tmp_path)
    assert len(drawings) == len(demo_docs)
    for drawing in drawings:
        left, top, right, bottom = drawing["frame"]
        boxes = [Box(*box) for box in drawing["texts"]]
        for box in boxes:
            assert (
                left - 1 <= box.left and box.right <= right + 1 and top - 2 <= box.top and box.bottom <= bottom + 2
            ), box
        for one, other in combinations(boxes, 2):
            assert not one.covers(other), (one, other)


def test_screenshot(demo_docs, browser: Browser, tmp_path: Path) -> None:
    browser.screenshot(spacy_keci.render(demo_docs[:3], page=True) or "", tmp_path / "drawing.png")
    empty = "<!DOCTYPE html><body></body>"
    browser.screenshot(empty, tmp_path / "empty.png")
    assert (tmp_path / "drawing.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "drawing.png").stat().st_size > 2 * (tmp_path / "empty.png").stat().st_size
