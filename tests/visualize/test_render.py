"""Drawings as markup: what is in them, that it is well-formed for any text, and the ways to call for one."""

import sys
import types
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

import spacy_keci
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.visualize.render import render_svg

from ..scoring.graphs import make_doc

SVG = "{http://www.w3.org/2000/svg}"
TEXT = "FK506 binds FKBP12 and inhibits calcineurin."


@pytest.fixture
def doc(nlp: Language) -> Doc:
    mentions = [(0, 5, "drug"), (12, 18, "protein"), (32, 43, "protein-complex")]
    return make_doc(nlp, TEXT, mentions, [(0, 1, "binds", 0.5), (0, 2, "inhibits")])


def parse(markup: str | None) -> ElementTree.Element:
    assert markup is not None
    return ElementTree.fromstring(f"<body>{markup}</body>")


def groups(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [g for g in tree.iter(f"{SVG}g") if name in g.get("class", "").split()]


def titles(tree: ElementTree.Element, name: str) -> list[str]:
    return [group.findtext(f"{SVG}title") or "" for group in groups(tree, name)]


def label(group: ElementTree.Element) -> str:
    return group.findtext(f"{SVG}text") or ""


def test_mentions_and_relations(doc):
    tree = parse(spacy_keci.render(doc))
    assert [label(g) for g in groups(tree, "mention")] == ["drug", "protein", "protein-complex"]
    assert [label(g) for g in groups(tree, "relation")] == ["binds", "inhibits"]
    assert titles(tree, "mention")[0] == "FK506\ndrug"
    assert titles(tree, "relation")[0] == "FK506 → FKBP12\nbinds, score 0.50"
    words = [text.text for text in tree.iter(f"{SVG}text") if text.get("font-size") is None]
    assert " ".join(filter(None, words)) == "FK506 binds FKBP12 and inhibits calcineurin ."


def test_symmetric_relations_have_no_arrow(doc):
    paths = [
        len(g.findall(f"{SVG}path")) for g in groups(parse(spacy_keci.render(doc, symmetric=["binds"])), "relation")
    ]
    assert paths == [1, 2]
    doc.spans["entities"].attrs["symmetric"] = ["inhibits"]
    paths = [len(g.findall(f"{SVG}path")) for g in groups(parse(spacy_keci.render(doc)), "relation")]
    assert paths == [2, 1]


def test_colors(doc):
    fills = [g.findall(f"{SVG}rect")[-1].get("fill") for g in groups(parse(spacy_keci.render(doc)), "mention")]
    assert fills == ["#ffc27a", "#9ecae9", "#c6dbef"]  # of the entry point
    own = parse(spacy_keci.render(doc, options={"colors": {"drug": "#123456"}}))
    assert groups(own, "mention")[0].findall(f"{SVG}rect")[-1].get("fill") == "#123456"


def test_types_without_a_color_have_one_each(nlp):
    doc = make_doc(nlp, "A B", [(0, 1, "my_type"), (2, 3, "your_type")])
    fills = {g.findall(f"{SVG}rect")[-1].get("fill") for g in groups(parse(spacy_keci.render(doc)), "mention")}
    assert len(fills) == 2 and all(fill and fill.startswith("hsl(") for fill in fills)


def test_filters(doc):
    tree = parse(spacy_keci.render(doc, labels=["drug", "protein"]))
    assert (len(groups(tree, "mention")), [label(g) for g in groups(tree, "relation")]) == (2, ["binds"])
    tree = parse(spacy_keci.render(doc, relation_labels=["inhibits"]))
    assert (len(groups(tree, "mention")), [label(g) for g in groups(tree, "relation")]) == (3, ["inhibits"])


def test_part_of_a_document(doc):
    tree = parse(spacy_keci.render(doc[0:3]))
    assert [label(g) for g in groups(tree, "mention")] == ["drug", "protein"]
    assert [label(g) for g in groups(tree, "relation")] == ["binds"]
    tree = parse(spacy_keci.render(doc[2:5]))
    assert [label(g) for g in groups(tree, "mention")] == ["protein"] and not groups(tree, "relation")


def test_nested_mentions_and_sentences(nlp):
    text = "EGF receptor (EGF-R) binds EGF at 0.5 nM. It is E. coli."
    mentions = [(0, 12, "protein"), (0, 3, "protein"), (27, 30, "protein")]
    tree = parse(spacy_keci.render(make_doc(nlp, text, mentions, [(0, 2, "binds")])))
    assert len([g for g in tree.iter(f"{SVG}g") if (g.get("transform") or "").startswith("translate")]) == 2


def test_concepts(doc, tmp_path):
    (tmp_path / "kb.jsonl").write_text('{"id": "C:1", "name": "tacrolimus", "types": ["T109"], "aliases": ["FK506"]}\n')
    compile_knowledge_base(tmp_path / "kb", [SourceFiles.parse(f"jsonl={tmp_path / 'kb.jsonl'}")])
    kb = KnowledgeBase(tmp_path / "kb")
    spans = [Span(doc, 0, 1, label="T109", kb_id="C:1"), Span(doc, 0, 1, label="T116", kb_id="C:2")]
    attrs = {"scores": [1.0, 1.0], "attention": [0.75, 0.25]}
    doc.spans["concepts"] = SpanGroup(doc, name="concepts", spans=spans, attrs=attrs)
    linked = [
        Span(doc, s.start, s.end, label=s.label, kb_id="C:1" * (i == 0)) for i, s in enumerate(doc.spans["entities"])
    ]
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=linked, attrs={"scores": [0.9, 0.8, 0.7]})
    tree = parse(spacy_keci.render(doc, kb=kb, list_concepts=True, kb_url_template="https://x.org/{}?a&b"))
    assert titles(tree, "mention")[0].split("\n") == [
        "FK506",
        "drug, score 0.90",
        "concept C:1 tacrolimus, attention 0.75",
        "candidate C:2, T116, attention 0.25",
    ]
    cells = ["".join(td.itertext()) for td in tree.iter("td")]
    assert cells == ["FK506", "drug", "C:1", "tacrolimus", "0.75"]
    assert [a.get("href") for a in tree.iter("a")] == ["https://x.org/C:1?a&b"]
    with pytest.raises(ValueError, match=r"kb_url_template.*with \{\} for the identifier"):
        spacy_keci.render(doc, list_concepts=True, kb_url_template="https://x.org/{id}")
    doc.spans["concepts"].attrs["attention"] = [None, None]
    assert "concept C:1" in titles(parse(spacy_keci.render(doc)), "mention")[0].split("\n")


@pytest.fixture
def changed(nlp: Language) -> Doc:
    """The initial graph lacks a mention and a relation, and has a type and a direction that the final one has not."""
    doc = make_doc(
        nlp, TEXT, [(0, 5, "drug"), (12, 18, "protein"), (32, 43, "protein")], [(0, 1, "binds"), (0, 2, "inhibits")]
    )
    initial = make_doc(nlp, TEXT, [(0, 5, "chemical"), (12, 18, "protein")], [(1, 0, "binds")])
    spans = [Span(doc, s.start, s.end, label=s.label_) for s in initial.spans["entities"]]
    rows = initial.spans["entities"].attrs["relations"]
    doc.spans["entities_initial"] = SpanGroup(doc, name="entities_initial", spans=spans, attrs={"relations": rows})
    return doc


def test_comparison(changed):
    compare = ("entities_initial", "entities")
    tree = parse(spacy_keci.render(changed, compare=compare, symmetric=["binds"]))
    initial, final = tree.iter(f"{SVG}svg")
    assert [label(g) for g in groups(initial, "lost")] == ["− chemical"]
    assert sorted(label(g) for g in groups(final, "gained")) == ["+ drug", "+ inhibits", "+ protein"]
    assert not groups(initial, "gained") and not groups(final, "lost")
    text = "".join(tree.itertext())
    assert "entities_initial: − 1 lost" in text and "entities: + 3 gained" in text
    directed = parse(spacy_keci.render(changed, compare=compare))
    assert len(groups(directed, "lost")) == 2 and len(groups(directed, "gained")) == 4


def test_overlay(changed):
    (svg,) = parse(spacy_keci.render(changed, compare=("entities_initial", "entities"), overlay=True)).iter(f"{SVG}svg")
    marked = {name: sorted(label(g) for g in groups(svg, name)) for name in ("lost", "gained")}
    assert marked == {"lost": ["− binds", "− chemical"], "gained": ["+ binds", "+ drug", "+ inhibits", "+ protein"]}
    assert len(groups(svg, "mention")) == 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(min_size=1, max_size=60),
    label=st.text(min_size=1, max_size=8),
    places=st.lists(st.tuples(st.integers(0, 59), st.integers(1, 20)), max_size=6),
)
def test_any_text_is_well_formed(nlp, text, label, places):
    doc = nlp.make_doc(text)
    ends = [(start % len(doc), start % len(doc) + length) for start, length in places] if len(doc) else []
    spans = [Span(doc, start, min(end, len(doc)), label=label) for start, end in ends]
    rows = [[0, i, label, 1.0] for i in range(len(spans))]
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=spans, attrs={"relations": rows})
    doc.user_data["title"] = text
    tree = parse(spacy_keci.render(doc, width=200, list_concepts=True))
    assert {id(g) for g in groups(tree, "mention")} or not spans
    ElementTree.fromstring(spacy_keci.render(doc, page=True) or "")


def test_markup_in_texts_is_text(nlp):
    doc = make_doc(nlp, "<script>alert(1)</script> & co", [(0, 8, "<b>")])
    tree = parse(spacy_keci.render(doc))
    assert label(groups(tree, "mention")[0]) == "<b>"
    assert not list(tree.iter("script")) and not list(tree.iter(f"{SVG}script"))


def test_page_and_many_documents(doc):
    page = spacy_keci.render([doc, doc[0:3]], page=True)
    tree = ElementTree.fromstring(page or "")
    assert tree.tag == "html" and len(list(tree.iter(f"{SVG}svg"))) == 2
    assert "http" not in (page or "").replace("http://www.w3.org/2000/svg", "")
    assert ElementTree.fromstring(spacy_keci.render([], page=True) or "").tag == "html"


def test_svg(doc, changed):
    assert ElementTree.fromstring(render_svg(doc)).tag == f"{SVG}svg"
    with pytest.raises(ValueError, match="overlay"):
        render_svg(changed, compare=("entities_initial", "entities"))
    assert render_svg(changed, compare=("entities_initial", "entities"), overlay=True).startswith("<svg")


def test_notebook(doc, monkeypatch):
    shown = []
    module = types.ModuleType("IPython.display")
    module.HTML, module.display = str, shown.append
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    assert spacy_keci.render(doc, jupyter=True) is None
    assert shown[0].startswith('<span class="tex2jax_ignore"><figure')


def test_displacys_wrapper(doc, monkeypatch):
    monkeypatch.setattr(displacy, "RENDER_WRAPPER", lambda markup: f"<p>{markup}</p>")
    assert (spacy_keci.render(doc) or "").startswith("<p><figure")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"spans_key": "nothing"}, "no doc.spans\\['nothing'\\], only \\['entities'\\]"),
        ({"compare": ("entities_initial", "entities")}, "entities_initial"),
        ({"colour": {}}, "Unknown option 'colour'.*colors"),
        ({"width": 5}, "at least 100"),
        ({"compare": "entities"}, "two keys"),
        ({"overlay": True}, "compare"),
        ({"labels": "drug"}, "'labels' is a list of labels, but it is 'drug'"),
        ({"symmetric": "binds"}, "'symmetric' is a list"),
        ({"kb_url_template": "https://example.org/"}, "with {} for the identifier"),
        ({"kb_url_template": "javascript:{}"}, "http:// or https://"),
        ({"kb_url_template": "{}"}, "http:// or https://"),
    ],
)
def test_errors(doc, settings, message):
    with pytest.raises(ValueError, match=message):
        spacy_keci.render(doc, **settings)


def test_labels_that_nothing_has(doc):
    with pytest.raises(ValueError, match=r"The option 'relation_labels' .*: 'bindz'\. The documents have: '"):
        spacy_keci.render(doc, relation_labels=["bindz"])
    with pytest.raises(ValueError, match=r"The option 'labels' .*: 'durg'\."):
        spacy_keci.render([doc, doc], labels=["durg"])
    with pytest.raises(ValueError, match=r"The option 'labels' .*: 'durg'\."):
        render_svg(doc, labels=["durg"])
