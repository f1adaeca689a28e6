"""``spacy keci kb``: compile a knowledge base from vocabularies, and look inside."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wasabi import msg

from ..knowledge.candidates import KnowledgeBaseCandidates
from ..knowledge.knowledge_base import KnowledgeBase
from ..knowledge.slim import copy_slim
from .messages import good, warn

if TYPE_CHECKING:
    from ..knowledge.compile import Vectors

kb_app = typer.Typer(
    name="kb",
    help="Compile knowledge bases, look up names and concepts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
KB = Annotated[Path, typer.Argument(help="Folder of a compiled knowledge base", metavar="KB")]


@kb_app.command("build")
def build_cli(
    out: Annotated[Path, typer.Argument(help="Folder to write", file_okay=False)],
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="FORMAT=FILE, or FORMAT=FILE,FILE where a vocabulary has several files; once for each vocabulary. "
            "FORMAT: jsonl, tsv, umls, obo, obographs, hgnc, gene_info, mesh, famplex, pfam, interpro, drugbank, "
            "scispacy, sssom. The first sources name the concepts that they share with others, and come first among "
            "candidates."
        ),
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(
            help="File with a FORMAT=FILE on each line, paths from its folder; before those of --source",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    semantic_network: Annotated[
        list[Path] | None,
        typer.Option(
            help="Files of the UMLS Semantic Network: SRDEF and SRSTRE1, tables, or NLM's sn_current.tgz", exists=True
        ),
    ] = None,
    types: Annotated[
        list[Path] | None,
        typer.Option(help="Tables of branches and semantic types, in addition to the package's own", exists=True),
    ] = None,
    version: Annotated[
        list[str] | None,
        typer.Option(help="FORMAT=VERSION, noted in the manifest for all sources of that format; once for each format"),
    ] = None,
    vectors: Annotated[
        list[str] | None,
        typer.Option(
            help="Initial vectors of concepts: NAME=FILE for your own (word2vec text or npz), 'trained' for vectors "
            "from the relations, 'definitions=MODEL' for definitions encoded by a transformer"
        ),
    ] = None,
    encode_names: Annotated[
        bool, typer.Option(help="Encode the names of concepts that have no definition, with 'definitions=MODEL'")
    ] = True,
    merge: Annotated[bool, typer.Option(help="Merge concepts that several vocabularies share")] = True,
    fuzzy: Annotated[bool, typer.Option(help="Build the index for similar names")] = True,
    definitions: Annotated[bool, typer.Option(help="Keep the texts of definitions")] = True,
    force: Annotated[bool, typer.Option(help="Replace OUT if it exists")] = False,
    max_errors: Annotated[int, typer.Option(help="Malformed lines allowed in a source", min=0)] = 1000,
    quiet: Annotated[bool, typer.Option(help="No progress bar")] = False,
) -> None:
    """Compile vocabularies into a knowledge base, and report what was read and what was dropped."""
    from ..knowledge.compile import SourceFiles, compile_knowledge_base

    listed = [] if sources is None else SourceFiles.read(sources)
    all_sources = [*listed, *(SourceFiles.parse(s) for s in source or ())]
    compute = dict(_vectors(text, encode_names, not quiet) for text in vectors or [])
    versions = dict(v.partition("=")[::2] for v in version or [])
    formats = {s.format for s in all_sources}
    if wrong := [f"{name}={number}" for name, number in versions.items() if name not in formats or not number]:
        raise ValueError(f"--version takes FORMAT=VERSION, with the FORMAT of a source, and not {', '.join(wrong)}.")
    reports = compile_knowledge_base(
        out,
        [SourceFiles(s.format, s.paths, versions.get(s.format, "")) for s in all_sources],
        semantic_network or [],
        types or [],
        merge=merge,
        fuzzy=fuzzy,
        definitions=definitions,
        vectors=compute,
        overwrite=force,
        max_errors=max_errors,
        progress=not quiet,
    )
    for title, report in reports.items():
        msg.divider(title, char="-")
        for line in report.lines():
            typer.echo(line)
    good(f"Saved the knowledge base to {out}")


@kb_app.command("slim")
def slim_cli(
    kb: KB,
    out: Annotated[Path, typer.Argument(help="Folder to write", file_okay=False)],
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A part to keep: fuzzy, definitions, or the name of vectors; once for each part"),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace OUT if it exists")] = False,
) -> None:
    """Copy a knowledge base without the parts that linking and the concept graph do not need: the index for similar
    names, the texts of definitions, and initial vectors."""
    left_out = copy_slim(KnowledgeBase(kb), out, keep or (), overwrite=force)
    what = f"without {', '.join(left_out)}" if left_out else "nothing was left out"
    good(f"Saved the knowledge base to {out}: {what}")


@kb_app.command("info")
def info_cli(
    kb: KB, verify: Annotated[bool, typer.Option("--verify", help="Compare all files with their checksums")] = False
) -> None:
    """What a knowledge base is made of: counts, sources with versions, checksums and licences."""
    opened = KnowledgeBase(kb)
    manifest = opened.manifest
    msg.divider(f"{kb}, {manifest['created']}, format {manifest['format_version']}", char="-")
    for what, n in manifest["counts"].items():
        typer.echo(f"{n:>9}  {what}")
    for name, vectors in opened.vectors.items():
        typer.echo(f"{vectors.any(axis=1).sum():>9}  vectors '{name}' ({vectors.shape[1]} wide)")
    if manifest.get("left_out"):
        typer.echo(f"\nleft out: {', '.join(manifest['left_out'])}")
    for source in manifest["sources"]:
        typer.echo(f"\n{source['name']}: {source['concepts']} concepts")
        for key in ("version", "licence"):
            if source[key]:
                typer.echo(f"  {key}: {source[key]}")
        _show_files(source["files"])
    if manifest.get("semantic_network"):
        typer.echo("\nsemantic network")
        _show_files(manifest["semantic_network"])
    if verify:
        if "files" not in manifest:
            raise ValueError(f"{kb} was built without checksums, by an earlier version. Rebuild it to verify it.")
        if damaged := opened.files.damaged():
            raise ValueError(f"{kb} is damaged: {', '.join(damaged)}. Rebuild it, or copy it again.")
        good(f"All {len(manifest['files'])} files are as they were built")


@kb_app.command("search")
def search_cli(
    kb: KB,
    text: Annotated[str, typer.Argument(help="A name")],
    k: Annotated[int, typer.Option(help="How many", min=1)] = 10,
    threshold: Annotated[float, typer.Option(help="Minimum similarity of a name", min=0.01, max=1.0)] = 0.5,
) -> None:
    """Concepts with this name, or else with similar names."""
    opened = KnowledgeBase(kb)
    found = KnowledgeBaseCandidates(opened).nearest(text, k, threshold)
    if not found:
        warn(f"No concept has a name similar to {text!r}.")
    rows = [(c.concept, opened.name(opened.index(c.concept)), c.type, f"{c.score:.2f}") for c in found]
    if rows:
        msg.table(rows, header=("concept", "name", "type", "score"))


@kb_app.command("show")
def show_cli(kb: KB, concept: Annotated[str, typer.Argument(help="Identifier of a concept")]) -> None:
    """Everything that the knowledge base says about a concept."""
    opened = KnowledgeBase(kb)
    try:
        entry = opened[concept]
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    msg.divider(f"{entry.id}  {entry.name}", char="-")
    typer.echo(f"source      {entry.source}")
    types = [f"{tui} {opened.type_names.get(tui, '')}".strip() for tui in entry.types]
    typer.echo(f"types       {', '.join(types)}")
    typer.echo(f"names       {'; '.join(entry.names)}")
    if entry.identifiers[1:]:
        typer.echo(f"also        {', '.join(entry.identifiers[1:])}")
    if entry.definition:
        typer.echo(f"definition  {entry.definition}")
    for label, target in entry.relations:
        typer.echo(f"{label:<11} {target}  {opened.name(opened.index(target))}")


def _vectors(text: str, names: bool, progress: bool) -> "tuple[str, Vectors]":
    """Name of vectors, and what computes them. Raises ValueError if they cannot be computed."""
    kind, _, model = text.partition("=")
    if kind == "definitions" and model:
        from ..ml.definitions import definition_encoder

        return kind, definition_encoder(model, names, progress)
    from ..knowledge.vectors import parse_vectors

    return parse_vectors(text)


def _show_files(files: list[dict[str, Any]]) -> None:
    for file in files:
        typer.echo(f"  {file['name']}  {file['bytes']} bytes  sha256 {file['sha256']}")
