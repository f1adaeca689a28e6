"""The pipeline that a command was given."""

import spacy
from spacy.language import Language
from wasabi import msg


def load_pipeline(model: str) -> Language:
    """The pipeline in a folder or an installed package; ends the program with a word on why, if there is none."""
    try:
        return spacy.load(model)
    except OSError as error:
        msg.fail("Cannot load the pipeline", str(error), exits=1)
        raise
