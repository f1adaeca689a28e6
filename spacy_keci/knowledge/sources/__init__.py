"""Readers of vocabularies, one file a format. Each yields :class:`~.source.ConceptRecord`."""

from .drugbank import read_drugbank
from .famplex import read_famplex
from .hgnc import read_hgnc
from .jsonl import read_jsonl, read_scispacy, read_tsv
from .mesh import read_mesh
from .ncbi_gene import read_ncbi_gene
from .obo import read_obo
from .obographs import read_obographs
from .protein_families import read_interpro, read_pfam
from .source import ConceptRecord, Source, SourceReport
from .sssom import read_sssom
from .umls import read_umls

SOURCES = {
    source.name: source
    for source in (
        Source("jsonl", read_jsonl),
        Source("tsv", read_tsv),
        Source("umls", read_umls, "UMLS Metathesaurus License"),
        Source("obo", read_obo),
        Source("obographs", read_obographs),
        Source("hgnc", read_hgnc, "CC0-1.0"),
        Source("gene_info", read_ncbi_gene, "public domain (NCBI)"),
        Source("mesh", read_mesh, "NLM terms"),
        Source("famplex", read_famplex, "CC0-1.0"),
        Source("pfam", read_pfam, "CC0-1.0"),
        Source("interpro", read_interpro, "CC0-1.0"),
        Source("drugbank", read_drugbank, "CC0-1.0 (open vocabulary)"),
        Source("scispacy", read_scispacy),
        Source("sssom", read_sssom),
    )
}

__all__ = ["SOURCES", "ConceptRecord", "Source", "SourceReport"]
