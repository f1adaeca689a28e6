"""Colours of entity types for displaCy, which reads them through the entry point group ``spacy_displacy_colors``.

One hue for each kind of thing: what is protein is blue, what is nucleic acid green, what is small yellow, and so on.
"""

_HUES = {
    "#9ecae9": ["protein", "protein-family", "protein-isoform", "fusion-protein", "peptide", "amino-acid"],
    "#c6dbef": ["protein-complex", "protein-domain", "protein-motif", "protein-region"],
    "#a8dba8": ["gene", "DNA", "RNA", "RNA-family", "mutation"],
    "#a6dcd4": ["protein-RNA-complex", "protein-DNA-complex"],
    "#ffe08a": ["chemical", "reagent", "brand"],
    "#ffc27a": ["drug", "Drug"],
    "#f4a6a0": ["disease", "Adverse-Effect"],
    "#d9b8e8": ["cell", "organelle", "tissue", "organism"],
    "#d9d9d9": ["experimental-construct", "experiment-tag", "assay", "process", "parameter"],
}

COLORS: dict[str, str] = {label: color for color, labels in _HUES.items() for label in labels}
