from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.reports import Report


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_report(reasons: list[str]) -> None:
    report = Report(examples=2)
    report.count("texts", 0)
    for i, reason in enumerate(reasons):
        report.drop(reason, f"case {i}")
    assert report.dropped == len(reasons)
    assert len(report.summary()) == len(set(reasons))
    assert len(report.lines()) == sum(1 + min(2, reasons.count(reason)) for reason in set(reasons))
