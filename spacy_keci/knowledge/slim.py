"""A copy of a knowledge base without its optional parts, for the package of a pipeline."""

import fnmatch
from collections.abc import Collection
from pathlib import Path

from .atomic import new_folder
from .folder import seal
from .knowledge_base import KnowledgeBase

_PARTS = {"fuzzy": ("fuzzy.*",), "definitions": ("definitions.*", "concepts.definition.npy")}


def copy_slim(kb: KnowledgeBase, out: Path, keep: Collection[str] = (), overwrite: bool = False) -> list[str]:
    """Copy a knowledge base to ``out`` without its index for similar names (``fuzzy``), the texts of ``definitions``,
    and each of its vectors (by their names), except for those in ``keep``. Returns what was left out.

    The manifest keeps all sources, with their versions and licences. Raises ValueError for a part in ``keep`` that the
    knowledge base does not have, FileExistsError as :func:`~.atomic.new_folder`.
    """
    patterns = {**_PARTS, **{name: (f"vectors.{name}.npy",) for name in kb.vectors}}
    files = {
        part: [name for name in kb.files.checksums if any(fnmatch.fnmatch(name, pattern) for pattern in several)]
        for part, several in patterns.items()
    }
    files = {part: names for part, names in files.items() if names}
    if unknown := [part for part in keep if part not in files]:
        raise ValueError(
            f"{kb.path} has no {', '.join(unknown)} to keep. It has: {', '.join(files) or 'no parts to leave out'}."
        )
    left_out = [part for part in files if part not in keep]
    with new_folder(out, overwrite) as folder:
        kb.files.save(folder)
        for part in left_out:
            for name in files[part]:
                (folder / name).unlink()
        seal(folder, {**kb.manifest, "left_out": [*kb.manifest.get("left_out", []), *left_out]})
        KnowledgeBase(folder)
    return left_out
