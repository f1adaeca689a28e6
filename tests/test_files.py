import subprocess
import sys
from pathlib import Path

from spacy_keci.files import files_in, lock, remove


def test_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.txt", "a/.hidden.txt", ".ipynb_checkpoints/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_in(tmp_path) == [tmp_path / "a" / "c.txt", tmp_path / "b.txt"]
    hidden = tmp_path / ".ipynb_checkpoints"
    assert files_in(hidden) == [hidden / "d.txt"]  # asked for by name
    assert files_in(tmp_path / "b.txt") == files_in(tmp_path / "missing") == []


def test_one_process_has_a_lock(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    code = (
        "import sys; from pathlib import Path; from spacy_keci.files import lock\n"
        "with lock(Path(sys.argv[1])) as is_free: print(is_free)"
    )

    def elsewhere() -> str:
        return subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True).stdout.strip()

    with lock(path) as is_free:
        assert is_free and elsewhere() == "False"
        assert path.exists()  # the other process did not remove it
    assert not path.exists() and elsewhere() == "True" and not path.exists()


def test_remove(tmp_path: Path) -> None:
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    for name in ("folder", "missing"):
        remove(tmp_path / name)
    assert not any(tmp_path.iterdir())
