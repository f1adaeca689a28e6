"""Make a wheel of a trained pipeline. 'spacy package --build wheel' does so too, but not without a network.

python scripts/wheel.py training/biorelex/best-minilm-0/model-last packages keci_biorelex 0.4.1
"""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy.cli.package import package


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("pipeline", type=Path, help="folder of the pipeline")
    parser.add_argument("output", type=Path, help="folder for the wheel")
    parser.add_argument("name", help="of the package, without the language")
    parser.add_argument("version")
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        package(args.pipeline, folder, name=args.name, version=args.version, create_sdist=False, require_parent=True)
        (source,) = folder.iterdir()
        options = ["--wheel-dir", str(args.output), "--no-deps", "--no-build-isolation", "--quiet"]
        subprocess.run([sys.executable, "-m", "pip", "wheel", str(source), *options], check=True)
        print(f"Saved a wheel of {source.name} to {args.output}")


if __name__ == "__main__":
    main()
