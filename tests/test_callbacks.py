from pathlib import Path

import pytest
import spacy
import torch

from spacy_keci.callbacks import create_checkpoints, create_torch_threads, create_training_record


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


def test_training_record_includes_the_time_before_a_checkpoint() -> None:
    nlp = spacy.blank("en")
    nlp.meta["training"] = {"wall_time_before_s": 100.0}
    record = create_training_record()
    assert 100 <= record(record(nlp)).meta["training"]["wall_time_s"] < 200


def test_checkpoints_may_be_off() -> None:
    create_checkpoints(None)(spacy.blank("en"), {"step": 0, "epoch": 0})
    with pytest.raises(ValueError, match="every must be a positive number of steps, got 0"):
        create_checkpoints("folder", every=0)
