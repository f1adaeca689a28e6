from spacy_keci.corpora.advice import FEW_TEXTS, advise
from spacy_keci.corpora.annotation import AnnotatedText, Mention, RelationTriple

MENTIONS = [Mention(0, 1, "x"), Mention(8, 9, "x"), Mention(11, 12, "x")]


def text(*pairs: tuple[int, int], sentences: list[int] | None = None) -> AnnotatedText:
    return AnnotatedText(
        "A binds B. C does not.", MENTIONS, [RelationTriple(*pair, "r") for pair in pairs], sentences=sentences
    )


def test_relations_across_sentences() -> None:
    (warning,) = advise([text((0, 1), (0, 2))] * FEW_TEXTS)
    assert warning.startswith("50% of the relations hold between mentions in different sentences")
    assert "--components.keci.by_sentence false" in warning
    # a corpus of sentences says so
    assert not advise([text((0, 1), (0, 2), sentences=[0])] * FEW_TEXTS)
    assert not advise([text((0, 1))] * FEW_TEXTS)
    assert len(advise([text((0, 1), sentences=[0, 8])] * FEW_TEXTS)) == 1


def test_too_few_texts() -> None:
    (warning,) = advise([text()] * 12)
    assert warning.startswith("12 texts are too few to train on")
    assert not advise([])
