"""``spacy keci labels``: what a pipeline can find."""

import json
from typing import Annotated, Any

import typer
from spacy.language import Language
from wasabi import table

from ..pipeline.concept_linker import ConceptLinker
from ..pipeline.mentions import describe_source
from ..pipeline.thresholds import OTHERS, by_label
from .load import find_extractor, knowledge_of, load_pipeline
from .options import Model

SETTINGS = {"mentions": "threshold", "relations": "relation_threshold"}


def labels_cli(
    model: Model,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object, for programs")] = False,
) -> None:
    """List the entity types and relations that a pipeline finds, its thresholds, and the types of its concepts.

    \b
    spacy keci labels training/demo/model-last
    spacy keci labels en_keci_biorelex --json | jq .relations
    """
    found = describe_labels(load_pipeline(model))
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else format_labels(found))


def describe_labels(nlp: Language) -> dict[str, Any]:
    """Entity types, relations with ``symmetric``, where mentions are given (None: they are predicted), thresholds
    (None: the most probable label), and the semantic types of the concepts that are linked, by identifier. Raises
    ValueError if the pipeline has no extractor."""
    name, keci = find_extractor(nlp)
    thresholds = by_label(keci.relation_threshold, keci.default_relation_threshold)
    return {
        "component": name,
        "spans_key": keci.spans_key,
        "entities": list(keci.labels),
        "relations": [{"label": label, "symmetric": label in keci.symmetric} for label in keci.relation_labels],
        "multi_label": keci.multi_label,
        "entities_from": keci.entities_from,
        "threshold": keci.threshold,
        "relation_threshold": thresholds if thresholds.keys() - {OTHERS} else thresholds.get(OTHERS),
        "concepts": {name: _concepts(pipe) for name, pipe in nlp.pipeline if isinstance(pipe, ConceptLinker)},
    }


def _concepts(linker: ConceptLinker) -> dict[str, Any]:
    kb = knowledge_of(linker)
    if kb is None:
        return {"concepts": None, "types": {}}
    return {"concepts": len(kb), "types": {type_: kb.type_names.get(type_, "") for type_ in kb.types}}


def format_labels(found: dict[str, Any]) -> str:
    source = found["entities_from"]
    reads = "" if source is None else f"reads the mentions in {describe_source(source)}, and "
    several = "several may hold" if found["multi_label"] else "at most one holds"
    thresholds = [
        (f"{kind}: {label}" if label != OTHERS else kind, value)
        for kind, setting in SETTINGS.items()
        for label, value in sorted({OTHERS: "the most probable label", **by_label(found[setting])}.items())
        if kind == "relations" or source is None
    ]
    parts = [
        f"The component '{found['component']}' {reads}writes doc.spans[{found['spans_key']!r}].",
        _section(f"Entity types: {len(found['entities'])}", [(label,) for label in found["entities"]]),
        _section(
            f"Relations: {len(found['relations'])}, of which {several} between two mentions",
            [(r["label"], "symmetric" if r["symmetric"] else "head -> tail") for r in found["relations"]],
        ),
        _section("Thresholds", thresholds),
    ]
    for name, linked in found["concepts"].items():
        count = "" if linked["concepts"] is None else f"{linked['concepts']:,} "
        parts.append(
            _section(f"The component '{name}' links {count}concepts of these types", [*linked["types"].items()])
        )
    return "\n\n".join(parts)


def _section(title: str, rows: list[tuple[Any, ...]]) -> str:
    return "\n".join([title, *(f"  {line}".rstrip() for line in table(rows).strip("\n").splitlines())])
