"""Where things go: nothing on top of anything else, for any graph over any text."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.visualize.layout import Layout, lay_out
from spacy_keci.visualize.picture import DrawnMention, DrawnRelation, Picture
from spacy_keci.visualize.shapes import LABEL_FONT, Row
from spacy_keci.visualize.text import text_width

WORDS = ["a", "FKBP12", "-", ",", "binding", "of", "\n", " ", "תרופה", "0", "膜", "A" * 60, "\x00"]


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    tokens = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
    n = len(tokens)
    spaces = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    breaks = draw(st.frozensets(st.integers(1, n), max_size=2))
    positions = st.tuples(st.integers(0, n - 1), st.integers(1, 6), st.sampled_from(["protein", "protein-complex"]))
    mentions = [DrawnMention(i, min(i + k, n), label) for i, k, label in draw(st.lists(positions, max_size=8))]
    relations = []
    if mentions:
        ends = st.integers(0, len(mentions) - 1)
        triples = st.tuples(ends, ends, st.sampled_from(["bind", "bind_uncertain"]), st.booleans())
        relations = [DrawnRelation(*triple) for triple in draw(st.lists(triples, max_size=10))]
    return Picture(tokens, spaces, frozenset(b for b in breaks if b < n), mentions, relations)


def overlapping(intervals: list[tuple[float, float]]) -> bool:
    ordered = sorted(intervals)
    return any(end > start + 0.01 for (_, end), (start, _) in pairwise(ordered))


def labels(row: Row) -> list[tuple[float, float, float]]:
    return [(arc.y, arc.x - arc.label_width / 2, arc.x + arc.label_width / 2) for arc in row.arcs]


@given(pictures())
def test_nothing_overlaps(picture):
    layout = lay_out(picture, 400)
    for row in layout.rows:
        assert not overlapping([(w.x - w.width / 2, w.x + w.width / 2) for w in row.words])
        for y in {bar.y for bar in row.bars}:
            assert not overlapping([(bar.x, bar.x + bar.width) for bar in row.bars if bar.y == y])
        for (y1, low1, high1), (y2, low2, high2) in combinations(labels(row), 2):
            assert abs(y1 - y2) > 9 or high1 <= low2 or high2 <= low1


@given(pictures())
def test_all_is_inside(picture):
    layout = lay_out(picture, 400)
    bottom = 0.0
    for row in layout.rows:
        assert row.y >= bottom
        bottom = row.y + row.baseline
        edges = [row.x + w.x + side * w.width / 2 for w in row.words for side in (-1, 1)]
        edges += [row.x + edge for _, low, high in labels(row) for edge in (low, high)]
        assert all(0 <= edge <= layout.width + 0.01 for edge in edges)
        assert all(text_width(bar.label, LABEL_FONT) <= bar.width + 0.01 or len(bar.label) == 1 for bar in row.bars)
        assert all(0 <= bar.y < row.baseline for bar in row.bars) and all(arc.y >= 0 for arc in row.arcs)
    assert layout.height >= bottom


@given(pictures())
def test_nothing_is_left_out(picture):
    layout = lay_out(picture, 400)
    shown = "".join(words.text for row in layout.rows for words in row.words)
    letters = [char for char in shown.replace("␀", "\x00") if not char.isspace() and char != "␣"]
    assert sorted(letters) == sorted(char for token in picture.tokens for char in token if not char.isspace())
    drawn = [id(bar.mention) for row in layout.rows for bar in row.bars]
    assert set(drawn) == {id(mention) for mention in picture.mentions}
    whole = sum(not arc.framed for row in layout.rows for arc in row.arcs)
    assert whole <= len(picture.relations)
    assert bool(picture.relations) == any(row.arcs for row in layout.rows)


def texts(layout: Layout) -> list[str]:
    return [" ".join(words.text for words in row.words) for row in layout.rows]


def test_sentences_and_line_breaks_begin_rows():
    picture = Picture(
        ["A", "b", ".", "C", "d", "\n", "e"], [True, False, True, True, False, False, False], frozenset([3])
    )
    assert texts(lay_out(picture, 500)) == ["A b.", "C d", "e"]


def test_long_sentence_is_cut_where_no_relation_is():
    tokens = ["word"] * 24
    mentions = [DrawnMention(9, 10, "x"), DrawnMention(14, 15, "x")]
    relation = DrawnRelation(0, 1, "binds")
    (first, second) = lay_out(Picture(tokens, [True] * 24, mentions=mentions, relations=[relation]), 640).rows
    assert len(first.arcs) + len(second.arcs) == 1
    assert not any(arc.framed for arc in (*first.arcs, *second.arcs))


def test_relation_between_rows_names_the_other_end():
    tokens = ["Tacrolimus", "falls", ".", "FKBP12", "rises", "."]
    mentions = [DrawnMention(0, 1, "drug"), DrawnMention(3, 4, "protein")]
    relations = [DrawnRelation(0, 1, "raises"), DrawnRelation(0, 1, "binds", directed=False)]
    picture = Picture(tokens, [True, False] * 3, frozenset([3]), mentions, relations)
    rows = lay_out(picture, 500).rows
    assert [[arc.label for arc in row.arcs] for row in rows] == [
        ["raises → FKBP12", "binds · FKBP12"],
        ["Tacrolimus: raises ↓", "binds · Tacrolimus"],
    ]


def test_the_longer_mention_lies_below():
    mentions = [DrawnMention(0, 1, "inner"), DrawnMention(0, 2, "outer")]
    (row,) = lay_out(Picture(["EGF", "receptor"], [True, False], mentions=mentions), 500).rows
    inner, outer = sorted(row.bars, key=lambda bar: bar.y)
    assert (inner.label, outer.label) == ("inner", "outer") and outer.outer and not inner.outer
    assert outer.x < inner.x and inner.x + inner.width < outer.x + outer.width


def test_an_arc_over_arcs():
    mentions = [DrawnMention(i, i + 1, "x") for i in (0, 2, 4)]
    relations = [DrawnRelation(0, 2, "far"), DrawnRelation(0, 1, "near"), DrawnRelation(1, 2, "near")]
    (row,) = lay_out(Picture(["word"] * 5, [True] * 5, mentions=mentions, relations=relations), 500).rows
    far, near, other = row.arcs
    assert far.y < near.y == other.y


def test_empty_text():
    layout = lay_out(Picture([], []), 500)
    assert layout.rows == [] and layout.width > 0 and layout.height > 0
