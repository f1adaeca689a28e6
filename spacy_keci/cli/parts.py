"""The parts of an output: each is written aside and renamed when it is whole, by whichever process annotates its texts.

The name of a part says which texts of the input it holds, and by what they were annotated: so an interrupted run goes
on with the parts that are not there, no second file can disagree with them, and machines that share a disk can share
the work. Texts are annotated in the same batches in every run, as the last digits of a score depend on what else is in
a batch: what an interrupted and resumed run writes is, byte for byte, what an undisturbed one does.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from spacy.tokens import Doc

from ..annotator import Annotator
from ..corpora.annotation import AnnotatedText
from ..corpora.formats import FORMATS, write_docs
from ..corpora.texts import Text
from ..files import lock, remove
from ..reports import Report

_PART = re.compile(r"part-(\d{9,})-(\d{9,})-([0-9a-f]{16})(\.[a-z.-]+)")


class Job(NamedTuple):
    """Texts of one part. name: of its file. skip: numbers of texts that must not be annotated, and why.
    is_trial: whether nothing is written. batch_size: None: that of the annotator."""

    name: str
    texts: list[Text]
    skip: tuple[tuple[int, str], ...] = ()
    is_trial: bool = False
    batch_size: int | None = None


@dataclass
class Result:
    """What was found in the texts of a job. failed: place of each text that was not annotated, and why."""

    texts: int = 0
    mentions: int = 0
    relations: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    losses: Report = field(default_factory=Report)


@dataclass
class WritePart:
    """Annotates the texts of a job and writes them to a file of ``folder``. Can be sent to other processes.

    strict: raise ValueError where a text cannot be annotated, in place of leaving it out.
    run: tells what this run has begun to write from what others have.
    """

    annotator: Annotator
    folder: Path
    format: str
    strict: bool = False
    run: str = ""

    def __call__(self, job: Job) -> Result:
        result = Result()
        outcomes = self._annotate(job, result)
        if job.is_trial:
            for _ in outcomes:
                pass
            return result
        path = self.folder / job.name
        # hidden: tools that read all files of a folder must not meet a half of one
        unfinished = path.with_name(f".unfinished{self.run}-{os.getpid()}-{job.name}")
        try:
            if self.format == "parquet":
                _write_parquet(outcomes, unfinished, self.annotator.spans_key, result.losses)
            else:
                docs = (outcome for _, outcome in outcomes if isinstance(outcome, Doc))
                annotator = self.annotator
                write_docs(docs, unfinished, self.format, annotator.spans_key, result.losses, annotator.nlp.make_doc)
            finish(unfinished, path)
        finally:
            remove(unfinished)
        return result

    def _annotate(self, job: Job, result: Result) -> Iterator[tuple[Text, Doc | str]]:
        """Each text with its document, or why it has none."""
        skip = dict(job.skip)
        chosen = [text for i, text in enumerate(job.texts) if i not in skip]
        batches = self.annotator.annotate((text.text for text in chosen), job.batch_size)
        outcomes = chain.from_iterable(batches)
        for i, text in enumerate(job.texts):
            outcome = skip[i] if i in skip else next(outcomes)
            if isinstance(outcome, Doc):
                outcome.user_data.update(text.data, id=text.id)
                group = outcome.spans[self.annotator.spans_key]
                result.texts += 1
                result.mentions += len(group)
                result.relations += len(group.attrs.get("relations", ()))
            elif self.strict:
                raise ValueError(f"{text.place}: {outcome} (the pipeline fails). Without --strict, it is left out.")
            else:
                result.failed.append((text.place, outcome))
            yield text, outcome


class Parts:
    """A folder of parts.

    format: of the files. fingerprint: of the pipeline and its settings. size: texts in a part.
    n_texts: texts of the input so far. n_done: those that were there already.
    """

    def __init__(self, folder: Path, format: str, fingerprint: str, size: int) -> None:
        self.folder, self.format, self.size = folder, format, size
        self._fingerprint, self._suffix = fingerprint, next(iter(FORMATS[format].suffixes), f".{format}")
        self.n_texts = self.n_done = 0

    def missing(self, texts: Iterable[Text], shard: tuple[int, int] = (0, 1)) -> Iterator[Job]:
        """The parts that are not there: of every n-th part the i-th, if ``shard`` is (i, n).

        Raises ValueError if a part is there that holds other texts, or was made by another pipeline or batch size.
        """
        there = {name: range_of(name) for name in self._names()}
        texts, begin = iter(texts), 0
        for number in range(1 << 62):
            part = list(islice(texts, self.size))
            if not part:
                break
            end = self.n_texts = begin + len(part)
            if number % shard[1] == shard[0]:
                name = f"part-{begin:09}-{end:09}-{self._digest(part)}{self._suffix}"
                if name in there:
                    self.n_done += len(part)
                elif clash := next((other for other, (b, e) in there.items() if b < end and begin < e), None):
                    raise self._stems_from_another(clash)
                else:
                    yield Job(name, part)
            begin = end
        if begin < max((end for _, end in there.values()), default=0):
            raise self._stems_from_another(max(there))

    def paths(self) -> list[Path]:
        return [self.folder / name for name in sorted(self._names(), key=range_of)]

    def clear(self) -> None:
        for path in self.folder.iterdir():
            if _PART.fullmatch(path.name):
                remove(path)

    def tidy(self, run: str) -> None:
        """Remove what processes of a killed run had begun to write."""
        for path in self.folder.glob(f".unfinished{run}-*"):
            remove(path)

    def _names(self) -> list[str]:
        return [name for name in os.listdir(self.folder) if _PART.fullmatch(name)]

    def _digest(self, texts: list[Text]) -> str:
        digest = blake2b(self._fingerprint.encode(), digest_size=8)
        for text in texts:
            digest.update(repr(text._replace(place="")).encode("utf8", "surrogatepass"))
        return digest.hexdigest()

    def _stems_from_another(self, name: str) -> ValueError:
        return ValueError(
            f"{self.folder / name} comes from another input, pipeline, --part-size or --batch-size: name another "
            "output, or start again with --overwrite."
        )


def finish(unfinished: Path, path: Path) -> None:
    """Give a file or folder its name, once it is on the disk: after a loss of power, no name is there without its
    content."""
    for each in [unfinished, *unfinished.rglob("*")] if unfinished.is_dir() else [unfinished]:
        if each.is_file():
            with each.open("rb") as file:
                os.fsync(file.fileno())
    if path.is_dir():
        remove(path)
    unfinished.replace(path)


@contextmanager
def locked(folder: Path, name: str = "") -> Iterator[None]:
    """Raises ValueError if another process writes to this folder, or to the same shard of it."""
    with lock(folder / f".lock{name}") as is_free:
        if not is_free:
            raise ValueError(f"Another process is writing to {folder}: wait until it ends, or name another output.")
        yield


def range_of(name: str) -> tuple[int, int]:
    """The texts of a part, by its name: the number of the first, and of the one after the last."""
    found = _PART.fullmatch(name)
    assert found
    return int(found[1]), int(found[2])


def _write_parquet(outcomes: Iterable[tuple[Text, Doc | str]], path: Path, spans_key: str, losses: Report) -> None:
    """A row for each text, also for those that could not be annotated."""
    from ..arrow import error_row, graph_row
    from ..corpora.parquet import write_rows

    write_rows(
        (
            graph_row(outcome, spans_key, report=losses)
            if isinstance(outcome, Doc)
            else error_row(AnnotatedText(text.text, id=text.id, **text.data), outcome, losses)
            for text, outcome in outcomes
        ),
        path,
    )
