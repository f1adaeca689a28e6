"""BioC in JSON and XML (Comeau et al. 2013, https://doi.org/10.1093/database/bat064), written by the library ``bioc``.

Mentions are annotations with the infons ``type`` and ``identifier``. Relations hold between two annotations (their
nodes), or, in BioRED, BC5CDR and PubTator3, between two identifiers (infons ``entity1`` and ``entity2``, ``Chemical``
and ``Disease``, or ``role1`` and ``role2``): see :mod:`spacy_keci.corpora.clusters` for these. The text is that of the
passages, each at its offset, with line breaks between them. Sentences are read where all passages have them.
"""

import math
import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from pydantic import Field, field_validator

from ..doc_operations import id_text
from ..identifiers import linked
from ..reports import Report
from .annotation import AnnotatedText, RelationTriple, with_ids, without_empty_mentions
from .clusters import ConceptRelation, concept_relations, relate_concepts
from .offsets import Passage
from .reading import Record, check_records, count_unknown_keys, read_objects, read_xml
from .standoff import StandoffText

TYPE_KEYS = ("type", "relation")
CONCEPT_KEYS = ("identifier", "Identifier", "concept_id", "MESH")
CONCEPT_PAIRS = (("entity1", "entity2"), ("Chemical", "Disease"), ("role1", "role2"))
NOVELTY_KEYS = ("novel",)
_BIOCTYPES = ("bioctype", "passages.bioctype", "passages.sentences.bioctype")
_LISTS = {name: f"{name}s" for name in ("passage", "sentence", "annotation", "relation", "location", "node")}
_ELEMENTS = {*_LISTS, "collection", "source", "date", "key", "infon", "document", "id", "offset", "text"}
# Of a passage or sentence without one: StandoffText leaves it out, and counts it with its annotations.
_NO_OFFSET = -1
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,15}\s*")
# What XML 1.0 has no way to write.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Infons(Record):
    infons: dict[str, Any] = Field(default_factory=dict)


class _Location(Record):
    offset: int
    length: int


class _Annotation(_Infons):
    id: str | int = ""
    text: str | None = None
    locations: list[_Location] = Field(default_factory=list)


class _Node(Record):
    refid: str | int
    role: str = ""


class _Relation(_Infons):
    id: str | int = ""
    nodes: list[_Node] = Field(default_factory=list)


class _Annotated(_Infons):
    text: str | None = None
    annotations: list[_Annotation] = Field(default_factory=list)
    relations: list[_Relation] = Field(default_factory=list)


class _Sentence(_Annotated):
    offset: int = _NO_OFFSET

    @field_validator("offset", mode="before")
    @classmethod
    def _check_offset(cls, value: Any) -> int:
        return value if type(value) is int else _NO_OFFSET


class _Passage(_Sentence):
    sentences: list[_Sentence] = Field(default_factory=list)


class _Document(_Annotated):
    id: str | int = ""
    passages: list[_Passage]


def read_bioc_json(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The documents of a collection, of a list of collections, of an answer of PubTator3 ("PubTator3" in the place of
    "documents"), or one a line. Other infons have no place here."""
    documents = []
    for each in read_objects(path, "BioC JSON", report):
        if isinstance(each, dict) and "passages" in each:
            documents.append(each)
            continue
        lists = [each[key] for key in ("documents", "PubTator3") if key in each] if isinstance(each, dict) else []
        if not lists or not all(isinstance(found, list) for found in lists):
            raise ValueError(f"{path} is not BioC JSON: expected an object with a list of 'documents'.")
        documents += chain.from_iterable(lists)
    for document in check_records(documents, _Document, path, "BioC JSON", report):
        count_unknown_keys(document, "documents", report, known=_BIOCTYPES)
        yield from _read(document, report)


def read_bioc_xml(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """As :func:`read_bioc_json`. The text of elements that BioC does not have is kept, that of comments and processing
    instructions is not."""
    root = read_xml(path, "BioC XML")
    if root.tag != "collection":
        hint = " PubMed's own XML is read by 'spacy keci annotate --from pubmed'." if "Pubmed" in root.tag else ""
        raise ValueError(f"{path} is not BioC XML: its root is {root.tag!r}, not 'collection'.{hint}")
    for element in root.iter():
        if element.tag not in _ELEMENTS:
            report.drop("element that BioC does not have", element.tag)
    documents = ({"passages": [], **_to_object(element)} for element in root.iter("document"))
    for document in check_records(documents, _Document, path, "BioC XML", report):
        yield from _read(document, report)


def _to_object(element: ElementTree.Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        if child.tag in _LISTS:
            found.setdefault(_LISTS[child.tag], []).append(_to_object(child))
        elif child.tag == "infon":
            found.setdefault("infons", {})[child.get("key")] = "".join(child.itertext())
        elif child.tag in ("id", "offset", "text"):
            found[child.tag] = "".join(child.itertext())
    found = {**element.attrib, **found}  # an element counts for more than an attribute of its name
    for key in ("offset", "length"):
        if _INTEGER.fullmatch(found.get(key, "")):
            found[key] = int(found[key])
    return found


def write_bioc_json(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """A collection with a document for each text: a passage for each line, annotations, and relations between them.

    Interactions between clusters that have an identifier are written as BioRED does, with the infons ``entity1`` and
    ``entity2``; the relations that these spell out are not written again. Other clusters have no place and are
    counted. A text without an id gets a number.
    """
    biocjson = _library().biocjson
    with path.open("w", encoding="utf8") as file:
        biocjson.dump(_to_collection(texts, report), file, ensure_ascii=False, indent=1)


def write_bioc_xml(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """As :func:`write_bioc_json`. Control characters, which XML cannot hold, become spaces and are counted."""
    legal = (without_empty_mentions(_replace_illegal(text, report), report) for text in texts)
    path.write_bytes(_library().biocxml.dumps(_to_collection(legal, report)).encode())


def _library() -> ModuleType:
    try:
        import bioc
        from bioc import biocjson, biocxml  # noqa: F401
    except ImportError as error:
        raise ValueError(f"BioC needs the library bioc: pip install bioc ({error}).") from None
    return bioc


def _read(document: _Document, report: Report) -> Iterator[AnnotatedText]:
    """The document as annotated text; nothing if none of its passages has an offset."""
    id = id_text(document.id)
    passages, annotations, sentences = _passages(document)
    if passages and all(passage.offset == _NO_OFFSET for passage in passages):
        report.drop_text("malformed record", f"document {id}: no passage has an offset")
        return
    text = StandoffText(passages, id, report)
    if all(sentences):
        for offset, number in chain.from_iterable(sentences):
            text.add_sentence(offset, number)
    else:
        report.count("texts whose sentences are not read, as not all passages have them", int(any(sentences)))
    for annotation, passage in annotations:
        infons = dict(annotation.infons)
        text.add_mention(
            id_text(annotation.id),
            [(location.offset, location.offset + location.length) for location in annotation.locations],
            _take(infons, TYPE_KEYS),
            annotation.text or None,
            linked(_take(infons, CONCEPT_KEYS)),
            passage,
        )
        _drop_infons("an annotation", id, infons, report)
    ids = {id_text(annotation.id) for annotation, _ in annotations}
    annotated = [document, *document.passages, *(s for p in document.passages for s in p.sentences)]
    between_concepts = []
    for relation in (relation for part in annotated for relation in part.relations):
        infons = dict(relation.infons)
        label, score, novelty = _take(infons, TYPE_KEYS), _to_score(infons), _take(infons, NOVELTY_KEYS)
        nodes = [str(node.refid) for node in relation.nodes]
        pair = next((pair for pair in CONCEPT_PAIRS if all(infons.get(key) for key in pair)), None)
        if pair and not (len(nodes) == 2 and ids.issuperset(nodes)):
            head, tail = (_to_identifier(key, infons.pop(key)) for key in pair)
            between_concepts.append(ConceptRelation(head, tail, label, score, novelty))
        elif len(nodes) == 2:
            text.add_relation(nodes[0], nodes[1], label, score)
        else:
            report.drop("relation that does not hold between two", f"{id}: {label} {relation.id}")
        _drop_infons("a relation", id, infons, report)
    group = id_text(document.infons.pop("group", None))
    for part in annotated:
        _drop_infons("a document, passage or sentence", id, part.infons, report)
    yield relate_concepts(text.build(group=group), between_concepts, report)


def _passages(
    document: _Document,
) -> tuple[list[Passage], list[tuple[_Annotation, int | None]], list[list[tuple[int, int]]]]:
    """The passages, or the sentences of those that have no text; all annotations, each with the number of its
    passage, None for those of the document; the offsets of the sentences of each passage of the document that has
    words, with the same numbers."""
    passages: list[Passage] = []
    sentences: list[list[tuple[int, int]]] = []
    annotations: list[tuple[_Annotation, int | None]] = [(annotation, None) for annotation in document.annotations]
    for passage in document.passages:
        is_whole = passage.text or not passage.sentences
        if (passage.text or "").strip() or passage.sentences:
            first, step = len(passages), 0 if is_whole else 1
            starts = [(s.offset, first + step * i) for i, s in enumerate(passage.sentences) if is_whole or s.text]
            # others have no offset, or count from the beginning of their passage
            sentences.append(starts if all(offset >= max(passage.offset, 0) for offset, _ in starts) else [])
        for part in [passage] if is_whole else passage.sentences:
            passages.append(Passage(part.offset, part.text or ""))
            annotations += [(annotation, len(passages) - 1) for annotation in part.annotations]
        others = passage.sentences if is_whole else [passage]
        inside = len(passages) - 1 if is_whole else None
        annotations += [(annotation, inside) for part in others for annotation in part.annotations]
    return passages, annotations, sentences


def _to_identifier(key: str, end: Any) -> str:
    """Of "MESH:D000001"; as a role, PubTator3 has {"identifier": "MESH:D000001"} in JSON, "Chemical|MESH:D000001" in
    XML."""
    if isinstance(end, dict):
        return str(end.get("identifier") or "")
    return str(end).partition("|")[2] if key.startswith("role") else str(end)


def _take(infons: dict[str, Any], keys: Iterable[str]) -> str:
    """Remove and return the first of these infons that exists, as text; empty if there is none."""
    key = next((key for key in keys if infons.get(key) is not None), None)
    return "" if key is None else str(infons.pop(key)).strip()


def _to_score(infons: dict[str, Any]) -> float:
    try:
        score = float(infons["score"])
    except (KeyError, TypeError, ValueError):
        return 1.0
    if not math.isfinite(score):
        return 1.0
    del infons["score"]
    return score


def _drop_infons(of: str, id: str, infons: dict[str, Any], report: Report) -> None:
    report.drop_each(f"infon of {of}", id, (f"{key} = {value}" for key, value in infons.items()))


def _replace_illegal(text: AnnotatedText, report: Report) -> AnnotatedText:
    def legal(string: str) -> str:
        return _NOT_IN_XML.sub(" ", string)

    kept = replace(
        text,
        text=legal(text.text),
        mentions=[m._replace(label=legal(m.label), kb_id=legal(m.kb_id)) for m in text.mentions],
        relations=[r._replace(label=legal(r.label)) for r in text.relations],
        id=legal(text.id),
        group=legal(text.group),
        interactions=text.interactions
        and [r._replace(label=legal(r.label), novelty=legal(r.novelty)) for r in text.interactions],
    )
    report.count("texts whose control characters became spaces, as XML has none", int(kept != text))
    return kept


def _to_collection(texts: Iterable[AnnotatedText], report: Report) -> Any:
    collection = _library().BioCCollection()
    collection.source, collection.date, collection.key = "spacy-keci", "", ""
    for text in with_ids(texts):
        collection.add_document(_to_document(text, report))
    return collection


def _to_document(text: AnnotatedText, report: Report) -> Any:
    bioc = _library()
    document = bioc.BioCDocument()
    document.id = text.id
    if text.group:
        document.infons["group"] = text.group
    crossed = {i for m in text.mentions for i in range(m.start, m.end) if text.text[i] == "\n"}
    breaks = [i + 1 for i, character in enumerate(text.text) if character == "\n" and i not in crossed]
    for start, end in zip([0, *breaks], [*(b - 1 for b in breaks), len(text.text)], strict=True):
        document.add_passage(bioc.BioCPassage.of_text(text.text[start:end], start))
    for number, mention in enumerate(text.mentions):
        annotation = bioc.BioCAnnotation()
        annotation.id, annotation.text = f"T{number}", text.words(mention)
        annotation.infons = {"type": mention.label} | ({"identifier": mention.kb_id} if mention.kb_id else {})
        annotation.add_location(bioc.BioCLocation(mention.start, mention.end - mention.start))
        document.passages[bisect(breaks, mention.start)].add_annotation(annotation)
    between_concepts, others = concept_relations(text)
    lost = len(text.interactions or []) - len(between_concepts)
    report.count("interactions between entities without an identifier, kept as relations between mentions", lost)
    relations: list[ConceptRelation | RelationTriple] = [*between_concepts, *others]
    for each in relations:
        relation = bioc.BioCRelation()
        relation.id, relation.infons = f"R{len(document.relations)}", {"type": each.label}
        if each.score != 1.0:
            relation.infons["score"] = repr(each.score)
        if isinstance(each, ConceptRelation):
            relation.infons |= {"entity1": each.head, "entity2": each.tail}
            if each.novelty:
                relation.infons["novel"] = each.novelty
        else:
            relation.nodes = [bioc.BioCNode(f"T{each.head}", "head"), bioc.BioCNode(f"T{each.tail}", "tail")]
        document.add_relation(relation)
    return document
