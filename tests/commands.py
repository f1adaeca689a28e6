"""Commands of pages and projects, run by tests."""

import importlib
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_keci.cli.main  # noqa: F401 - adds its commands to spaCy's


def spacy_command(*arguments: object, code: int = 0) -> str:
    """What a command of spaCy's or ours prints. code: the exit code that is expected."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, f"{arguments}\n{result.output}\n{result.exception!r}"
    return result.output


def run(words: Sequence[str], installed: Path | None = None) -> None:
    """A command, in this process where it is one of spaCy's or a script, which saves starting an interpreter.

    installed: folder that packages are installed into.
    """
    words = list(words)
    if words[0] == sys.executable:
        words[0] = "python"
    if words[:3] == ["python", "-m", "spacy"]:
        spacy_command(*words[3:])
        return
    if words[0] == "python" and words[1].endswith(".py"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", words[1:])
            runpy.run_path(words[1], run_name="__main__")
        return
    words = words[2:] if words[:2] == ["python", "-m"] else words
    if words[0] == "pip":
        target = ["--no-deps", "--target", str(installed)] if words[1] == "install" else []
        words = [sys.executable, "-m", *words, *target, "--quiet", "--no-index"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    importlib.invalidate_caches()
