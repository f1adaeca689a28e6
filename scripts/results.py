"""Write the tables of results/*.json into the pages of the documentation.

A table replaces the text between ``<!-- results:PATTERN -->`` and ``<!-- /results -->``. PATTERN matches the groups to
show, for example ``biorelex-best*``.

    python scripts/results.py                       update README.md and docs/
    python scripts/results.py --check               exit with 1 if a page is not up to date
    python scripts/results.py results/tune-*.json   print a table of these files
"""

import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import mean, stdev
from typing import Any

ROOT = Path(__file__).parent.parent
# Scores with the titles of their columns; a column is shown if a result of the table has the score.
COLUMNS = {
    "biorelex_mentions_f": "mentions (official)",
    "biorelex_relations_f": "relations (official)",
    "entities_micro_f": "entities (strict, micro)",
    "entities_macro_f": "entities (strict, macro)",
    "relations_micro_f": "relations (strict, micro)",
    "relations_macro_f": "relations (strict, macro)",
    "concepts_pair_f": "concepts (pair)",
    "concepts_typed_f": "concepts (pair, label)",
    "concepts_full_f": "concepts (pair, label, novelty)",
    "pairs_precision": "precision",
    "pairs_recall": "recall",
    "pairs_f1": "F1",
    "pairs_mcc": "MCC",
    "pairs_average_precision": "average precision",
}
BLOCK = re.compile(r"(<!-- results:(?P<groups>.+?) -->\n).*?(<!-- /results -->)", re.DOTALL)


def read_results(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Result files of 'spacy keci evaluate' and of the benchmarks, sorted by group and name. A result with its own
    ``markdown``, such as a benchmark's, may contain any other data.

    Raises ValueError for another kind of file, and for two runs of one group with the same corpus and seed, which would
    count one run twice.
    """
    results: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], Path] = {}
    for path in paths:
        result = json.loads(path.read_text(encoding="utf8"))
        if not isinstance(result, dict) or "group" not in result or not {"scores", "markdown"} & result.keys():
            raise ValueError(f"{path} is not a result of 'spacy keci evaluate' or of a benchmark.")
        if "markdown" not in result:
            run = (result["group"], result["corpus"]["sha256"], result["model"]["seed"])
            if run in seen:
                raise ValueError(
                    f"{seen[run]} and {path} are runs of the group {result['group']!r} with the same corpus and seed. "
                    "Give one of them another group, or remove it."
                )
            seen[run] = path
        results.append(result)
    return sorted(results, key=lambda result: (result["group"], result["name"]))


def update_tables(page: str, results: Sequence[dict[str, Any]]) -> str:
    """The page with every marked block replaced by its table. Raises ValueError for a block without an end or without a
    result."""

    def replace(block: re.Match[str]) -> str:
        chosen = [result for result in results if fnmatchcase(result["group"], block["groups"])]
        if not chosen:
            raise ValueError(f"No result belongs to <!-- results:{block['groups']} -->.")
        return f"{block[1]}\n{make_table(chosen)}\n\n{block[3]}"

    new, blocks = BLOCK.subn(replace, page)
    if blocks != page.count("<!-- results:") or blocks != page.count("<!-- /results -->"):
        raise ValueError("Every <!-- results:PATTERN --> needs a line of its own and, after it, <!-- /results -->.")
    return new


def make_table(results: Sequence[dict[str, Any]]) -> str:
    """One row for each group: a single run with its bootstrap interval, several as mean ± standard deviation, F in
    percent. The markdown of other results, and the tables of linking by type of mention, follow below."""
    own = [result["markdown"] for result in results if "markdown" in result]
    if linking := [result for result in results if result.get("benchmark") == "linking"]:
        own.append(make_linking_table(linking))
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        if "markdown" not in result and result not in linking:
            groups.setdefault(result["group"], []).append(result)
    if not groups:
        return "\n\n".join(own)
    columns = [name for name in COLUMNS if any(name in run["scores"] for runs in groups.values() for run in runs)]
    rows = [["run", "encoder", *(COLUMNS[name] for name in columns)], ["---"] * 2 + ["---:"] * len(columns)]
    for group, runs in groups.items():
        title = group if len(runs) == 1 else f"{group} ({len(runs)} runs)"
        encoders = dict.fromkeys(str(run["model"]["encoder"] or "") for run in runs)
        rows.append([title, ", ".join(encoders), *(_cell(runs, name) for name in columns)])
    return "\n\n".join(["\n".join(f"| {' | '.join(row)} |" for row in rows), *own])


def make_linking_table(results: Sequence[dict[str, Any]]) -> str:
    """Rows by type and run: shares of mentions whose concept is in the knowledge base, among the candidates, and the
    first candidate; and the share of the first among those in the knowledge base."""
    columns = [
        "number",
        "in the knowledge base",
        "among candidates",
        "first choice",
        "first choice, if in the knowledge base",
    ]
    rows = [["mentions of", "run", *columns], ["---"] * 2 + ["---:"] * len(columns)]
    types = {name: row["support"] for result in results for name, row in result["per_type"]["linking_first"].items()}
    for name in sorted(types, key=lambda name: (-types[name], name)):
        for result in results:
            by_type = {score: rows.get(name, {"r": 0.0, "support": 0}) for score, rows in result["per_type"].items()}
            n, known = by_type["linking_first"]["support"], by_type["linking_known_first"]["support"]
            found = (by_type[f"linking_{each}"]["r"] for each in ("candidates", "first", "known_first"))
            shares = [known / max(n, 1), *found]
            rows.append([name, result["name"], str(n), *(f"{100 * share:.1f}" for share in shares)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="result files to print a table of; changes no page")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a page is not up to date")
    options = parser.parse_args()
    if options.files:
        print(make_table(read_results(options.files)))
        return
    results, outdated = read_results(sorted((ROOT / "results").glob("*.json"))), []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        old = page.read_text(encoding="utf8")
        if (new := update_tables(old, results)) != old:
            outdated.append(page.relative_to(ROOT).as_posix())
            if not options.check:
                page.write_text(new, encoding="utf8")
    print("Not up to date:" if options.check else "Updated:", ", ".join(outdated) or "no page")
    sys.exit(options.check and bool(outdated))


if __name__ == "__main__":
    main()
