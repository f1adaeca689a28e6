from pathlib import Path

import pytest

from spacy_keci.corpora.annotation import Mention, RelationTriple
from spacy_keci.corpora.formats import read_any
from spacy_keci.reports import Report

DOCUMENT = """<?xml version="1.0"?>
<document id="DDI.d1"><!-- a comment -->
  <sentence id="DDI.d1.s0" text="Aspirin &amp; warfarin, or aspirin tablets and heparin.">
    <entity id="e0" charOffset="0-6" type="drug" text="Aspirin"/>
    <entity id="e1" charOffset="10-17" type="drug" text="warfarin"/>
    <entity id="e2" charOffset="23-29;43-49" type="drug_n" text="aspirin heparin"/>
    <entity id="e3" charOffset="x" type="drug" text="heparin"/>
    <pair id="p0" e1="e0" e2="e1" ddi="true" type="effect"/>
    <pair id="p1" e1="e0" e2="e2" ddi="false"/>
    <pair id="p2" e1="e1" e2="e2" ddi="true"/>
  </sentence>
  <sentence id="DDI.d1.s1" text="None."/>
</document>
"""


@pytest.mark.parametrize("is_folder", [False, True])
def test_sentences_and_pairs(tmp_path: Path, is_folder: bool) -> None:
    """Counts are those of the tags: 4 entities, one of them malformed; 3 pairs, 2 of them true, one without a type."""
    file = tmp_path / "ddi" / "deeper" / "d1.xml"
    file.parent.mkdir(parents=True)
    file.write_text(DOCUMENT)
    report = Report()
    text, other = read_any(tmp_path / "ddi" if is_folder else file, report=report)
    assert text.mentions == [Mention(0, 7, "drug"), Mention(10, 18, "drug"), Mention(23, 50, "drug_n")]
    assert text.relations == [RelationTriple(0, 1, "effect")]
    assert (text.id, text.group, text.sentences) == ("DDI.d1.s0", "DDI.d1", [0])
    assert (other.text, other.group) == ("None.", "DDI.d1")
    assert report.counts["pairs without an interaction"] == 1
    assert {what: n for what, n in report.counts.items() if what.startswith("dropped")} == {
        "dropped: mention outside the text or empty": 1,
        "dropped: relation without a label": 1,
    }


def test_what_is_no_ddi(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_text(DOCUMENT)
    (tmp_path / "cut.xml").write_text(DOCUMENT[:100])
    (tmp_path / "other.xml").write_text("<collection/>")
    report = Report()
    assert len(list(read_any(tmp_path, report=report))) == 2
    assert report.counts["dropped: file that is not of the DDI corpus"] == 2
    with pytest.raises(ValueError, match=r"is not the DDI corpus. other.xml: its root is 'collection'"):
        list(read_any(tmp_path / "other.xml", "ddi"))
