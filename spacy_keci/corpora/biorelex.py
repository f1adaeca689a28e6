"""BioRelEx JSON (Khachatrian et al. 2019, https://github.com/YerevaNN/BioRelEx).

An entity is a cluster of names, each with its mentions; interactions hold between entities. Offsets are characters,
end exclusive. Relation labels join an interaction's type and label: ``bind``, ``bind_uncertain``, ``bind_negative``.
Where an entity is grounded to a gene, a protein, a family of proteins or a chemical, its mentions have that concept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from ..doc_operations import id_text
from ..reports import Report
from .annotation import AnnotatedText, Interaction, Mention, RelationTriple, with_ids
from .clusters import spell_out
from .reading import Record, read_records
from .writing import present, write_list

SUFFIXES = {1: "", 0: "_uncertain", -1: "_negative"}
_PREFIXES = {"uniprot": "UP", "interpro": "IPR", "pfam": "PFAM", "DrugBank": "DRUGBANK", "pubchem:compound": "PUBCHEM"}


class _Name(Record):
    is_mentioned: bool = True
    mentions: list[Annotated[list[int], Field(min_length=2, max_length=2)]]


class _Grounding(Record):
    hgnc_symbol: str | None = None
    source: str | None = None
    link: str | None = None


class _Entity(Record):
    label: str
    names: dict[str, _Name]
    grounding: _Grounding | None = None


class _Interaction(Record):
    participants: list[int]
    type: str
    label: int
    implicit: bool = False


class _Sentence(Record):
    id: str
    text: str
    entities: list[_Entity]
    interactions: list[_Interaction]
    paperid: str | int | None = None


def read_biorelex(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """Sentences with a mention for each occurrence of a name, ``clusters`` and ``interactions`` as in the file, and
    ``relations``: the interactions spelled out over all pairs of mentions across two clusters. The paper's id is the
    group. Names that are not mentioned in the text have no mentions."""
    for sentence in read_records(path, _Sentence, "BioRelEx JSON", report):
        mentions, clusters = _read_entities(sentence, report)
        interactions = _read_interactions(sentence, report)
        yield AnnotatedText(
            text=sentence.text,
            mentions=mentions,
            relations=spell_out(mentions, clusters, interactions, report, symmetric=True),
            id=sentence.id,
            group=id_text(sentence.paperid),
            clusters=clusters,
            interactions=interactions,
            sentences=[0],
        )


def write_biorelex(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """Write what BioRelEx's own evaluation program reads: gold with its clusters and interactions, predictions with
    an entity for each mention and an interaction for each relation.

    An entity has the type of its first mention, and relations are those of the interactions, which have no direction:
    what differs is dropped and counted. A text without an id gets a number. Whether an interaction was implicit is no
    longer known.
    """
    write_list((_to_record(text, report) for text in with_ids(texts)), path)


def _read_entities(sentence: _Sentence, report: Report) -> tuple[list[Mention], list[list[int]]]:
    mentions: list[Mention] = []
    clusters: list[list[int]] = []
    for entity in sentence.entities:
        clusters.append([])
        for name, found in entity.names.items():
            if not found.is_mentioned:
                report.count("names not mentioned in the text")
                continue
            for start, end in found.mentions:
                if not 0 <= start < end or sentence.text[start:end] != name:
                    where = f"{sentence.id}: {name!r} at {start}-{end}"
                    report.drop("mention whose offsets do not hold its name", where)
                    continue
                clusters[-1].append(len(mentions))
                mentions.append(Mention(start, end, entity.label, _concept(entity.grounding)))
    return mentions, clusters


def _concept(grounding: _Grounding | None) -> str:
    """HGNC where the grounding names a gene, else the entry of the database that it links to."""
    if grounding is None:
        return ""
    if grounding.hgnc_symbol not in (None, "", "NA"):
        return f"HGNC:{grounding.hgnc_symbol}"
    # some links have a query behind the accession, or no accession
    accession = urlsplit(grounding.link or "").path.rstrip("/").rpartition("/")[2]
    prefix = _PREFIXES.get(grounding.source or "")
    return f"{prefix}:{accession}" if prefix and any(map(str.isdigit, accession)) else ""


def _read_interactions(sentence: _Sentence, report: Report) -> list[Interaction]:
    interactions = []
    for interaction in sentence.interactions:
        participants, label = interaction.participants, interaction.label
        if len(participants) != 2 or not all(0 <= p < len(sentence.entities) for p in participants):
            report.drop("interaction whose participants are not two of the entities", f"{sentence.id}: {participants}")
        elif label not in SUFFIXES:
            report.drop("interaction whose label is not 1, 0 or -1", f"{sentence.id}: {label}")
        else:
            report.count("implicit interactions", int(interaction.implicit))
            interactions.append(Interaction(participants[0], participants[1], interaction.type + SUFFIXES[label]))
    return interactions


def _to_record(text: AnnotatedText, report: Report) -> dict[str, Any]:
    if text.clusters is None:
        clusters = [[i] for i in range(len(text.mentions))]
        interactions = [Interaction(*relation) for relation in _without_direction(text, report)]
    else:
        clusters, interactions = text.clusters, text.interactions or []
        _count_losses(text, report)
    return {
        "id": text.id,
        "text": text.text,
        "entities": [_to_entity(text, cluster) for cluster in clusters],
        "interactions": [_to_interaction(interaction) for interaction in interactions],
        **present(paperid=text.group),
    }


def _without_direction(text: AnnotatedText, report: Report) -> Iterator[RelationTriple]:
    """The relations that interactions can hold, which have no direction: read again, the head is the first in the
    text."""
    seen = set()
    for relation in text.relations:
        head, tail, label, _ = relation
        case = f"{text.id}: {label} of {head} and {tail}"
        if head == tail:
            # read again, an interaction of an entity with itself relates its mentions with each other
            report.drop("relation of a mention with itself", case)
        elif (pair := (*sorted((head, tail)), label)) in seen:
            report.drop("second relation of one pair and label", case)
        else:
            seen.add(pair)
            if text.mentions[head] > text.mentions[tail]:
                report.drop("direction of a relation whose tail comes first", case)
            yield relation


def _count_losses(text: AnnotatedText, report: Report) -> None:
    for cluster in text.clusters or []:
        labels = [text.mentions[i].label for i in cluster]
        for label in labels:
            if label != labels[0]:
                report.drop("type of a mention that its entity does not have", f"{text.id}: {label}")
    n_entities = Counter(i for cluster in text.clusters or [] for i in cluster)
    report.count("mentions of several entities, written once for each", sum(n > 1 for n in n_entities.values()))
    for i in sorted(set(range(len(text.mentions))) - n_entities.keys()):
        report.drop("mention of no entity", f"{text.id}: {text.mentions[i].label}")
    spelled = spell_out(text.mentions, text.clusters or [], text.interactions or [], Report(), symmetric=True)
    stated = {relation[:3] for relation in spelled}
    for relation in text.relations:
        head, tail, label, _ = relation
        if (head, tail, label) in stated:
            continue
        if (tail, head, label) in stated:
            report.drop("direction of a relation whose tail comes first", f"{text.id}: {label}")
        else:
            report.drop("relation between mentions that no interaction states", f"{text.id}: {label}")


def _to_entity(text: AnnotatedText, cluster: Sequence[int]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for mention in (text.mentions[i] for i in cluster):
        name = names.setdefault(text.words(mention), {"is_mentioned": True, "mentions": []})
        name["mentions"].append([mention.start, mention.end])
    label = text.mentions[cluster[0]].label if cluster else ""
    return {"label": label, "names": names, "is_mentioned": bool(names)}


def _to_interaction(interaction: Interaction) -> dict[str, Any]:
    label, suffix = next(
        (label, suffix) for label, suffix in sorted(SUFFIXES.items()) if interaction.label.endswith(suffix)
    )
    return {
        "participants": [interaction.head, interaction.tail],
        "type": interaction.label.removesuffix(suffix),
        "label": label,
        "implicit": False,
    }
