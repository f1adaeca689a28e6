"""``python -m spacy_keci``: the same commands as ``spacy keci``."""

from .cli.main import keci

if __name__ == "__main__":
    keci(prog_name="python -m spacy_keci")
