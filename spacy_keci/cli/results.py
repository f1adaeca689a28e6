"""``spacy keci results``: markdown tables from result files, so that no number in a README is typed by hand."""

import json
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer

from ..corpora.reading import Record, explain
from .messages import fail, good

# Scores that make a column where a result of the table has them, with the column's title.
COLUMNS = {
    "biorelex_mentions_f": "mentions (official)",
    "biorelex_relations_f": "relations (official)",
    "entities_micro_f": "entities (strict, micro)",
    "entities_macro_f": "entities (strict, macro)",
    "relations_micro_f": "relations (strict, micro)",
    "relations_macro_f": "relations (strict, macro)",
}
BLOCK = re.compile(r"(<!-- results:(?P<groups>.+?) -->\n).*?(<!-- /results -->)", re.DOTALL)


class _Corpus(Record):
    sha256: str


class _Model(Record):
    seed: int | None
    encoder: str | None


class _Evaluation(Record):
    """What is used of a file that 'spacy keci evaluate' writes."""

    name: str
    group: str
    scores: dict[str, float]
    intervals: dict[str, list[float]]
    corpus: _Corpus
    model: _Model


class _Shown(Record):
    name: str
    group: str
    markdown: str


def results_cli(
    paths: Annotated[
        list[Path], typer.Argument(help="Result files of 'spacy keci evaluate', or folders of such", exists=True)
    ],
    update: Annotated[Path | None, typer.Option(help="Markdown file to update", exists=True, dir_okay=False)] = None,
    check: Annotated[bool, typer.Option(help="Change nothing; exit with 1 if the file is not up to date")] = False,
) -> None:
    """Show results as a markdown table: mean and standard deviation of the runs of a group, F in percent.

    With --update, the table replaces what stands between <!-- results:GROUPS --> and <!-- /results -->, where GROUPS
    is the name of a group or a pattern such as ade-*. With --check, exits with 1 if that would change the file.

    \b
    spacy keci results results/demo.json
    spacy keci results results --update README.md
    spacy keci results results --update README.md --check
    """
    results = read_results(paths)
    if update is None:
        typer.echo(make_table(results))
        return
    old = update.read_text(encoding="utf8")
    new = update_tables(old, results)
    if old == new:
        good(f"{update.name} is up to date.")
    elif check:
        fail(f"{update.name} is not up to date: run the same command without --check.")
    else:
        update.write_text(new, encoding="utf8")
        good(f"Updated {update.name}.")


def read_results(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Result files, sorted by group and name; of a folder, all files that end in ``.json``.

    A result that brings its own ``markdown``, such as a benchmark's, may hold anything else beside it.

    Raises ValueError for another kind of file, where there is none, and for two runs of one group with the same corpus
    and seed, which would count one run twice.
    """
    results: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], str] = {}
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not files:
        raise ValueError(
            f"There is no result file in {', '.join(map(str, paths))}: 'spacy keci evaluate -o' writes them."
        )
    for path in files:
        try:
            result = json.loads(path.read_text(encoding="utf8"))
            schema = _Shown if isinstance(result, dict) and "markdown" in result else _Evaluation
            schema.model_validate(result)
        except ValueError as error:
            raise ValueError(f"{path.name} is not a result of 'spacy keci evaluate': {explain(error)}.") from None
        if schema is _Shown:
            results.append(result)
            continue
        run = (result["group"], result["corpus"]["sha256"], result["model"]["seed"])
        if run in seen:
            raise ValueError(
                f"{seen[run]} and {path.name} are runs of the group {result['group']!r} with the same corpus and seed. "
                "Give one of them another group, or leave it out."
            )
        seen[run] = path.name
        results.append(result)
    return sorted(results, key=lambda result: (result["group"], result["name"]))


def update_tables(markdown: str, results: Sequence[dict[str, Any]]) -> str:
    """The text with every marked block replaced by its table. Raises ValueError where there is no block, where one
    has no end, or where no result belongs into it."""

    def replace(block: re.Match[str]) -> str:
        chosen = [result for result in results if fnmatchcase(result["group"], block["groups"])]
        if not chosen:
            raise ValueError(f"No result belongs to <!-- results:{block['groups']} -->: check its name and the files.")
        return f"{block[1]}\n{make_table(chosen)}\n\n{block[3]}"

    new, blocks = BLOCK.subn(replace, markdown)
    if blocks == 0 or blocks != markdown.count("<!-- results:") or blocks != markdown.count("<!-- /results -->"):
        raise ValueError("Every <!-- results:GROUPS --> needs its own line and an end, <!-- /results -->, after it.")
    return new


def make_table(results: Sequence[dict[str, Any]]) -> str:
    """One row for each group: a single run with its bootstrap interval, several as mean ± standard deviation.

    Results that bring their own markdown are shown as they are, below the table of the others.
    """
    own = [result["markdown"] for result in results if "markdown" in result]
    results = [result for result in results if "markdown" not in result]
    if not results:
        return "\n\n".join(own)
    columns = [name for name in COLUMNS if any(name in result["scores"] for result in results)]
    rows = [["run", "encoder", *(COLUMNS[name] for name in columns)], ["---"] * 2 + ["---:"] * len(columns)]
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault(result["group"], []).append(result)
    for group, runs in groups.items():
        title = group if len(runs) == 1 else f"{group} ({len(runs)} runs)"
        encoders = dict.fromkeys(str(run["model"]["encoder"] or "") for run in runs)
        rows.append([title, ", ".join(encoders), *(_cell(runs, name) for name in columns)])
    table = "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)
    return "\n\n".join([table, *own])


def _cell(runs: Sequence[dict[str, Any]], name: str) -> str:
    scores = [100 * run["scores"][name] for run in runs if name in run["scores"]]
    if len(scores) < len(runs):
        return ""
    if len(scores) > 1:
        return f"{mean(scores):.1f} ± {stdev(scores):.1f}"
    if name not in runs[0]["intervals"]:
        return f"{scores[0]:.1f}"
    low, high = runs[0]["intervals"][name]
    return f"{scores[0]:.1f} ({100 * low:.1f}-{100 * high:.1f})"
