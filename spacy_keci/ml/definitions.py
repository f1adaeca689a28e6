"""Vectors of concepts from their definitions, encoded by a transformer."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ..knowledge.knowledge_base import KnowledgeBase
from .mixed_precision import computes_in_bfloat16

_TOKENIZED = 1 << 14  # number of texts tokenized at a time


def definition_encoder(
    model: str, names: bool = True, progress: bool = False
) -> Callable[[KnowledgeBase], NDArray[np.float32]]:
    """:func:`encode_definitions` with this model, for ``compile_knowledge_base``.

    Raises ValueError immediately if transformers or the package with the model is not installed.
    """
    try:
        from .encoders.transformer import resolve_name
    except ImportError:
        raise ValueError("To encode definitions, run pip install 'spacy-transformers<1.5'.") from None
    return partial(encode_definitions, model=resolve_name(model), names=names, progress=progress)


def encode_definitions(
    kb: KnowledgeBase, model: str, names: bool = True, batch_tokens: int = 1024, progress: bool = False
) -> NDArray[np.float32]:
    """Encode the definition of each concept, or its name if it has none and ``names`` is set, and the name of each
    type.

    ``model`` is a folder or a name on the model hub. A vector is the mean of the last layer over the tokens, at most
    128 for each text. ``batch_tokens``: tokens of a batch, including padding. GPUs, and CPUs with bfloat16
    instructions, compute in bfloat16: the cosine to vectors in single precision is above 0.9999.
    """
    from spacy_transformers.util import batch_by_length
    from transformers import AutoModel, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(model)
    encoder = AutoModel.from_pretrained(model).eval().to(device)
    texts = [kb.definition(i) or (kb.name(i) if names else "") for i in range(len(kb))]
    texts += [kb.type_names.get(tui, tui) for tui in kb.types]
    vectors = np.zeros((len(texts), encoder.config.hidden_size), np.float32)
    rows = sorted((i for i, text in enumerate(texts) if text), key=lambda i: len(texts[i]))
    bar = tqdm(total=len(rows), desc="definitions", unit=" texts", disable=not progress)
    with bar, torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=computes_in_bfloat16(device)):
        for start in range(0, len(rows), _TOKENIZED):
            chunk = rows[start : start + _TOKENIZED]
            ids = tokenizer([texts[i] for i in chunk], truncation=True, max_length=128)["input_ids"]
            for batch in batch_by_length(ids, batch_tokens):
                padded = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
                hidden = encoder(**padded).last_hidden_state.float()
                mask = padded["attention_mask"].unsqueeze(-1)
                vectors[[chunk[i] for i in batch]] = ((hidden * mask).sum(1) / mask.sum(1)).cpu().numpy()
                bar.update(len(batch))
    return vectors
