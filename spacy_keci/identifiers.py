"""What identifies a concept: "MESH:D009369", where MESH is the vocabulary; UMLS's "C0027651" has none.

A mention may name several concepts ("5604,5605" of MEK1/2) or a composite of them ("D007674|D006937"), and files write
"-" where it names none.
"""

import re

UNLINKED = "-"
# prefixes that vocabularies and people use in place of ours
PREFIXES = {
    "EntrezGene": "NCBIGene",
    "MeSH": "MESH",
    "MSH": "MESH",
    "NCI": "NCIT",
    "Orphanet": "ORDO",
    "UMLS_CUI": "UMLS",
    "UniProt": "UP",
    "UniProtKB": "UP",
}
# One of the concepts of a composite mention, as in "D007674|D006937"; not so the parts of a variant, "p|SUB|V|600|E".
_PART = re.compile(r"(\w+:)?[A-Z]*\d{3,}")
# What identifies a variant, and what else tmVar says of it.
VARIANT_KEYS = ("tmVar", "HGVS", "RS#", "CA#")
_OTHER_KEYS = ("CorrespondingGene", "CorrespondingSpecies", "OriginalGene", "VariantGroup")
_VARIANT = re.compile(rf"(?:^|;)\s*(?:{'|'.join((*VARIANT_KEYS, *_OTHER_KEYS))}):")
_VARIANT_KEY = re.compile(r"\s*;\s*(?=\w+#?:)")
_PURL = re.compile(r".*[/#]([A-Za-z][A-Za-z0-9]*)[_:]([A-Za-z0-9-]+)$")
_GENE = re.compile(r"https?://(?:www\.genenames\.org/.*hgnc_id=|identifiers\.org/hgnc[/:])(?:HGNC:)?(\d+)$")


def canonical_id(id: str) -> str:
    """An identifier with the prefix that knowledge bases have: UniProtKB:P04637 is UP:P04637."""
    prefix, colon, local = id.partition(":")
    if not colon:
        return id
    prefix = PREFIXES.get(prefix, prefix)
    return local if prefix == "UMLS" else f"{prefix}:{local}"


def vocabulary_of(id: str) -> str:
    """What stands before the first colon; empty for an identifier without one, such as those of UMLS."""
    return id.partition(":")[0] if ":" in id else ""


def vocabulary_here(id: str) -> str:
    """The vocabulary as identifiers in knowledge bases begin, whatever the identifier calls it; "UMLS" for those of
    UMLS, which begin with none."""
    return vocabulary_of(canonical_id(id)) or "UMLS"


def with_vocabulary(vocabulary: str, id: str) -> str:
    """The identifier with the vocabulary in front, unless one of the two is empty or it has one already."""
    return f"{vocabulary}:{id}" if vocabulary and id and ":" not in id else id


def from_iri(iri: str) -> str:
    """http://purl.obolibrary.org/obo/DOID_4 is DOID:4; anything else is unchanged."""
    if gene := _GENE.match(iri):
        return f"HGNC:{gene[1]}"
    match = _PURL.match(iri)
    return f"{match[1]}:{match[2]}" if match else iri


def linked(kb_id: str) -> str:
    """The identifiers of a mention without white space around them; empty for "-" and "-1", which mean none."""
    kb_id = kb_id.strip()
    return "" if kb_id in (UNLINKED, "-1") else kb_id


def identifiers(kb_id: str) -> list[str]:
    """The identifiers of a mention that names several concepts, as "MEK1/2" does: "5604,5605".

    Of a variant as tmVar writes it, "tmVar:p|SUB|V|600|E;HGVS:p.V600E;CorrespondingGene:673;RS#:113488022", these are
    the keys that name the variant, and the first part of "p|SUB|V|600|E;VariantGroup:0", which has no key: its gene,
    its species and the number of its group are not its identity.
    """
    if _VARIANT.search(kb_id):
        first, *rest = _VARIANT_KEY.split(kb_id)
        parts = [first] * (vocabulary_of(first.strip()) not in _OTHER_KEYS)
        parts += [part for part in rest if vocabulary_of(part) in VARIANT_KEYS]
    else:
        parts = re.split("[,;]", kb_id)
    return [part for part in dict.fromkeys(map(linked, parts)) if part]


def composite_parts(identifier: str) -> list[str]:
    """The concepts of a composite identifier, "D007674|D006937"; empty for any other."""
    parts = identifier.split("|")
    return parts if len(parts) > 1 and all(_PART.fullmatch(part) for part in parts) else []


def named_concepts(kb_id: str) -> list[str]:
    """The identifiers of a mention, with those of its parts in place of a composite one."""
    return [part for identifier in identifiers(kb_id) for part in composite_parts(identifier) or [identifier]]
