"""Save a pipeline that was trained on sentences so that it reads longer texts: one sentence at a time.

python scripts/add_sentencizer.py MODEL OUTPUT
"""

import sys

import spacy


def main(model: str, output: str) -> None:
    nlp = spacy.load(model)
    if not nlp.has_pipe("biomedical_sentencizer"):
        nlp.add_pipe("biomedical_sentencizer", first=True)
    nlp.to_disk(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
