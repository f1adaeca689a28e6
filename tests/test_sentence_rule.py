"""The rule that finds the sentences of biomedical English."""

import re
import textwrap
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.sentence_rule import find_sentences

from .corpora.strategies import TEXTS


def split(text: str) -> list[str]:
    starts = find_sentences(text)
    return [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]


@pytest.mark.parametrize(
    "sentences",
    [
        # numbers and names in small letters
        ["It was seen in mice.", "14 patients were treated.", "5-HT binds 5-HT2A.", "17β-estradiol did not."],
        ["Max is needed.", "c-Myc binds it.", "c-fos does not.", "p53 was lost.", "mTOR and miR-21 rose.", "pH was 7."],
        ["It forms fibrils.", "alpha-Synuclein does.", "alpha-synuclein too.", "α-Synuclein aggregates."],
        ["One was seen at E18.5.", "1-Methyl-4-phenylpyridinium is toxic."],
        # abbreviations, numbers and references
        ["At 0.5 mM (e.g. in vitro), i.e. 2 mg. kg-1. d-1, FK506 binds.", "FKBP12 does not (Fig. 5)!", "Is it (why?)?"],
        ["Chen et al. (2001) used approx. 5 mg, cf. Fig. S4 and No. 5, vs. 3.", "It did not."],
        ["Rats got 5 mg/kg i.v.", "Mice got 3 mg p.o. daily.", "It was p = 0. 05 or p. 12."],
        ["As was shown by Chen et al.", "The drug binds p53."],
        [
            "R. G. Roeder et al. (U. S. A.) found vitamin C.",
            "Lamb, M. Hagiwara, and A. B. Chen found hepatitis B.",
            "Mice were not.",
        ],
        ["See J. Biol. Chem. 275, 123 and E. coli (Sigma, St. Louis, Mo. USA).", "We did."],
        ["MDM2 binds p53.[12]", "It is degraded.1,2", "Nutlin-3 [Nat. Med. 9 (2006)] does not. [13]", "Nor does it."],
        ["It binds [1].", "(The other.", "It does not.)", "“So it is.”"],
        ["In dogs.", "1. Torsades were seen.", "2. None died."],
        ["It rose in E. coli and S. cerevisiae .", "Then ( Fig . 2 ) it fell ."],
        # heads
        [
            "A title",
            "BACKGROUND:",
            "MDM2 binds p53.",
            "MATERIALS AND METHODS:",
            "we did.",
            "Main outcome measures:",
            "Pain.",
        ],
        ["TAKE HOME MESSAGE:", "It binds.", "CONCLUSION(S):", "BCR: it is."],
        ["The following methods: none.", "EGFR: a target"],
        [],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    assert split("  ".join(sentences)) == sentences


@pytest.mark.parametrize("white_space", ["\n", "\t", "\r\n", "\u2028", " \n\n ", "\x0c"])
def test_line_breaks_and_tabs(white_space: str) -> None:
    assert split(f"FK506 and{white_space}other drugs (in{white_space}mice)") == [
        "FK506 and",
        "other drugs (in",
        "mice)",
    ]


LINE = "The oncoprotein MDM2 (and its homologue MDMX)"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", " \n  "])
@pytest.mark.parametrize("following", ["binds p53.", "(in most cells) binds p53."])
def test_wrapped_lines(line_break: str, following: str) -> None:
    text = f"{LINE}{line_break}{following}"
    assert split(text) == [text]


PARAGRAPH = (
    "MDM2 binds p53 in most cells. It is known that Nutlin-3 inhibits this. c-Myc and E2F1 are not bound, as was shown "
    "by Momand et al. The oncoprotein and its homologue MDMX are found in sarcomas (Oliner, 1992)."
)


@pytest.mark.parametrize("width", [60, 72, 80])
@pytest.mark.parametrize("line_break", ["\n", " \n", "\n   ", "\r\n"])
def test_paragraphs_in_lines_of_one_width(width: int, line_break: str) -> None:
    """Also before names and capitals; blank lines end a paragraph."""
    lines = line_break.join(textwrap.wrap(PARAGRAPH, width, break_on_hyphens=False))
    text = f"A title\n\n{lines}\n\np53"
    assert [" ".join(sentence.split()) for sentence in split(text)] == ["A title", *split(PARAGRAPH), "p53"]


def test_short_lines_below_wrapped_ones() -> None:
    lines = [*textwrap.wrap(PARAGRAPH, 72, break_on_hyphens=False), "MDM2 and", "its homologue"]
    assert split("\n".join(lines))[-2:] == ["MDM2 and", "its homologue"]


@pytest.mark.parametrize(
    "lines",
    [
        ["MDM2 and", "its homologue"],
        [LINE, "p53 binds it"],
        [LINE, "Nutlin-3 binds it"],
        [f"{LINE}.", "we saw it"],
        [LINE, "", "we saw it"],
        ["MDM2, MDMX, p53, p63, p73, BAX, BCL-2\tyes", "no"],  # of a table
        [LINE, "MDM2 and its homologue MDMX bind p53, and this was confirmed", f"{LINE} was seen"],  # a list
        ["MDM2 and p53", "MDMX and p53", "MDM2 and Rb"],  # short lines
        [f"{name} and its homologues bind and inhibit the oncoproteins of HPV" for name in ("MDM2", "MDMX", "Cbl-b")],
    ],
)
def test_lines_that_are_not_wrapped(lines: list[str]) -> None:
    assert split("\n".join(lines)) == [part for line in lines if line for part in line.split("\t")]


@given(
    TEXTS
    | st.lists(
        st.sampled_from(["(", ")", "[", "]", ".", "A.", "al.", "5", "METHODS:", "p53", "The", "\n", "a"]), max_size=30
    ).map(" ".join)
)
def test_sentences_begin_with_words(text: str) -> None:
    starts = find_sentences(text)
    assert starts == sorted(set(starts))
    assert starts[:1] == [match.start() for match in re.finditer(r"\S+", text)][:1]
    assert all(not text[i].isspace() and (i == 0 or text[i - 1].isspace()) for i in starts)


@pytest.mark.parametrize(
    "part",
    [
        "Name ",
        "( ",
        "[1] ",
        ".",
        ". ",
        "A. ",
        "(a) ",
        "METHODS: ",
        "METHODS AND ",
        "The et al. ",
        "\n",
        "aa.1,",
        "N=5 (b. 2. ",
    ],
)
def test_long_texts(part: str) -> None:
    """Quadratic time would be minutes."""
    starts = list(find_sentences(part * 30_000))
    assert starts == sorted(set(starts)) and all(0 <= start < len(part) * 30_000 for start in starts)
