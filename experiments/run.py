"""Run the experiments of the tables in experiments.yml whose results are missing.

    python experiments/run.py                       list the tables
    python experiments/run.py table-1 --dry-run     print the commands that would be run
    python experiments/run.py best table-1
    python experiments/run.py best --set encoder=allenai/scibert_scivocab_uncased encoder_name=scibert gpu_id=0

Existing results are skipped unless --force is given. Missing models, predictions and converted corpora are made first.
Data and knowledge base must exist (spacy project run data, and kb), and texts that comments in experiments.yml name.
Then `python scripts/results.py` writes the results into the documentation.
"""

import json
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import srsly
from weasel.cli.run import project_run
from weasel.util.config import substitute_project_variables

ROOT = Path(__file__).parent.parent


def main() -> None:
    experiments = srsly.read_yaml(Path(__file__).with_name("experiments.yml"))
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", nargs="*", choices=[*experiments["tables"], []], metavar="TABLE")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run nothing")
    parser.add_argument("--force", action="store_true", help="make existing results again")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="variables of the projects")
    options = parser.parse_args()
    if not options.tables:
        print("Tables:", ", ".join(experiments["tables"]))
    if wrong := [pair for pair in options.set if "=" not in pair]:
        parser.error(f"--set takes NAME=VALUE, and not {', '.join(wrong)}")
    variables = dict(pair.split("=", 1) for pair in options.set)
    for name, value in variables.items():
        if Path(value).exists():  # absolute, since commands run in the folder of a project
            variables[name] = str(Path(value).resolve())
    maker = Maker(options.dry_run, options.force)
    for table in options.tables:
        for folder, command, run, baseline in runs(experiments, table):
            run |= variables
            if baseline is not None:
                run["results"] = "results/paired"
                if maker.is_there(folder, command, run):
                    continue
                predictions = maker.make(folder, command, baseline | variables, of="outputs_no_cache")
                run["options"] = f"--compare {predictions}"
            if not maker.is_there(folder, command, run):
                maker.make(folder, command, run)


def runs(
    experiments: Mapping[str, Any], table: str
) -> Iterator[tuple[Path, str, dict[str, Any], dict[str, Any] | None]]:
    """The runs of a table: the folder of a project, the command that scores, its variables, and those of the run to
    compare with, if any."""
    for row in experiments["tables"][table]:
        folds = [{"fold": fold} for fold in row.get("folds", ())] or [{}]
        for seed, fold, system in product(row["seeds"], folds, row["systems"]):
            run = {"system": system, "seed": seed, **fold, **row.get("vars", {})}
            baseline = as_variables(experiments, run | row["against"], row) if "against" in row else None
            folder, command = ROOT / experiments["projects"][row["corpus"]], row.get("command", "evaluate")
            yield folder, command, as_variables(experiments, run, row), baseline


def as_variables(experiments: Mapping[str, Any], run: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a run, with config, settings and evaluation options of its system."""
    scored = experiments["systems"][run["system"]]
    trained_as = scored.get("trained_as", run["system"])
    trained = experiments["systems"][trained_as]
    return {
        **run,
        "system": trained_as,
        "scored_as": run["system"],
        "config": trained["config"],
        **({"component": trained["component"]} if "component" in trained else {}),
        "settings": as_options({**trained.get("settings", {}), **row.get("settings", {})}),
        "options": as_options(scored.get("scored_with", {})),
    }


def as_options(settings: Mapping[str, Any]) -> str:
    """Settings of a config as options of a command line. Quotation marks are escaped, because Weasel inserts the
    options into JSON."""
    words = (f"--{name} {shlex.quote(json.dumps(value))}" for name, value in settings.items())
    return " ".join(words).replace('"', '\\"')


class Maker:
    """Runs commands of projects, after the commands that make their inputs."""

    def __init__(self, dry_run: bool = False, force: bool = False) -> None:
        self.dry_run, self.force = dry_run, force
        self.made: set[Path] = set()

    def is_there(self, folder: Path, name: str, variables: Mapping[str, Any]) -> bool:
        """Whether the outputs of a command exist; if forced, whether this object made them."""
        paths = [(folder / path).resolve() for path in self._commands(folder, variables)[name]["outputs"]]
        return all(path in self.made or (path.exists() and not self.force) for path in paths)

    def make(self, folder: Path, name: str, variables: Mapping[str, Any], of: str = "outputs") -> str:
        """Run a command of the project in a folder; returns its first output.

        of: "outputs_no_cache" for its additional outputs; the command is then skipped if these exist.
        """
        commands = self._commands(folder, variables)
        command = commands[name]
        if of != "outputs" and all(self._exists(folder / path) for path in command[of]):
            return command[of][0]
        for needed in command.get("deps", []):
            makers = [each for each, other in commands.items() if needed in other.get("outputs", [])]
            if makers and not self._exists(folder / needed):
                self.make(folder, makers[0], variables)
        if self.dry_run:
            place = "" if folder == ROOT else f"cd {folder.relative_to(ROOT)} && "
            print(*(f"{place}{line.strip()}" for line in command["script"]), sep="\n")
        else:
            project_run(folder, name, overrides=_overrides(variables), force=True)
        self.made |= {
            (folder / path).resolve() for kind in ("outputs", "outputs_no_cache") for path in command.get(kind, [])
        }
        return command[of][0]

    def _commands(self, folder: Path, variables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        project = substitute_project_variables(srsly.read_yaml(folder / "project.yml"), _overrides(variables))
        return {command["name"]: command for command in project["commands"]}

    def _exists(self, path: Path) -> bool:
        return path.exists() or path.resolve() in self.made


def _overrides(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {f"vars.{name}": value for name, value in variables.items()}


if __name__ == "__main__":
    main()
