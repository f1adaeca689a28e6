"""``spacy keci annotate``: mentions and relations in any number of texts."""

import ctypes
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Annotated

import typer
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from tqdm import tqdm

from ..corpora.docbin import save_docs
from ..corpora.documents import from_doc
from ..corpora.formats import FORMATS, write_any
from ..corpora.texts import Text, TextSource
from ..export import write_relations
from ..pipeline.extractor import Extractor
from ..reports import Report
from ..tokens import SPANS_KEY
from .convert import WRITABLE
from .load import load_pipeline
from .messages import INTERRUPTED, good, one_line, tell, warn
from .sinks import STDOUT, Batch, open_sink

MAX_FAILURES = 1000  # texts in a row on which a pipeline may fail
BATCHES_PER_PROCESS = 8  # between two starts of the processes
PR_SET_PDEATHSIG = 1
_interrupted = Event()


def annotate_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline: a folder or the name of a package")],
    input: Annotated[str, typer.Argument(help="Texts: a file, a folder with its subfolders, or - for standard input")],
    output: Annotated[
        str,
        typer.Argument(help="File, folder to be filled with files (a name without suffix), or - for standard output"),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORMAT",
            help="txt (a file is a text; default for .txt), lines (a line is a text; default for -), jsonl (a line is "
            "an object with 'text', and perhaps 'id', 'group' and 'meta'), each compressed (.gz) or not; or any format "
            "of 'spacy keci convert', whose annotation is left aside",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help=f"{', '.join(WRITABLE)} (default: by the name of OUTPUT; jsonl for - and folders)",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Texts in a batch (default: the pipeline's own)")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", "-n", min=1, help="Processes to share the work")] = 1,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to use; -1: CPU")] = -1,
    spans_key: Annotated[
        str | None, typer.Option(help="Where the pipeline writes mentions (default: as its component keci says)")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where OUTPUT ends: a .jsonl file, or a folder of files")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start again, if OUTPUT is there already")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first text that cannot be read or annotated")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar")] = False,
) -> None:
    """Find mentions and relations in texts, however many there are.

    Texts that cannot be read or annotated are left out, and told of with their place. A run that was interrupted in
    whatever way goes on with --resume, with the same INPUT and options: no text is lost or there twice.

    \b
    spacy keci annotate training/demo/model-last abstracts/ found.jsonl
    spacy keci annotate en_keci_biorelex sentences.txt.gz found/ --from lines --to spacy -n 4
    zcat big.jsonl.gz | spacy keci annotate en_keci_biorelex - found.jsonl --from jsonl --resume
    echo "FK506 binds FKBP12." | spacy keci annotate en_keci_biorelex - - | jq .relations
    """
    if resume and overwrite:
        raise typer.BadParameter("--resume and --overwrite exclude each other.")
    if processes > 1 and gpu_id >= 0:
        raise typer.BadParameter("A GPU is not shared by several processes: use either --gpu-id or --processes.")
    skipped, losses = SkipReport(strict), Report()
    texts = TextSource(input, source, skipped, None if output == STDOUT else Path(output))
    sink = open_sink(output, target, resume=resume, overwrite=overwrite)
    setup_gpu(gpu_id, silent=True)
    nlp = load_pipeline(model)
    if processes > 1:
        _prepare_processes()
    annotator = Annotator(
        nlp,
        skipped,
        spans_key=spans_key
        or next((pipe.spans_key for _, pipe in nlp.pipeline if isinstance(pipe, Extractor)), SPANS_KEY),
        batch_size=batch_size or nlp.batch_size,
        processes=processes,
    )
    batches = minibatch(texts, annotator.batch_size)
    first = next(batches, None)
    if first is None:
        raise ValueError(f"{input} holds no texts{' that can be read' if skipped.dropped else ''}.")
    annotated = annotator.annotate(sink.remaining(chain([first], batches)))
    start = perf_counter()
    try:
        sink.consume(
            _show_progress(annotated, texts, quiet), lambda docs, path: annotator.write(docs, path, sink.format, losses)
        )
    except KeyboardInterrupt:
        warn(f"Interrupted. {f'--resume goes on where {output} ends.' if sink.resumable else ''}")
        raise typer.Exit(INTERRUPTED) from None
    for line in losses.lines():
        tell(line)
    n_texts, n_mentions, n_relations = (annotator.counts[what] for what in ("texts", "mentions", "relations"))
    if skipped.dropped and not n_texts and not resume:
        raise ValueError("No text could be annotated.")
    found = f"{n_texts} texts, {n_mentions} mentions, {n_relations} relations in {perf_counter() - start:.1f} s"
    good(f"{found}; left out: {skipped.dropped}")


class SkipReport(Report):
    """Tells of each text that is left out at once; strict: raises ValueError instead."""

    def __init__(self, strict: bool) -> None:
        super().__init__()
        self._strict = strict

    def drop(self, reason: str, case: str) -> None:
        super().drop(reason, case)
        if self._strict:
            raise ValueError(f"{case} ({reason}). Without --strict, it is left out.")
        tqdm.write(f"left out: {case} ({reason})", file=sys.stderr)


class Annotator:
    """Runs a pipeline over batches of texts, in memory that does not grow with their number.

    report: told of texts on which the pipeline fails. counts: texts, mentions and relations so far.
    """

    def __init__(
        self, nlp: Language, report: Report, *, spans_key: str = SPANS_KEY, batch_size: int = 256, processes: int = 1
    ) -> None:
        self.nlp, self.report = nlp, report
        self.spans_key, self.batch_size, self.processes = spans_key, batch_size, processes
        self.counts: Counter[str] = Counter()
        if "doc_cleaner" not in nlp.pipe_names:
            # what the encoder computed is of no use to the output, and many times larger
            nlp.add_pipe("doc_cleaner", config={"attrs": {"tensor": None, "_.trf_data": None}})

    def annotate(self, batches: Iterator[list[Text]]) -> Iterator[Batch]:
        """Batches with their documents, of which those on which the pipeline fails are missing.

        Raises ValueError if the pipeline writes no mentions, or fails on MAX_FAILURES texts in a row.
        """
        n_failed = 0
        n_together = 1 if self.processes == 1 else BATCHES_PER_PROCESS * self.processes
        for batch in batches:
            texts = [*batch, *chain.from_iterable(islice(batches, n_together - 1))]
            # A vocabulary remembers every new word for good: here, only as long as the documents are used.
            with self.nlp.memory_zone():
                docs = self._annotate(texts, self.processes)
                n_failed = 0 if docs else n_failed + len(texts)
                if n_failed >= MAX_FAILURES:
                    raise ValueError(f"The pipeline failed on the last {n_failed} texts: is it in order?")
                self._count(docs)
                yield Batch(texts, docs)
            if _interrupted.is_set():
                raise KeyboardInterrupt

    def write(self, docs: Iterable[Doc], path: Path, format: str, losses: Report) -> None:
        """Write documents in a format; what has no place in it is counted in ``losses``."""
        # some formats hold what other components found as well: tokens, sentences
        if format == "spacy":
            save_docs(docs, path)
        elif format in ("csv", "parquet"):
            write_relations(docs, path, self.spans_key)
        else:
            make_doc = self.nlp.make_doc if FORMATS[format].has_tokens else None
            write_any((from_doc(doc, self.spans_key) for doc in docs), path, format, losses, make_doc)

    def _annotate(self, texts: list[Text], processes: int = 1) -> list[Doc]:
        """The documents. Where the pipeline fails on several texts, smaller batches are tried, to find the culprit."""
        try:
            stream = self.nlp.pipe((t.text for t in texts), batch_size=self.batch_size, n_process=processes)
            docs = []
            for text, doc in zip(texts, stream, strict=True):
                doc.user_data.update(text.data, id=text.id)
                docs.append(doc)
            return docs
        except Exception as error:
            if len(texts) == 1:
                self.report.drop("the pipeline fails", f"{texts[0].place}: {one_line(error)}")
                return []
            size = self.batch_size if len(texts) > self.batch_size else (len(texts) + 1) // 2
            return [doc for part in minibatch(texts, size) for doc in self._annotate(part)]

    def _count(self, docs: list[Doc]) -> None:
        for doc in docs:
            if self.spans_key not in doc.spans:
                raise ValueError(
                    f"The pipeline writes no doc.spans[{self.spans_key!r}], only {list(doc.spans) or 'none at all'}: "
                    "name the right one with --spans-key."
                )
            self.counts["texts"] += 1
            self.counts["mentions"] += len(doc.spans[self.spans_key])
            self.counts["relations"] += len(doc.spans[self.spans_key].attrs.get("relations", []))


def _show_progress(batches: Iterator[Batch], texts: TextSource, quiet: bool) -> Iterator[Batch]:
    n_bytes, n_texts = texts.size, 0
    with tqdm(total=n_bytes, unit="B" if n_bytes else " texts", unit_scale=bool(n_bytes), disable=quiet or None) as bar:
        for batch in batches:
            yield batch
            n_texts += len(batch.texts)
            bar.update((texts.position if n_bytes else n_texts) - bar.n)
            bar.set_postfix_str(f"{n_texts} texts" if n_bytes else "")


def _prepare_processes() -> None:
    """Let processes that spaCy forks leave Ctrl-C to their parent, and not outlive it: OUTPUT would stay locked."""
    import torch

    forking = Event()

    def interrupt(*_: object) -> None:
        if not forking.is_set():
            raise KeyboardInterrupt
        _interrupted.set()  # for later: an exception that is raised in the course of a fork is lost

    def in_child() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    torch.set_num_threads(1)  # torch hangs in forked processes that have more, and they would fight for the cores
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
        os.register_at_fork(before=forking.set, after_in_parent=forking.clear, after_in_child=in_child)
    signal.signal(signal.SIGINT, interrupt)
