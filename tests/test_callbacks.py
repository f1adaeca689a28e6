from pathlib import Path

import pytest
import spacy
import torch

from spacy_keci.callbacks import create_torch_threads, create_training_record


def test_torch_threads() -> None:
    before = torch.get_num_threads()
    try:
        nlp = spacy.blank("en")
        assert create_torch_threads(1)(nlp) is nlp
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_no_threads_at_all() -> None:
    with pytest.raises(ValueError, match="n_threads"):
        create_torch_threads(0)


def test_training_record_is_saved_with_the_pipeline(tmp_path: Path) -> None:
    nlp = create_training_record()(spacy.blank("en"))
    nlp.to_disk(tmp_path)
    record = spacy.load(tmp_path).meta["training"]
    assert record["wall_time_s"] >= 0
    assert record["device"] == "cpu"
    assert record["threads"] == torch.get_num_threads()
