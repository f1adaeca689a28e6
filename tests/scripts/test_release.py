"""The recipe of the shipped pipeline."""

import shlex
import subprocess
from pathlib import Path

import pytest
from spacy.cli._util import parse_config_overrides
from spacy.util import load_config

from ..conftest import ROOT
from .conftest import load_script

TRAININGS = {"train": 1, "teacher": 2, "student": 1}


@pytest.mark.parametrize("step", ["kb", *TRAININGS, "package"])
def test_steps(step: str) -> None:
    """Trainings change settings of their configs alike for both rates; scripts are there."""
    release = load_script("release")
    commands = list(release.commands(step, "1.0.0", "minilm", seed=3))
    trainings = [words for words in commands if words[:4] == ["python", "-m", "spacy", "train"]]
    assert len(trainings) == TRAININGS.get(step, 0)
    for words in trainings:
        overrides = parse_config_overrides(words[words.index("--paths.train") :], env_var=None)
        config = load_config(ROOT / words[4], overrides=overrides, interpolate=True)
        steps = config["training"]["max_steps"]
        optimizer = config["training"]["optimizer"]
        rates = optimizer["learn_rate"], optimizer["groups"]["keci"]["learn_rate"]
        assert {rate["total_steps"] for rate in rates} == {steps}
        assert len({rate["warmup_steps"] for rate in rates}) == 1
        assert config["training"]["seed"] in (3, 4) and config["corpora"]["dev"]["path"] == release.CALIBRATION
        assert not any(value == "" for value in overrides.values())
    for words in commands:
        assert words[0] == "cp" or words[1] == "-m" or (ROOT / words[1]).is_file()


def test_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that failed is run again, as is all that follows a change; a step by name is always run."""
    release, ran = load_script("release"), []

    def fail_at(name: str, *words: str) -> list[str]:
        """The commands that run until one has the name."""

        def run(command: list[str], check: bool) -> None:
            ran.append(shlex.join(command[1:]))
            if name in command:
                raise subprocess.CalledProcessError(1, command)

        monkeypatch.setattr(release.subprocess, "run", run)
        monkeypatch.setattr("sys.argv", ["release.py", *words])
        ran.clear()
        if name:
            with pytest.raises(subprocess.CalledProcessError):
                release.main()
        else:
            release.main()
        return list(ran)

    monkeypatch.chdir(tmp_path)
    assert "kb/release" in fail_at("scripts/teach.py")[0]
    first, *rest = fail_at("")
    assert "scripts/teach.py" in first and "keci_biorelex" in rest[-1]
    assert fail_at("") == []
    changed = fail_at("", "--version", "9.9.9")
    assert len(changed) == 1 and changed[0].endswith("9.9.9")
    # a failed command, and a step by name, may have replaced the input of all that follows
    fail_at("scripts/wheel.py", "--version", "9.9.8")
    assert len(fail_at("", "--version", "9.9.9")) == 1
    assert len(fail_at("", "student", "--version", "9.9.9")) == 2
    assert "cp" not in fail_at("", "--version", "9.9.9")[0] and fail_at("", "--version", "9.9.9") == []
    assert fail_at("", "--encoder", "other")[0].endswith("--paths.encoder other")
