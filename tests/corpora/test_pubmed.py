import gzip
import io
import tracemalloc
from pathlib import Path

from spacy_keci.corpora.pubmed import Citation, read_pubmed
from spacy_keci.corpora.texts import TextSource
from spacy_keci.reports import Report

ARTICLE = """<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article>
<Journal><JournalIssue><PubDate><MedlineDate>1998 Dec-1999 Jan</MedlineDate></PubDate></JournalIssue></Journal>
<ArticleTitle>Effect of <i>CDKN2A</i> on Ca<sup>2+</sup>
  &amp; more.</ArticleTitle>
<Abstract><AbstractText Label="METHODS" NlmCategory="METHODS">We  bound <b>it</b>.</AbstractText>
<AbstractText Label="UNLABELLED">Then not.</AbstractText><AbstractText/>
<CopyrightInformation>Copyright</CopyrightInformation></Abstract>
</Article><MedlineJournalInfo><MedlineTA>J Test</MedlineTA></MedlineJournalInfo></MedlineCitation></PubmedArticle>"""
DOCTYPE = (
    '<?xml version="1.0"?><!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "https://dtd.nlm.nih.gov/x.dtd">'
    "<PubmedArticleSet>"
)
END = "<DeleteCitation><PMID>7</PMID></DeleteCitation></PubmedArticleSet>"


def read(xml: str) -> tuple[list[Citation], Report]:
    report = Report()
    return list(read_pubmed(io.BytesIO(xml.encode()), "x.xml", report)), report


def test_title_sections_and_meta() -> None:
    (found,), report = read(DOCTYPE + ARTICLE.format(pmid="123") + END)
    assert found.pmid == "123"
    assert found.text == "Effect of CDKN2A on Ca2+ & more.\nMETHODS: We bound it.\nThen not."
    assert found.meta == {"year": 1998, "journal": "J Test"}
    assert not report.counts


def test_citations_that_lack_something() -> None:
    bare = "<PubmedArticle><MedlineCitation><PMID>5</PMID></MedlineCitation></PubmedArticle>"
    vernacular = (
        "<PubmedArticle><MedlineCitation><PMID>6</PMID><Article><ArticleTitle/>"
        "<VernacularTitle>Über p53</VernacularTitle></Article></MedlineCitation></PubmedArticle>"
    )
    book = "<PubmedBookArticle><BookDocument><PMID>8</PMID></BookDocument></PubmedBookArticle>"
    found, report = read(DOCTYPE + bare + vernacular + ARTICLE.format(pmid="") + book + END)
    assert found == [Citation("5", "", {}), Citation("6", "Über p53", {})]
    assert report.examples["book"] == ["x.xml, PMID 8"]
    (problem,) = report.examples["malformed text"]
    assert problem.startswith("x.xml: an article without a PMID: 'Effect of CDKN2A on Ca2+")


def test_files_that_are_cut_or_something_else() -> None:
    whole = DOCTYPE + ARTICLE.format(pmid="1") + ARTICLE.format(pmid="2") + END
    found, report = read(whole[: len(whole) - 300])
    assert [each.pmid for each in found] == ["1"]
    assert "x.xml: not well formed" in report.examples["file that cannot be read to its end"][0]
    found, report = read("<collection><document/></collection>")
    assert not found and "no PubmedArticle in <collection>" in report.lines()[1]
    declared = "<?xml version='1.0' encoding='{}'?><PubmedArticleSet/>"
    for nothing in ("", declared.format("no-such-encoding"), declared.format("shift_jis")):
        found, report = read(nothing)
        assert not found and report.dropped == 1


def test_memory_does_not_grow(tmp_path: Path) -> None:
    report = Report()
    articles = "".join(ARTICLE.format(pmid=n) for n in range(5000))
    stream = io.BytesIO((DOCTYPE + articles + END).encode())
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_pubmed(stream, "x", report)) == 5000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_baseline_files_of_a_folder(tmp_path: Path) -> None:
    for n in (1, 2):
        xml = DOCTYPE + ARTICLE.format(pmid=n) + END
        (tmp_path / f"pubmed25n000{n}.xml.gz").write_bytes(gzip.compress(xml.encode()))
    source = TextSource(str(tmp_path), "pubmed", Report())
    texts = list(source)
    assert [text.id for text in texts] == ["1", "2"]
    assert texts[1].place == "pubmed25n0002.xml.gz, PMID 2"
    assert texts[1].data == {"meta": {"year": 1998, "journal": "J Test"}}
    assert source.position == source.size
