"""The commands as a whole: found, told apart in the help, and documented as they are."""

import re
import shlex
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from spacy_keci.cli.main import keci

from ..conftest import ROOT

DOCUMENT = (ROOT / "docs" / "commands.md").read_text(encoding="utf8")
COMMANDS: dict[str, Any] = get_command(keci).commands  # type: ignore[attr-defined]


def examples(text: str) -> list[list[str]]:
    """The commands in the text, from the word after "keci" to a pipe."""
    lines = re.findall(r"^ *(?:[^#\n]*\| )?spacy keci (.+)$", text, re.MULTILINE)
    return [shlex.split(line.split(" | ")[0]) for line in lines]


def check(words: list[str]) -> None:
    command = COMMANDS[words[0]]
    if words[0] == "kb":
        command = command.commands[words[1]]
    options = {option for parameter in command.params for option in parameter.opts}
    given = {word for word in words if re.match("--?[a-z]", word)}
    if "ignore_unknown_options" in command.context_settings:  # settings of the pipeline have dots
        given = {word for word in given if "." not in word}
    assert given <= options, words


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_have_options_that_exist(name: str) -> None:
    documented = [words for words in examples(DOCUMENT) if words[0] == name]
    assert documented, "docs/commands.md has no example"
    for words in documented + examples(COMMANDS[name].help or ""):
        check(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str) -> None:
    shown = CliRunner().invoke(keci, ["--help"]).output
    (line,) = (line for line in shown.splitlines() if line.startswith(f"  {name} "))
    assert not line.endswith("...")
    result = CliRunner().invoke(keci, [name, "--help"])
    assert result.exit_code == 0 and "--help" in result.output


def test_all_options_of_annotate_are_documented() -> None:
    for parameter in COMMANDS["annotate"].params:
        assert parameter.opts[0] in DOCUMENT or parameter.opts[0].upper() in DOCUMENT, parameter.opts
