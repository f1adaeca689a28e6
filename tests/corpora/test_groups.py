import gzip
import re
import tarfile
from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.groups import read_groups
from spacy_keci.corpora.spert import read_spert
from spacy_keci.corpora.split import hold_out
from spacy_keci.reports import Report


def test_ade(tmp_path: Path) -> None:
    rows = ["11|S one.|x|0|1|y|2|3", "11|S two.|x|0|1|y|2|3", "11|S one.|x|0|1|z|4|5", "12|S one.|x|0|1|y|2|3"]
    for name in ("DRUG-AE.rel", "DRUG-AE.REL"):
        (tmp_path / name).write_text("\n".join(rows) + "\n", encoding="utf8")
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        assert read_groups(tmp_path / f"{name}.gz") == read_groups(tmp_path / name)
        assert read_groups(tmp_path / name) == {"0": "11", "1": "11", "2": "12"}


def test_tab_separated(tmp_path: Path) -> None:
    (tmp_path / "g.tsv").write_bytes(b"s1\tpaper 1\r\ns2\tpaper 1\r\n\r\n")
    assert read_groups(tmp_path / "g.tsv") == {"s1": "paper 1", "s2": "paper 1"}
    (tmp_path / "g.tsv").write_text("s1\tpaper 1\ns1\tpaper 2\n")
    with pytest.raises(ValueError, match="two groups for the text 's1'"):
        read_groups(tmp_path / "g.tsv")
    (tmp_path / "g.tsv").write_bytes("s1\tMüller\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 1: not UTF-8"):
        read_groups(tmp_path / "g.tsv")


@pytest.mark.parametrize(("name", "line"), [("x.rel", "11|S one.|x"), ("x.tsv", "s1 paper"), ("x.tsv", "a\tb\tc")])
def test_malformed_lines(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / name).write_text(f"\n{line}\n", encoding="utf8")
    with pytest.raises(ValueError, match=rf"{name}, line 2: expected \d columns"):
        read_groups(tmp_path / name)


def test_orig_id_of_ade_is_the_number_of_a_sentence(data_dir: Path, tmp_path: Path) -> None:
    path = data_dir / "ade" / "DRUG-AE.rel"
    groups = read_groups(path)
    assert (len(groups), len(set(groups.values()))) == (4272, 1644)
    letters = re.compile(r"\W")
    paper_of: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf8").splitlines():
        paper, sentence, *_ = line.split("|")
        paper_of.setdefault(letters.sub("", sentence), set()).add(paper)
    with tarfile.open(data_dir / "ade" / "ade_10fold.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    texts: list[AnnotatedText] = []
    for part in ("train", "test"):
        texts += read_spert(next(tmp_path.rglob(f"ade_split_0_{part}.json")), Report())
    assert {text.id for text in texts} == set(groups)
    for text in texts:
        assert groups[text.id] in paper_of[letters.sub("", text.text)]
    rest, held_out = hold_out(texts, 0.1, group=lambda text: groups[text.id])
    assert len(held_out) == 427
    assert not {groups[text.id] for text in rest} & {groups[text.id] for text in held_out}
