import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.lexicon import Lexicon
from spacy_keci.knowledge.lexicon_writer import write_lexicon
from spacy_keci.knowledge.normalize import normalize
from spacy_keci.knowledge.storage import Files, StringTableWriter


def found(kb: KnowledgeBase, nlp: Language, text: str) -> dict[str, list[str]]:
    """Surfaces in the text with the concepts that they may name."""
    doc = nlp.make_doc(text)
    hits = kb.lexicon.find([t.text for t in doc], [bool(t.whitespace_) for t in doc])
    spans = {doc[h.start : h.end].text: h.key for h in hits}
    named = {s: [kb.id(c) for c in kb.lexicon.candidates(key, s)] for s, key in spans.items()}
    return {s: ids for s, ids in named.items() if ids}


def test_overlapping_names_are_all_found(kb: KnowledgeBase, nlp: Language) -> None:
    assert found(kb, nlp, "Acute kidney injuries") == {
        "Acute kidney injuries": ["D:1"],
        "kidney injuries": ["D:2"],
    }


def test_words_that_are_symbols_too_need_their_case(kb: KnowledgeBase, nlp: Language) -> None:
    assert found(kb, nlp, "the cat")["cat"] == ["A:1"]
    assert found(kb, nlp, "the gene CAT")["CAT"] == ["G:3", "A:1"]
    assert found(kb, nlp, "Rb and RB")["Rb"] == ["G:7"]
    assert found(kb, nlp, "rb") == {}


@pytest.mark.skipif(not hasattr(np, "_set_promotion_state"), reason="numpy is of version 2.2 or later, where it is so")
def test_words_that_are_symbols_too_with_numpy_2(kb: KnowledgeBase, nlp: Language) -> None:
    """Which takes no Python number that an array's own type cannot hold."""
    before = np._get_promotion_state()  # type: ignore[attr-defined]
    np._set_promotion_state("weak")  # type: ignore[attr-defined]
    try:
        test_words_that_are_symbols_too_need_their_case(kb, nlp)
    finally:
        np._set_promotion_state(before)  # type: ignore[attr-defined]


def test_variants(kb: KnowledgeBase, nlp: Language) -> None:
    assert found(kb, nlp, "CREB") == {"CREB": ["G:5"]}
    assert found(kb, nlp, "GSK-3β") == {"GSK-3β": ["G:6"]}
    assert found(kb, nlp, "SH3 and SH3 domains") == {"SH3": ["P:1"], "SH3 domains": ["P:1"]}
    assert found(kb, nlp, "hTP53") == {"hTP53": ["G:1"]}
    assert found(kb, nlp, "p53 proteins")["p53 proteins"] == ["G:1"]
    assert found(kb, nlp, "severe kidney injury")["severe kidney injury"] == ["D:2"]
    assert set(found(kb, nlp, "Ca2+ or Ca(2+)")) == {"Ca2", "Ca2+", "Ca(2+)"}


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("severe kidney injury", ["D:2"]),
        ("fatal acute kidney injury", ["D:1"]),
        ("Massive, symptomatic", []),
        ("persistent severe kidney injuries", ["D:2"]),
        ("calcium kidney injury", []),
        ("p53 protein", ["G:1"]),
        ("hTP53", ["G:1"]),
        ("the kidney injury", []),
        ("severe", []),
        ("", []),
    ],
)
def test_a_text_alone_is_looked_up_as_a_span_of_a_text(
    kb: KnowledgeBase, nlp: Language, text: str, concepts: list[str]
) -> None:
    assert [kb.id(c) for c in kb.lexicon.lookup(text)] == concepts
    assert found(kb, nlp, text).get(text, []) == concepts


def test_salts(tmp_path: Path) -> None:
    lexicon = small_lexicon(tmp_path, ["valproate", "channel"])
    assert lexicon.lookup("Sodium valproate") == lexicon.lookup("valproate") == [0]
    assert lexicon.lookup("sodium channel") == []


@pytest.mark.parametrize(
    "text", ["kidney. Injury", "kidney.\nInjury", "kidney, injury", "as a cat sat", "(kidney) injury) x", ""]
)
def test_no_name_across_punctuation_and_brackets(kb: KnowledgeBase, nlp: Language, text: str) -> None:
    assert "D:2" not in {c for each in found(kb, nlp, text).values() for c in each}


def test_spans_are_limited(kb: KnowledgeBase) -> None:
    tokens = ["acute", "kidney", "injury"]
    assert [(h.start, h.end) for h in kb.lexicon.find(tokens, [True] * 3, max_words=2)] == [(1, 3)]


words = st.sampled_from(["ras", "raf", "map", "kinase", "beta", "2", "-", "x7"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=8), st.lists(words))
def test_finds_what_a_look_up_of_every_span_finds(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], text: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lexicon")
    lexicon = small_lexicon(folder, names)
    hits = {(h.start, h.end): h.key for h in lexicon.find(text, [True] * len(text))}
    for start in range(len(text)):
        for end in range(start + 1, min(start + 8, len(text)) + 1):
            key = lexicon.key(" ".join(text[start:end]))
            if key is not None and re.match(r"\w", text[start]) and re.match(r"\w", text[end - 1]):
                assert hits.get((start, end)) == key


def small_lexicon(folder: Path, names: list[str], ranks: list[int] | None = None) -> Lexicon:
    with closing(StringTableWriter(folder, "names")) as writer:
        for name in names:
            writer.append(name)
    write_lexicon(folder, names, np.arange(len(names), dtype=np.int32), np.array(ranks or [0] * len(names), np.int16))
    files = Files.of_folder(folder)
    return Lexicon(files, files.strings("names"))


def test_candidates_stand_in_order_of_the_sources(tmp_path: Path) -> None:
    lexicon = small_lexicon(tmp_path, ["gamma ray", "Gamma rays", "other", "gamma-ray"])
    assert lexicon.lookup("GAMMA RAY") == [0, 1, 3]
    assert lexicon.lookup("nothing") == []
    assert lexicon.key_text(lexicon.key("other") or 0) == normalize("other")


def test_the_names_that_a_source_prefers_come_first(tmp_path: Path) -> None:
    # an alias of the first source, a name of the second, which prefers it, and the symbol of a gene of the first
    lexicon = small_lexicon(tmp_path, ["AR", "AR", "AR"], [1, 2, 0])
    assert lexicon.lookup("AR") == [2, 0, 1]


def test_variants_come_behind_names_of_later_sources(tmp_path: Path) -> None:
    lexicon = small_lexicon(tmp_path, ["CREB1", "CREB"], [0, 5])
    assert lexicon.lookup("CREB") == [1, 0]


def test_an_empty_lexicon(tmp_path: Path) -> None:
    lexicon = small_lexicon(tmp_path, ["-", "5"])
    assert len(lexicon) == 0
    assert lexicon.find(["a", "b"], [True, True]) == []
