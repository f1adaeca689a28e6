import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple
from spacy_keci.corpora.concept_swap import ConceptSwap
from spacy_keci.corpora.jsonl import read_jsonl
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.reports import Report

from ..conftest import ROOT
from .strategies import annotated_texts

TEXTS = list(read_jsonl(ROOT / "assets" / "demo" / "train.jsonl", Report()))


@pytest.fixture(scope="module")
def kb(demo_kb: Path) -> KnowledgeBase:
    return KnowledgeBase(demo_kb)


@pytest.fixture(scope="module")
def swap(kb: KnowledgeBase) -> ConceptSwap:
    return ConceptSwap(kb, TEXTS)


def surfaces(text: AnnotatedText) -> list[str]:
    return [text.text[m.start : m.end] for m in text.mentions]


def between(text: AnnotatedText) -> list[str]:
    """What stands before, between and behind mentions, which may overlap."""
    inside = {i for m in text.mentions for i in range(m.start, m.end)}
    outside = [-1, *(i for i in range(len(text.text)) if i not in inside), len(text.text)]
    return [text.text[a] if b - a == 1 else "…" for a, b in pairwise(outside) if a >= 0]


def check(before: AnnotatedText, after: AnnotatedText, kb: KnowledgeBase) -> None:
    """All that a swap must not touch is as it was, and what it put in is what it says."""
    assert between(before) == between(after)
    assert (before.relations, before.clusters, before.interactions) == (
        after.relations,
        after.clusters,
        after.interactions,
    )
    assert (before.id, before.group, before.meta) == (after.id, after.group, after.meta)
    for old, new in zip(before.mentions, after.mentions, strict=True):
        assert (old.label, old.score) == (new.label, new.score)
        if new.kb_id not in ("", old.kb_id):
            assert after.text[new.start : new.end] in kb.names(kb.index(new.kb_id))
    for i, a in enumerate(before.mentions):
        for j, b in enumerate(before.mentions):
            c, d = after.mentions[i], after.mentions[j]
            assert (a.start <= b.start and b.end <= a.end) == (c.start <= d.start and d.end <= c.end)
            assert (a.end <= b.start) == (c.end <= d.start)


@pytest.mark.parametrize("seed", range(3))
def test_the_demo_corpus(swap: ConceptSwap, kb: KnowledgeBase, seed: int) -> None:
    rng = random.Random(seed)
    swapped = [swap(text, 1.0, rng) for text in TEXTS]
    for before, after in zip(TEXTS, swapped, strict=True):
        check(before, after, kb)
    names = [name for text in TEXTS for name in surfaces(text)]
    others = [name for text in swapped for name in surfaces(text)]
    assert sum(a != b for a, b in zip(names, others, strict=True)) > 0.5 * len(names)


@given(text=annotated_texts(), seed=st.integers(0, 3))
def test_any_text(swap: ConceptSwap, kb: KnowledgeBase, text: AnnotatedText, seed: int) -> None:
    check(text, swap(text, 1.0, random.Random(seed)), kb)


def test_kinds_and_forms_stay(swap: ConceptSwap, kb: KnowledgeBase) -> None:
    text = AnnotatedText("FK506 binds FKBP12.", [Mention(0, 5, "drug"), Mention(12, 18, "protein")])
    for seed in range(20):
        after = swap(text, 1.0, random.Random(seed))
        for old, new in zip(surfaces(text), after.mentions, strict=True):
            (concept, *_), other = kb.lexicon.lookup(old), kb.index(new.kb_id)
            assert concept != other
            assert (kb.kinds[concept] == kb.kinds[other]).all()
            name = after.text[new.start : new.end]
            assert any(c.isdigit() or c.isupper() for c in name[1:])
            assert " " not in name


def test_names_of_one_concept_become_names_of_one_concept(swap: ConceptSwap) -> None:
    text = AnnotatedText(
        "ASA is aspirin, and aspirin is no steroid.",
        [Mention(0, 3, "drug"), Mention(7, 14, "drug"), Mention(20, 27, "drug")],
    )
    after = swap(text, 1.0, random.Random(0))
    assert len({m.kb_id for m in after.mentions}) == 1
    first, second, third = surfaces(after)
    assert second == third != "aspirin"
    assert first != "ASA"


def test_mentions_around_others_grow_and_shrink_with_them(swap: ConceptSwap) -> None:
    text = AnnotatedText(
        "the SH2 domain of Grb2 binds EGFR",
        [Mention(4, 22, "domain", "X:1"), Mention(18, 22, "protein"), Mention(29, 33, "protein")],
        [RelationTriple(0, 2, "binds")],
    )
    after = swap(text, 1.0, random.Random(1))
    outer, inner, other = surfaces(after)
    assert outer == f"SH2 domain of {inner}"
    assert after.mentions[0].kb_id == ""  # whatever it names now
    assert after.text == f"the {outer} binds {other}"
    assert inner != "Grb2"
    assert other != "EGFR"


def test_a_cluster_is_swapped_as_a_whole_or_not_at_all(swap: ConceptSwap) -> None:
    mentions = [Mention(0, 3, "drug"), Mention(5, 12, "drug"), Mention(18, 23, "drug")]
    text = AnnotatedText("ASA (aspirin) and FK506", mentions, clusters=[[0, 1], [2]], interactions=[])
    after = swap(text, 1.0, random.Random(0))
    assert after.mentions[0].kb_id == after.mentions[1].kb_id != after.mentions[2].kb_id
    torn = swap(replace(text, clusters=[[0, 2], [1]]), 1.0, random.Random(0))
    first, second, third = surfaces(torn)
    assert (first, third) == ("ASA", "FK506")
    assert second != "aspirin"


def test_what_a_text_speaks_of_does_not_come_in_again(swap: ConceptSwap, kb: KnowledgeBase) -> None:
    kinds = kb.kinds[kb.lexicon.lookup("ASA")[0]]
    alike = [kb.name(i) for i in range(len(kb)) if (kb.kinds[i] == kinds).all()]
    mentions, at = [], 0
    for name in alike:
        mentions.append(Mention(at, at + len(name), "drug"))
        at += len(name) + 2
    text = AnnotatedText("; ".join(alike), mentions)
    assert swap(text, 1.0, random.Random(0)) == text


@pytest.mark.parametrize(("start", "end"), [(0, 6), (1, 6), (0, 5), (1, 5)])
def test_only_names_are_replaced(swap: ConceptSwap, start: int, end: int) -> None:
    text = AnnotatedText("(ASA), FK506", [Mention(start, end, "drug"), Mention(7, 12, "drug")])
    after = swap(text, 1.0, random.Random(0))
    assert after.text.startswith("(ASA), ")
    assert not after.text.endswith("FK506")


def test_what_is_left_alone(swap: ConceptSwap) -> None:
    crossing = [Mention(0, 5, "drug"), Mention(3, 11, "drug")]
    for text in (
        AnnotatedText("FK506 binds FKBP12.", crossing),
        AnnotatedText("Glarp binds.", [Mention(0, 5, "protein")]),  # no name
        AnnotatedText("FK506 binds.", [Mention(0, 5, "disease")]),  # a kind that is no disease
        AnnotatedText("", []),
    ):
        assert swap(text, 1.0, random.Random(0)) == text
    whole = AnnotatedText("FK506 binds.", [Mention(0, 5, "drug")])
    assert swap(whole, 0.0, random.Random(0)) == whole


def test_a_seed_gives_the_same_texts(kb: KnowledgeBase) -> None:
    def swapped() -> list[AnnotatedText]:
        swap, rng = ConceptSwap(kb, TEXTS), random.Random(3)
        return [swap(text, 0.5, rng) for text in TEXTS[:5]]

    assert swapped() == swapped()
