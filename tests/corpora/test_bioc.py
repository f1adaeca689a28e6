import json
from pathlib import Path
from typing import Any

import pytest

from spacy_keci.corpora.annotation import AnnotatedText, Interaction, Mention, RelationTriple
from spacy_keci.corpora.bioc import read_bioc_json, read_bioc_xml, write_bioc_json, write_bioc_xml
from spacy_keci.reports import Report

bioc = pytest.importorskip("bioc", reason="needs the extra 'bioc'")
biocjson, biocxml = (pytest.importorskip(f"bioc.{name}") for name in ("biocjson", "biocxml"))
READ = {"json": read_bioc_json, "xml": read_bioc_xml}
WRITE = {"json": write_bioc_json, "xml": write_bioc_xml}


def annotation(id: str, text: str, *locations: tuple[int, int], **infons: Any) -> dict[str, Any]:
    return {
        "id": id,
        "infons": {"type": "gene", **infons},
        "text": text,
        "locations": [{"offset": offset, "length": length} for offset, length in locations],
    }


def relation(*nodes: str, **infons: Any) -> dict[str, Any]:
    return {
        "id": "R",
        "infons": {"type": "binds", **infons},
        "nodes": [{"refid": node, "role": ""} for node in nodes],
    }


def document(**changes: Any) -> dict[str, Any]:
    sentence = {"offset": 12, "infons": {}, "text": "C binds A.", "annotations": [annotation("3", "A", (20, 1))]}
    return {
        "id": "d1",
        "infons": {"journal": "x"},
        "passages": [
            {
                "offset": 0,
                "infons": {"type": "title"},
                "text": "A and B c.",
                "sentences": [],
                "annotations": [
                    annotation("1", "A", (0, 1), identifier="5604,5605", note=1),
                    annotation("2", "B c", (6, 3), identifier="-"),
                    annotation("p", "A B", (0, 1), (6, 1)),
                ],
                "relations": [relation("1", "2", score="0.5")],
            },
            {"offset": 12, "infons": {}, "sentences": [sentence], "annotations": [], "relations": []},
        ],
        "relations": [relation("3", "2"), relation(entity1="5605", entity2="5604", novel="No")],
        **changes,
    }


def fill(part: Any) -> Any:
    """Everything that the library's own program wants to be there."""
    if "documents" not in part:
        part = {"infons": {}, "annotations": [], "relations": [], "nodes": [], "text": "", **part}
    return {key: [fill(p) for p in value] if isinstance(value, list) else value for key, value in part.items()}


def write_any(path: Path, kind: str, *documents: dict[str, Any]) -> Path:
    collection = {"source": "", "date": "", "key": "", "infons": {}, "documents": list(documents)}
    if kind == "json":
        path.write_text(json.dumps(collection), encoding="utf8")
    else:
        parsed = biocjson.loads(json.dumps(fill(collection)))
        path.write_text(biocxml.dumps(parsed), encoding="utf8")
    return path


def read(path: Path, kind: str) -> tuple[list[AnnotatedText], Report]:
    report = Report()
    return list(READ[kind](path, report)), report


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_annotations_at_all_levels(tmp_path: Path, kind: str) -> None:
    (text,), report = read(write_any(tmp_path / "x", kind, document()), kind)
    assert text.text == "A and B c.\n\nC binds A."
    assert text.mentions == [
        Mention(0, 1, "gene", "5604,5605"),
        Mention(6, 9, "gene"),
        Mention(0, 7, "gene"),
        Mention(20, 21, "gene"),
    ]
    assert text.interactions == [Interaction(1, 0, "binds", novelty="No")]
    assert text.relations == [RelationTriple(3, 1, "binds"), RelationTriple(0, 1, "binds", 0.5)]
    assert text.id == "d1"
    assert report.counts == {
        "mentions in several pieces, kept as one from the first to the last": 1,
        "interactions without a pair of mentions, kept as interactions only": 1,
        "texts whose sentences are not read, as not all passages have them": 1,
        "dropped: infon of an annotation": 1,
        "dropped: infon of a document, passage or sentence": 2,
    }


@pytest.mark.parametrize("kind", ["json", "xml"])
@pytest.mark.parametrize("is_whole", [True, False])
def test_sentences(tmp_path: Path, kind: str, is_whole: bool) -> None:
    """Of passages with a text of their own, or without. Offsets count bytes."""
    sentences = [{"offset": 9, "text": "TNF-α binds."}, {"offset": 23, "text": "IL-1β falls."}]
    if is_whole:
        passages = [{"offset": 9, "text": "TNF-α binds. IL-1β falls.", "sentences": sentences}]
    else:
        passages = [{"offset": 9, "sentences": sentences}]
    title = {"offset": 0, "text": "A title.", "sentences": [{"offset": 0, "text": "A title."}]}
    mention = annotation("1", "IL-1β", (23, 6))

    def read_document(*passages: dict[str, Any]) -> tuple[AnnotatedText, Report]:
        whole = document(passages=list(passages), annotations=[mention], relations=[], infons={})
        (text,), report = read(write_any(tmp_path / "x", kind, whole), kind)
        return text, report

    text, _ = read_document(title, *passages)
    assert " ".join(text.text.split()) == "A title. TNF-α binds. IL-1β falls." and text.sentences == [0, 9, 22]
    # where those of a part are not known
    for first in ({**title, "sentences": []}, {**title, "sentences": [{"offset": "x", "text": "A title."}]}):
        text, report = read_document(first, *passages)
        assert text.sentences is None
        assert report.counts["texts whose sentences are not read, as not all passages have them"] == 1
    relative = {"offset": 9, "text": "TNF-α binds.", "sentences": [{"offset": 0, "text": "TNF-α binds."}]}
    assert read_document(title, relative)[0].sentences is None


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_malformed_parts_are_reported(tmp_path: Path, kind: str) -> None:
    overlapping = [{"offset": 0, "text": "AAAA", "infons": {}}, {"offset": 2, "text": "B", "infons": {}}]
    far = [{"offset": 10**9, "text": "A", "infons": {}}]
    parts = [
        annotation("1", "A", (0, 9)),
        annotation("2", "B", (0, 1)),
        annotation("3", "A"),
        annotation("4", "A", (0, 1)),
    ]
    bad = {"offset": 0, "text": "A", "infons": {}, "annotations": parts}
    relations = [relation("4", "9"), relation("4"), relation("4", "4", "4"), relation()]
    documents = [
        document(passages=[{**passage, "sentences": []} for passage in passages], relations=[], infons={})
        for passages in (overlapping, far, [bad])
    ]
    documents[-1]["relations"] = relations
    (overlapped, nothing, text), report = read(write_any(tmp_path / "x", kind, *documents), kind)
    assert (overlapped.text, nothing.text) == ("AAAA", "")
    assert text.mentions == [Mention(0, 1, "gene")]
    assert text.relations == []
    assert report.counts == {
        "dropped: passage that overlaps another, or stands far behind it": 2,
        "dropped: mention outside the text or empty": 2,
        "dropped: mention whose offsets do not hold its text": 1,
        "dropped: relation of a missing mention": 1,
        "dropped: relation that does not hold between two": 3,
    }


def test_json_of_other_forms(tmp_path: Path) -> None:
    path = write_any(tmp_path / "x", "json", document(passages=[{"offset": "0"}]), document(pmid=7))
    (text,), report = read(path, "json")
    assert len(text.mentions) == 4
    assert "document d1: no passage has an offset" in "\n".join(report.lines())
    assert report.counts["documents with the unknown key 'pmid'"] == 1
    path.write_text(json.dumps([json.loads(path.read_text())] * 2))
    assert len(read(path, "json")[0]) == 2
    for content, message in [
        ("[1]", "expected an object with a list of 'documents'"),
        ('{"documents": [{}]}', "record 1: passages: Field required"),
        ('{"documents": [{"id": "\\ud800", "passages": []}]}', "half of a surrogate pair"),
        ("[" * 100_000, "nested too deeply"),
    ]:
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            read(path, "json")


def test_xml_of_other_forms(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(
        "<collection><document><passage><offset>x</offset></passage></document>"
        "<document><id>2</id><passage><offset>0</offset><text>A</text><b/></passage></document></collection>"
    )
    (text,), report = read(path, "xml")
    assert text == AnnotatedText("A", id="2")
    assert report.counts == {"dropped: malformed record": 1, "dropped: element that BioC does not have": 1}
    for content, message in [
        ("<collection>", "is not BioC XML: "),
        ("<a/>", "its root is 'a', not 'collection'"),
        ("<PubmedArticleSet/>", "not 'collection'. PubMed's own XML is read by 'spacy keci annotate --from pubmed'"),
        ("", "is not BioC XML: "),
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "/etc/hostname">]><a>&e;</a>', "is not BioC XML: undefined entity"),
    ]:
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            read(path, "xml")


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_everything_comes_back(tmp_path: Path, kind: str) -> None:
    text = AnnotatedText(
        "\nA binds\nB.\r\n\n",
        [Mention(1, 2, "x", "D007674"), Mention(3, 10, "y", "p|DEL|1|2|"), Mention(9, 10, "z")],
        [RelationTriple(0, 1, "binds", 0.25), RelationTriple(0, 2, "has", 0.1)],
        id="7",
        group="g",
        clusters=[[0], [1], [2]],
        interactions=[Interaction(0, 1, "binds", 0.25)],
    )
    report = Report()
    WRITE[kind]([text], tmp_path / "x", report)
    assert read(tmp_path / "x", kind)[0] == [text]
    assert not report.counts
    bioc.validate(biocjson.loads((tmp_path / "x").read_text()) if kind == "json" else biocxml.load(str(tmp_path / "x")))


def test_control_characters_have_no_place_in_xml(tmp_path: Path) -> None:
    text = AnnotatedText("A\x00B\ufffe", [Mention(0, 3, "x\x01")], id="1")
    report = Report()
    write_bioc_xml([text], tmp_path / "x", report)
    assert read(tmp_path / "x", "xml")[0] == [AnnotatedText("A B ", [Mention(0, 3, "x")], id="1")]
    assert report.counts == {"texts whose control characters became spaces, as XML has none": 1}


def test_clusters_without_identifiers_are_counted(tmp_path: Path) -> None:
    text = AnnotatedText(
        "A B",
        [Mention(0, 1, "x"), Mention(2, 3, "x")],
        [RelationTriple(0, 1, "binds")],
        id="1",
        clusters=[[0], [1]],
        interactions=[Interaction(0, 1, "binds")],
    )
    report = Report()
    write_bioc_json([text], tmp_path / "x", report)
    assert read(tmp_path / "x", "json")[0] == [AnnotatedText(text.text, text.mentions, text.relations, id="1")]
    assert report.counts == {
        "interactions between entities without an identifier, kept as relations between mentions": 1
    }


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bioc", None)
    (tmp_path / "old").write_text("kept")
    with pytest.raises(ValueError, match="pip install bioc"):
        write_bioc_json([AnnotatedText("A")], tmp_path / "old", Report())
    assert (tmp_path / "old").read_text() == "kept"


def test_identifiers_that_count_from_0(tmp_path: Path) -> None:
    ends = [("A", 0), ("B", 2)]
    annotations = [
        {"id": i, "infons": {"type": "x"}, "text": text, "locations": [{"offset": offset, "length": 1}]}
        for i, (text, offset) in enumerate(ends)
    ]
    relation = {"id": 0, "infons": {"type": "binds"}, "nodes": [{"refid": i, "role": ""} for i in range(2)]}
    passage = {"offset": 0, "text": "A B", "infons": {}, "annotations": annotations, "relations": [relation]}
    document = {"id": 0, "infons": {}, "passages": [{**passage, "sentences": []}], "annotations": [], "relations": []}
    (tmp_path / "x").write_text(json.dumps({"documents": [document]}))
    (text,), report = read(tmp_path / "x", "json")
    assert text.id == "0" and [r[:3] for r in text.relations] == [(0, 1, "binds")] and not report.dropped


def test_what_is_optional_in_xml(tmp_path: Path) -> None:
    """Identifiers of annotations and roles of nodes; an entity of the file's own is read."""
    annotation = '<infon key="type">x</infon><location offset="{}" length="1"/><text>{}</text></annotation>'
    passage = "<passage><offset>0</offset><text>A B</text>{}</passage>"
    content = "<annotation>" + annotation.format(0, "A") + '<annotation id="1">' + annotation.format(2, "B")
    content += '<relation id="r"><infon key="type">binds</infon><node refid="1"/><node refid="1"/></relation>'
    (tmp_path / "x").write_text(
        "<!DOCTYPE a [<!ENTITY e 'FK506 &#945;'>]><collection><source/><date/><key/>"
        f"<document><id>1</id>{passage.format(content)}</document>"
        "<document><id>2</id><passage><offset>0</offset><text>&e;</text></passage></document></collection>"
    )
    (text, other), report = read(tmp_path / "x", "xml")
    assert [mention[:3] for mention in text.mentions] == [(0, 1, "x"), (2, 3, "x")] and len(text.relations) == 1
    assert other.text == "FK506 α" and not report.counts


def test_attributes_with_the_names_of_lists(tmp_path: Path) -> None:
    passage = '<passage annotations="x" infons="y"><infon key="k">v</infon><offset>0</offset><text>A</text>{}</passage>'
    annotation = '<annotation><infon key="type">x</infon><location offset="0" length="1"/><text>A</text></annotation>'
    (tmp_path / "x").write_text(f"<collection><document>{passage.format(annotation)}</document></collection>")
    (text,), report = read(tmp_path / "x", "xml")
    assert text.mentions == [Mention(0, 1, "x")]
    assert report.counts == {"dropped: infon of a document, passage or sentence": 1}


def pubtator3() -> dict[str, Any]:
    """A document as PubTator 3 gives it: normalised words of mentions, roles for the ends of relations."""

    def mention(id: str, type: str, identifier: str | None, text: str, offset: int) -> dict[str, Any]:
        infons = {"identifier": identifier, "type": type, "valid": identifier is not None, "name": text}
        locations = [{"offset": offset, "length": len(text)}]
        return {"id": id, "infons": infons, "text": text, "locations": locations}

    title = [
        mention("1", "Chemical", "MESH:D1", "Drug A", 0),
        mention("2", "Gene", "7124", "TNF-a", 14),
        mention("3", "Disease", "MESH:D2", "arthritis", 23),
    ]
    abstract = [mention("4", "Chemical", "MESH:D1", "Drug A", 34), mention("5", "Disease", None, "given", 45)]
    roles = [{"identifier": id, "type": "x", "valid": True} for id in ("MESH:D1", "MESH:D2", "7124")]
    relations = [
        {"id": "R1", "infons": {"score": "0.9988", "role1": roles[0], "role2": roles[1], "type": "Treats"}},
        {
            "id": "R2",
            "infons": {"score": "0.9", "role1": roles[0], "role2": roles[2], "type": "Lowers"},
            "nodes": [{"refid": "0", "role": "0,1"}],
        },
    ]
    return {
        "_id": "111|None",
        "id": "111",
        "infons": {},
        "passages": [
            {
                "infons": {"type": "title"},
                "offset": 0,
                "text": "Drug A lowers TNF-α in arthritis.",
                "annotations": title,
            },
            {"infons": {}, "offset": 34, "text": "Drug A was given to mice.", "annotations": abstract},
        ],
        "relations": relations,
        "pmid": 111,
        "relations_display": [],
    }


@pytest.mark.parametrize("form", ["answer", "collection", "lines"])
def test_pubtator3_in_json(tmp_path: Path, form: str) -> None:
    content = {
        "answer": json.dumps({"PubTator3": [pubtator3(), {**pubtator3(), "id": "112"}]}, indent=1),
        "collection": json.dumps({"source": "PubTator", "documents": [pubtator3(), {**pubtator3(), "id": "112"}]}),
        "lines": "\n".join(json.dumps({**pubtator3(), "id": id}) for id in ("111", "112")),
    }[form]
    (tmp_path / "x").write_text(content)
    (text, other), report = read(tmp_path / "x", "json")
    assert (text.id, other.id) == ("111", "112")
    surfaces = [text.text[m.start : m.end] for m in text.mentions]
    assert surfaces == ["Drug A", "TNF-α", "arthritis", "Drug A", "given"]
    assert [m.kb_id for m in text.mentions] == ["MESH:D1", "7124", "MESH:D2", "MESH:D1", ""]
    # clusters by identifier: MESH:D1 of both mentions, 7124, MESH:D2
    assert text.interactions == [Interaction(0, 2, "Treats", 0.9988), Interaction(0, 1, "Lowers", 0.9)]
    assert {r[:3] for r in text.relations} == {(0, 2, "Treats"), (3, 2, "Treats"), (0, 1, "Lowers"), (3, 1, "Lowers")}
    assert report.counts["mentions that the file spells differently from the text"] == 2
    assert not [what for what in report.counts if "mention of" in what or ("relation" in what and "dropped" in what)]


def test_pubtator3_in_xml(tmp_path: Path) -> None:
    annotation = (
        '<annotation id="{}"><infon key="identifier">{}</infon><infon key="type">x</infon>'
        '<location offset="{}" length="6"/><text>{}</text></annotation>'
    )
    role = '<infon key="role{}">Chemical|{}</infon>'
    (tmp_path / "x").write_text(
        "<collection><source/><date/><key/><document><id>222</id><passage><offset>0</offset>"
        "<text>Drug A treats cancer in models.</text>"
        + annotation.format(1, "MESH:D1", 0, "Drug A")
        + annotation.format(2, "D7|D9", 14, "cancer")
        + '</passage><relation id="R1"><infon key="score">0.99</infon>'
        + role.format(1, "MESH:D1")
        + role.format(2, "D7|D9")
        + '<infon key="type">Association</infon></relation></document></collection>'
    )
    (text,), report = read(tmp_path / "x", "xml")
    assert text.interactions == [Interaction(0, 1, "Association", 0.99)]
    assert text.relations == [RelationTriple(0, 1, "Association", 0.99)]
    assert not report.counts


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_one_bad_passage_does_not_cost_the_document(tmp_path: Path, kind: str) -> None:
    passages = [
        {"offset": 0, "text": "Aspirin works.", "annotations": [annotation("1", "Aspirin", (0, 7))]},
        {"offset": 15, "text": "Fever falls.", "annotations": [annotation("2", "Fever", (15, 5))]},
        {"offset": 15, "text": "<xml>table</xml>", "annotations": []},
        {"offset": 20, "text": "is", "annotations": [annotation("3", "is", (20, 2))]},
        {"offset": 60, "text": "Later.", "annotations": [annotation("4", "Later", (60, 5))]},
    ]
    passages = [{"infons": {}, "sentences": [], **passage} for passage in passages]
    (text,), report = read(write_any(tmp_path / "x", kind, document(passages=passages, relations=[], infons={})), kind)
    assert text.text == "Aspirin works.\nFever falls." + "\n" * 33 + "Later."
    assert [text.text[m.start : m.end] for m in text.mentions] == ["Aspirin", "Fever", "Later"]
    assert report.counts == {
        "dropped: passage that overlaps another, or stands far behind it": 2,
        "dropped: mention of a passage that is left out": 1,
    }


@pytest.mark.parametrize("kind", ["json", "xml"])
@pytest.mark.parametrize("offset", ["x", "", None])
def test_a_passage_without_an_offset_does_not_cost_the_document(tmp_path: Path, kind: str, offset: str | None) -> None:
    passages = [
        {"offset": 0, "text": "Aspirin works.", "annotations": [annotation("1", "Aspirin", (0, 7))]},
        {"offset": 15, "text": "Fever falls.", "annotations": [annotation("2", "Fever", (15, 5))]},
        {"offset": 28, "text": "Later.", "annotations": [annotation("3", "Later", (28, 5))]},
    ]
    passages = [{"infons": {}, "sentences": [], **passage} for passage in passages]
    path = write_any(tmp_path / "x", kind, document(passages=passages, relations=[relation("1", "2")], infons={}))
    content = path.read_text(encoding="utf8")
    if kind == "xml":
        other = "" if offset is None else f"<offset>{offset}</offset>"
        changed = content.replace("<offset>15</offset>", other, 1)
    else:
        other = "" if offset is None else f'"offset": "{offset}", '
        changed = content.replace('"offset": 15, ', other, 1)
    assert changed != content
    path.write_text(changed, encoding="utf8")
    (text,), report = read(path, kind)
    assert text.text == "Aspirin works." + "\n" * 14 + "Later."
    assert [text.text[m.start : m.end] for m in text.mentions] == ["Aspirin", "Later"]
    assert report.counts == {
        "dropped: passage that has no offset, or a negative one": 1,
        "dropped: mention of a passage that is left out": 1,
        "dropped: relation of a missing mention": 1,
    }


def read_passage(folder: Path, words: str, annotation: str) -> tuple[AnnotatedText, Report]:
    """What is read of a passage with one annotation, whose elements are given as XML."""
    (folder / "x").write_text(
        "<collection><source/><date/><key/><document><id>1</id><passage><offset>0</offset>"
        f'{words}<annotation id="T0">{annotation}</annotation></passage></document></collection>'
    )
    (text,), report = read(folder / "x", "xml")
    return text, report


def test_elements_inside_of_a_text(tmp_path: Path) -> None:
    text, report = read_passage(
        tmp_path,
        "<text>FK506 <i>binds <u>F</u></i>KBP<sub>12</sub>.</text>",
        '<infon key="type">pro<b>te</b>in</infon><location offset="12" length="6"/><text>FKBP<sub>12</sub></text>',
    )
    assert (text.text, text.mentions) == ("FK506 binds FKBP12.", [Mention(12, 18, "protein")])
    assert report.counts == {"dropped: element that BioC does not have": 5}
    assert set(report.examples["element that BioC does not have"]) == {"i", "u", "b", "sub"}


def test_offsets_in_bytes(tmp_path: Path) -> None:
    passage = {
        "offset": 0,
        "infons": {},
        "text": "TNF-α and IL-1β raise CRP.",
        "sentences": [],
        "annotations": [annotation("1", "IL-1β", (11, 6)), annotation("2", "CRP", (24, 3))],
    }
    path = write_any(tmp_path / "x", "json", document(passages=[passage], relations=[], infons={}))
    (text,), report = read(path, "json")
    assert [m[:2] for m in text.mentions] == [(10, 15), (22, 25)]
    assert report.counts == {"texts whose offsets count UTF-8 bytes, corrected": 1}


def test_comments_and_instructions_in_xml(tmp_path: Path) -> None:
    text, report = read_passage(
        tmp_path,
        "<text>FK506 <!-- checked --> binds <?pi?>FKBP12.</text>",
        '<infon key="type">drug<!-- x --></infon><location offset="0" length="5"/><text>FK<!-- y -->506</text>',
    )
    assert text.text == "FK506  binds FKBP12."
    assert text.mentions == [Mention(0, 5, "drug")]
    assert not report.counts
