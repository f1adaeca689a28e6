from pathlib import Path

import pytest
import spacy
import torch

from spacy_keci.callbacks import create_torch_threads, create_training_record


def test_threads_are_set_by_the_environment() -> None:
    before = torch.get_num_threads()
    nlp = spacy.blank("en")
    with pytest.warns(FutureWarning, match="set OMP_NUM_THREADS=7 instead"):
        assert create_torch_threads(7)(nlp) is nlp
    assert torch.get_num_threads() == before


def test_training_record_is_saved_with_the_pipeline(tmp_path: Path) -> None:
    nlp = create_training_record()(spacy.blank("en"))
    nlp.to_disk(tmp_path)
    record = spacy.load(tmp_path).meta["training"]
    assert record["wall_time_s"] >= 0
    assert record["device"] == "cpu"
    assert record["threads"] == torch.get_num_threads()
