"""Readers of vocabularies, one file a format. Each yields :class:`~.record.ConceptRecord`."""

from .hgnc import read_hgnc
from .jsonl import read_jsonl, read_scispacy, read_tsv
from .mesh import read_mesh
from .obo import read_obo
from .obographs import read_obographs
from .record import ConceptRecord, Source, SourceReport, TypeTable
from .tables import read_drugbank, read_famplex, read_interpro, read_pfam
from .umls import read_umls

SOURCES = {
    source.name: source
    for source in (
        Source("jsonl", read_jsonl, "one's own ontology: a JSON object a line"),
        Source("tsv", read_tsv, "one's own ontology: a table"),
        Source("umls", read_umls, "folder META of a release, or its RRF files", "UMLS Metathesaurus License"),
        Source("obo", read_obo, "OBO flat files"),
        Source("obographs", read_obographs, "OBO Graphs JSON"),
        Source("hgnc", read_hgnc, "hgnc_complete_set.txt", "CC0-1.0"),
        Source("mesh", read_mesh, "descriptor XML, or tables of names and of tree numbers", "NLM terms"),
        Source("famplex", read_famplex, "famplex.obo and relations.csv", "CC0-1.0"),
        Source("pfam", read_pfam, "table of names and Pfam accessions", "CC0-1.0"),
        Source("interpro", read_interpro, "table of names and InterPro accessions", "CC0-1.0"),
        Source("drugbank", read_drugbank, "drugbank vocabulary.csv", "CC0-1.0 (open vocabulary)"),
        Source("scispacy", read_scispacy, "a knowledge base of scispaCy: JSON lines"),
    )
}

__all__ = ["SOURCES", "ConceptRecord", "Source", "SourceReport", "TypeTable"]
