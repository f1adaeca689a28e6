"""The linker links mentions that it is given by their labels."""

import json
import pickle
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup

from spacy_keci import get_concepts, get_relations
from spacy_keci.pipeline.mention_linking import LinkedMention, set_identifiers
from spacy_keci.span_groups import set_span_graph

CONCEPTS = [
    {"id": "HGNC:1", "name": "APP", "aliases": ["AD"], "types": ["T028", "T116"], "alt_ids": ["NCBIGene:351"]},
    {"id": "DOID:1", "name": "Alzheimer disease", "aliases": ["AD"], "types": ["T047"], "alt_ids": ["MESH:D000544"]},
    {"id": "DOID:2", "name": "hypertension", "types": ["T047"], "alt_ids": ["MESH:D006973"]},
]
TYPES = {
    "Gene": {"types": ["T028"], "prefer": ["NCBIGene"]},
    "Disease": {"types": ["DISO"], "prefer": ["MeSH"], "broader": True},
}
TEXT = "AD and hypertensive (HT) mice: HT follows AD."


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "kb.jsonl"
    path.write_text("\n".join(map(json.dumps, CONCEPTS)), encoding="utf8")
    return f"jsonl={path}"


def add_linker(nlp: Language, source: str, entities_from: str = "entities") -> Language:
    config = {"entities_from": entities_from, "mention_types": TYPES, "abbreviations": True}
    nlp.add_pipe("concept_linker", config=config).initialize(sources=[source])
    return nlp


def annotate(nlp: Language) -> Doc:
    doc = nlp.make_doc(TEXT)
    at = {"AD": (0, 2, "Disease"), "hypertensive": (7, 19, "Disease"), "mice": (25, 29, "Species")}
    spans = [doc.char_span(*offsets, label=label) for *offsets, label in at.values()]
    spans += [doc.char_span(31, 33, label="Disease"), doc.char_span(42, 44, label="Gene")]
    set_span_graph(doc, "entities", spans, [[1, 0, "follows", 0.9]], scores=[0.9, 0.8, 0.7, 0.6, 0.5])
    return doc


def test_identifiers_by_type(nlp: Language, source: str) -> None:
    doc = add_linker(nlp, source)(annotate(nlp))
    group = doc.spans["entities"]
    assert [(span.text, span.kb_id_) for span in group] == [
        ("AD", "MESH:D000544"),
        ("hypertensive", "MESH:D006973"),
        ("mice", ""),
        ("HT", "MESH:D006973"),
        ("AD", "NCBIGene:351"),
    ]
    # what stands beside the mentions is as it was
    assert group.attrs["scores"] == [0.9, 0.8, 0.7, 0.6, 0.5]
    (relation,) = get_relations(doc)
    assert (relation.head.text, relation.tail.text, relation.score) == ("hypertensive", "AD", 0.9)
    # the same is in the group of candidates, and mentions alone have candidates by type
    assert [concept.id for concept in get_concepts(group[4], "concepts")] == ["NCBIGene:351"]


def test_a_mention_keeps_its_identifier_if_nothing_is_found(nlp: Language, source: str) -> None:
    doc = nlp.make_doc("APP here")
    doc.spans["entities"] = SpanGroup(doc, spans=[Span(doc, 0, 1, "Disease", kb_id="MESH:D1")])
    doc = add_linker(nlp, source)(doc)
    assert doc.spans["entities"][0].kb_id_ == "MESH:D1"
    assert not get_concepts(doc[0:1], "concepts")  # the gene is none of a disease


def test_a_group_that_was_edited(nlp: Language) -> None:
    """Mentions may come at the end; else it is not known whose relations the group has."""
    doc = nlp.make_doc("MDM2 binds p53 .")
    set_span_graph(doc, "entities", [doc[0:1], doc[2:3]], [[0, 1, "binds", 1.0]], scores=[0.7, 0.6])
    doc.spans["entities"].append(doc[3:4])
    linked = [LinkedMention(0, 1, "", "X:1")]
    set_identifiers(doc, "entities", linked)
    group = doc.spans["entities"]
    assert [span.kb_id_ for span in group] == ["X:1", "", ""] and group.attrs["scores"] == [0.7, 0.6, 1.0]
    doc.spans["entities"] = SpanGroup(doc, name="entities", spans=[doc[2:3], doc[0:1], doc[3:4]], attrs=group.attrs)
    with pytest.raises(ValueError, match="was edited after its relations"):
        set_identifiers(doc, "entities", linked)


def test_variants(nlp: Language, source: str) -> None:
    config = {"entities_from": "entities", "mention_types": {**TYPES, "Variant": {"variant": True}}}
    nlp.add_pipe("concept_linker", config=config).initialize(sources=[source])
    doc = nlp.make_doc("APP with Val717Ile , AD and hypertension")
    spans = [Span(doc, 2, 3, "Variant"), Span(doc, 4, 5, "Variant"), Span(doc, 0, 1, "Gene")]
    doc.spans["entities"] = SpanGroup(doc, spans=spans)
    doc = nlp(doc)
    assert [span.kb_id_ for span in doc.spans["entities"]] == ["p|SUB|V|717|I", "", "NCBIGene:351"]
    # a form is no concept of the knowledge base, and a variant is not looked up there
    assert [span.text for span in doc.spans["concepts"]] == ["APP", "hypertension"]


def test_ents(nlp: Language, source: str) -> None:
    doc = nlp.make_doc("AD and APP")
    doc.ents = [Span(doc, 0, 1, "Disease"), Span(doc, 2, 3, "Other")]
    doc = add_linker(nlp, source, "ents")(doc)
    assert [(ent.text, ent.label_, ent.kb_id_) for ent in doc.ents] == [
        ("AD", "Disease", "MESH:D000544"),
        ("APP", "Other", ""),
    ]


def test_texts_without_mentions(nlp: Language, source: str) -> None:
    add_linker(nlp, source)
    with pytest.warns(UserWarning, match=r"doc.spans\['entities'\] is not set.* no mentions to link"):
        doc = nlp("AD is common.")
    assert [span.kb_id_ for span in doc.spans["concepts"]] == ["HGNC:1", "DOID:1"] and "entities" not in doc.spans


def test_after_pickle_and_disk(nlp: Language, source: str, tmp_path: Path) -> None:
    add_linker(nlp, source)(annotate(nlp))  # which fills what it remembers
    linker = pickle.loads(pickle.dumps(nlp.get_pipe("concept_linker")))
    assert [m.candidates[0].concept for m in linker.predict([annotate(nlp)])[0].mentions][:1] == ["MESH:D000544"]
    nlp.to_disk(tmp_path / "model")
    again = spacy.load(tmp_path / "model")
    doc = again(annotate(again))
    assert doc.spans["entities"][4].kb_id_ == "NCBIGene:351"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"entities_from": "entities"}, "Set entities_from and mention_types of .* together"),
        ({"mention_types": TYPES}, "Set entities_from and mention_types of .* together"),
    ],
)
def test_settings_that_belong_together(nlp: Language, config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nlp.add_pipe("concept_linker", config=config)


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"Gene": {"types": []}}, "no semantic types"),
        ({"Gene": {"types": ["T028", "T9"]}}, "unknown semantic types: T9. Allowed: .*T047.*DISO"),
        ({"Gene": {"types": "T028"}}, "unknown semantic types: 0, 2, 8, T"),
        ({"Gene": {"types": ["T028"], "vocabulary": ["X"]}}, "unknown keys.*Allowed"),
        ({"Variant": {"variant": True, "prefer": ["NCBIGene"]}}, "no other settings"),
        ({"Gene": {"types": ["T028"], "prefer": ["CHEBI"]}}, "No concept"),
    ],
)
def test_types_that_are_wrong(nlp: Language, source: str, types: dict, message: str) -> None:
    config = {"entities_from": "entities", "mention_types": types}
    linker = nlp.add_pipe("concept_linker", config=config)
    with pytest.raises(ValueError, match=message):
        linker.initialize(sources=[source])


GENES = [
    {"id": "HGNC:11998", "name": "TP53", "aliases": ["p53"], "types": ["T028"], "alt_ids": ["NCBIGene:7157"]},
    *(
        {"id": f"NCBIGene:{id}", "name": name, "types": ["T028"], "relations": [{"label": "in_taxon", "target": taxon}]}
        for id, name, taxon in ((22059, "Tp53", "NCBITaxon:10090"), (24842, "Tp53", "NCBITaxon:10116"))
    ),
    *(
        {"id": f"NCBITaxon:{id}", "name": name, "types": ["T015"]}
        for id, name in ((9606, "human"), (10090, "mouse"), (10116, "rat"))
    ),
    # its reference leads to a gene of the mouse
    {
        "id": "FPLX:RAS",
        "name": "Ras",
        "types": ["T028"],
        "relations": [{"label": "see_also", "target": "NCBIGene:22059"}],
    },
]
BY_SPECIES = {
    "Gene": {"types": ["T028"], "prefer": ["NCBIGene"], "species_from": "Species"},
    "Species": {"types": ["LIVB"]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tp53 in the mouse, not in a rat .", "NCBIGene:22059"),
        ("A rat and then, far from it, Tp53 of a mouse .", "NCBIGene:22059"),
        ("Tp53 of a rat .", "NCBIGene:24842"),
        ("Tp53 is human .", "NCBIGene:7157"),  # none of the genes of other species
        ("Tp53 is a gene .", "NCBIGene:7157"),
        ("Tp53 of the Mouse or the rat .", "NCBIGene:22059"),
        ("Ras of the mouse .", "NCBIGene:22059"),
        ("Ras of a rat .", "FPLX:RAS"),
    ],
)
def test_genes_of_the_species_that_is_named_nearest(nlp: Language, tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "kb.jsonl").write_text("\n".join(map(json.dumps, GENES)), encoding="utf8")
    linker = nlp.add_pipe("concept_linker", config={"entities_from": "entities", "mention_types": BY_SPECIES})
    linker.initialize(sources=[f"jsonl={tmp_path / 'kb.jsonl'}"])
    doc = nlp.make_doc(text)
    labels = {"Tp53": "Gene", "Ras": "Gene"} | dict.fromkeys(("human", "mouse", "Mouse", "rat"), "Species")
    set_span_graph(doc, "entities", [Span(doc, t.i, t.i + 1, labels[t.text]) for t in doc if t.text in labels], None)
    (gene,) = [span for span in linker(doc).spans["entities"] if span.label_ == "Gene"]
    assert gene.kb_id_ == expected


def test_species_from_a_type_that_is_not_linked(nlp: Language, tmp_path: Path) -> None:
    (tmp_path / "kb.jsonl").write_text("\n".join(map(json.dumps, GENES)), encoding="utf8")
    config = {"entities_from": "entities", "mention_types": {"Gene": BY_SPECIES["Gene"]}}
    linker = nlp.add_pipe("concept_linker", config=config)
    with pytest.raises(ValueError, match="species_from is 'Species', which is none of the mention types"):
        linker.initialize(sources=[f"jsonl={tmp_path / 'kb.jsonl'}"])


def add_species_linker(nlp: Language, folder: Path, gene: dict | None = None, **options: object) -> None:
    organisms = [
        {"id": "NCBITaxon:562", "name": "E. coli", "types": ["T007"]},
        {"id": "NCBITaxon:7955", "name": "zebrafish", "types": ["T013"]},
    ]
    (folder / "species.jsonl").write_text("\n".join(map(json.dumps, [*GENES, *organisms])), encoding="utf8")
    types = {**BY_SPECIES, "Gene": {**BY_SPECIES["Gene"], **(gene or {})}}
    linker = nlp.add_pipe("concept_linker", config={"entities_from": "entities", "mention_types": types})
    linker.initialize(nlp=nlp, sources=[f"jsonl={folder / 'species.jsonl'}"], **options)


def annotate_words(nlp: Language, text: str, ids: dict[str, str] | None = None) -> Doc:
    labels = {"Tp53": "Gene", "Ras": "Gene", "Xyz": "Gene"}
    labels |= dict.fromkeys(("human", "mouse", "rat", "zebrafish", "coli", "axolotl"), "Species")
    doc = nlp.make_doc(text)
    words = [token for token in doc if token.text in labels]
    set_span_graph(
        doc,
        "entities",
        [Span(doc, t.i, t.i + 1, labels[t.text], kb_id=(ids or {}).get(t.text, "")) for t in words],
        None,
    )
    return doc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tp53 is a gene .", "NCBIGene:7157"),
        ("Tp53 is human .", "NCBIGene:7157"),
        ("Tp53 of a mouse .", "NCBIGene:22059"),
        # HGNC's gene is human, and the knowledge base has none of this species
        ("Tp53 of a zebrafish .", ""),
        # bacteria are named beside the species of the gene
        ("Tp53 in E. coli , from a mouse .", "NCBIGene:22059"),
        ("Tp53 in E. coli .", "NCBIGene:7157"),
    ],
)
def test_genes_without_a_species_are_those_of_the_default(
    nlp: Language, tmp_path: Path, text: str, expected: str
) -> None:
    add_species_linker(nlp, tmp_path, {"species": "NCBITaxon:9606"})
    doc = nlp(annotate_words(nlp, text))
    (gene,) = [span for span in doc.spans["entities"] if span.label_ == "Gene"]
    assert gene.kb_id_ == expected


def test_an_unknown_default_species(nlp: Language, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'Gene': the knowledge base has no species 'NCBITaxon:1'"):
        add_species_linker(nlp, tmp_path, {"species": "NCBITaxon:1"})


def save_annotated(nlp: Language, path: Path) -> Path:
    rat, fish = {"rat": "NCBITaxon:10116"}, {"axolotl": "NCBITaxon:8296"}
    docs = [
        annotate_words(nlp, "Ras of a rat , Ras , Ras .", {**rat, "Ras": "NCBIGene:293621"}),
        annotate_words(nlp, "Ras of the rat .", {**rat, "Ras": "NCBIGene:24842"}),
        annotate_words(nlp, "The rat has Ras .", {**rat, "Ras": "NCBIGene:24842"}),
        annotate_words(nlp, "Xyz of an axolotl .", {**fish, "Xyz": "NCBIGene:1,NCBIGene:2"}),
        annotate_words(nlp, "Tp53 of a rat .", {**rat, "Tp53": "-"}),
    ]
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


@pytest.mark.parametrize(
    ("text", "identifier", "candidates"),
    [
        # two of three texts say so; mentions within a text count once
        ("Ras of a rat .", "NCBIGene:24842", ["NCBIGene:24842"]),
        ("Ras of the mouse .", "NCBIGene:22059", ["NCBIGene:22059", "FPLX:RAS"]),
        # neither the species nor the gene is in the knowledge base
        ("Xyz of an axolotl .", "NCBIGene:1,NCBIGene:2", []),
        ("Xyz of a rat .", "", []),
        ("Tp53 of a rat .", "NCBIGene:24842", ["NCBIGene:24842", "NCBIGene:7157"]),
    ],
)
def test_names_of_annotated_texts(
    nlp: Language, tmp_path: Path, text: str, identifier: str, candidates: list[str]
) -> None:
    add_species_linker(nlp, tmp_path, annotated=str(save_annotated(nlp, tmp_path / "train.spacy")))

    def check(nlp: Language) -> None:
        doc = nlp(annotate_words(nlp, text))
        (gene,) = [span for span in doc.spans["entities"] if span.label_ == "Gene"]
        assert (gene.kb_id_, [concept.id for concept in get_concepts(gene, "concepts")]) == (identifier, candidates)

    check(nlp)
    nlp.to_disk(tmp_path / "model")
    check(spacy.load(tmp_path / "model"))
    check(spacy.blank("en", config=nlp.config).from_bytes(nlp.to_bytes()))
    copy = pickle.loads(pickle.dumps(nlp.get_pipe("concept_linker")))
    assert copy.to_bytes(exclude=["kb"]) == nlp.get_pipe("concept_linker").to_bytes(exclude=["kb"])


def test_a_saved_linker_forgets_names_of_an_earlier_save(nlp: Language, source: str, tmp_path: Path) -> None:
    add_species_linker(nlp, tmp_path, annotated=str(save_annotated(nlp, tmp_path / "train.spacy")))
    nlp.get_pipe("concept_linker").to_disk(tmp_path / "saved")
    assert (tmp_path / "saved" / "annotated_names.jsonl").exists()
    other = add_linker(spacy.blank("en"), source).get_pipe("concept_linker")
    other.to_disk(tmp_path / "saved", exclude=["kb", "annotated"])
    assert (tmp_path / "saved" / "annotated_names.jsonl").exists()
    other.to_disk(tmp_path / "saved")
    assert not (tmp_path / "saved" / "annotated_names.jsonl").exists()


def test_annotated_texts_that_teach_nothing(nlp: Language, source: str, tmp_path: Path) -> None:
    path = tmp_path / "train.spacy"
    DocBin(docs=[annotate_words(nlp, "Ras of a rat .")], store_user_data=True).to_disk(path)
    with pytest.raises(ValueError, match=r"No mention of .*train.spacy has an identifier .*: Gene, Species\."):
        add_species_linker(nlp, tmp_path, annotated=[str(path)])
    plain = spacy.blank("en").add_pipe("concept_linker")
    with pytest.raises(ValueError, match="only for mentions that it links by their types"):
        plain.initialize(sources=[source], annotated=[str(path)])
