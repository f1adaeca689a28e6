"""``spacy keci annotate``: mentions and relations in any number of texts."""

import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from spacy.cli._util import setup_gpu
from tqdm import tqdm

from ..annotator import Annotator
from ..corpora.texts import Text, TextSource
from ..files import remove
from ..reports import Report
from .convert import WRITABLE
from .engines import Engine, run_here, run_local, run_on_ray
from .load import load_pipeline, locate
from .messages import INTERRUPTED, good, hear_interrupts, tell, warn, writable_line
from .options import BatchSize, Gpu, Model
from .outputs import STDOUT, TEXTS_PER_PART, Output
from .parts import Job, Parts, Result, WritePart, range_of
from .survive import run_all

MAX_FAILURES = 1000  # texts in a row on which a pipeline may fail


def annotate_cli(
    model: Model,
    input: Annotated[str, typer.Argument(help="Texts: a file, a folder with its subfolders, or - for standard input")],
    output: Annotated[
        str,
        typer.Argument(help="File, folder to fill with files (a name without suffix), or - for standard output"),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORMAT",
            help="txt (a file is a text; default for .txt), lines (a line is a text; default for -), jsonl (a line is "
            "an object with 'text', and optionally 'id', 'group' and 'meta'), parquet (columns of these names), "
            "pubmed (PubMed's XML), compressed (.gz) or not; or any format of 'spacy keci convert', whose annotation "
            "is ignored",
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
    batch_size: BatchSize = None,
    part_size: Annotated[
        int | None, typer.Option(min=1, help=f"Texts per file of a folder (default: {TEXTS_PER_PART})")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", "-n", min=1, help="Number of processes")] = 1,
    engine: Annotated[str, typer.Option(help="Where the processes run: local, or ray")] = "local",
    address: Annotated[
        str | None, typer.Option(help="Ray cluster to use, such as 'auto' (default: start Ray on this machine)")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Annotate only the I-th of every N parts; other machines do the rest"),
    ] = None,
    gpu_id: Gpu = -1,
    text_field: Annotated[str, typer.Option(help="Field (jsonl) or column (Parquet) with the texts")] = "text",
    id_field: Annotated[str, typer.Option(help="Field or column with their ids")] = "id",
    spans_key: Annotated[
        str | None, typer.Option(help="Where the pipeline writes mentions (default: as its component keci says)")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run, with the same INPUT and options")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start again if OUTPUT exists")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first text that cannot be read or annotated")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar")] = False,
) -> None:
    """Find mentions and relations in any number of texts.

    Texts that cannot be read or annotated are left out, and their location is reported. Parquet has a row with an error
    for each text that cannot be annotated. After an interruption of any kind, --resume continues the run, with the same
    INPUT and options: no text is lost or duplicated.

    \b
    spacy keci annotate training/demo/model-last abstracts/ found.jsonl
    spacy keci annotate en_keci_biorelex sentences.txt.gz found/ --from lines --to spacy -n 4
    spacy keci annotate en_keci_biorelex pubmed/ found/ --from pubmed --to parquet -n 16 --part-size 10000 --resume
    echo "FK506 binds FKBP12." | spacy keci annotate en_keci_biorelex - - | jq .relations
    """
    if overwrite and (resume or shard):
        raise typer.BadParameter(f"--{'resume' if resume else 'shard'} and --overwrite cannot be combined.")
    if gpu_id >= 0 and (processes > 1 or engine != "local"):
        raise typer.BadParameter("A GPU is not shared by several processes: use either --gpu-id or --processes.")
    if address and engine != "ray":
        raise typer.BadParameter("--address is that of a Ray cluster: use it with --engine ray.")
    losses = Report()
    skipped = SkipReport(strict, losses)
    destination = Output(output, target)
    if not destination.is_folder and (shard or part_size):
        raise typer.BadParameter("--shard and --part-size are for an OUTPUT that is a folder: a name without suffix.")
    texts = TextSource(input, source, skipped, destination.path, text_field, id_field)
    run = _choose_engine(engine, address, processes, gpu_id)
    share = _parse_shard(shard)
    name = f"-{share[0] + 1}-of-{share[1]}" if shard else ""
    with destination.opened(resume=resume or shard is not None, overwrite=overwrite, run=name) as folder:
        if folder is None:
            good(
                f"{output} exists and counts as complete: there is nothing left to do. It was not compared with the "
                "input, the pipeline or the options; --overwrite starts again."
            )
            return
        setup_gpu(gpu_id, silent=True)
        annotator = Annotator(locate(model), spans_key=spans_key, batch_size=batch_size)
        annotator.nlp = load_pipeline(model)
        size = part_size or (TEXTS_PER_PART if destination.is_folder else annotator.batch_size)
        parts = Parts(folder, destination.part_format, annotator.fingerprint, size)
        if overwrite:
            parts.clear()
        parts.tidy(name)
        work = WritePart(annotator, folder.resolve(), destination.part_format, strict, name)
        hear_interrupts()
        start, total, ids = perf_counter(), Result(losses=losses), _Ids()
        n_jobs = 0
        streamed = _Streamed(destination, folder) if output == STDOUT and destination.format == "jsonl" else None
        try:
            with closing(run_all(work, parts.missing(ids.of(texts), share), run, processes)) as results:
                for job, result in _show_progress(results, texts, quiet):
                    n_jobs += 1
                    _add(total, result, skipped)
                    if streamed:
                        streamed.done(job)
        except KeyboardInterrupt:
            warn(f"Interrupted.{'' if output == STDOUT else f' --resume continues {output}.'}")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            parts.tidy(name)
        if not parts.n_texts:
            raise ValueError(f"{input} holds no texts{' that can be read' if skipped.dropped else ''}.")
        if n_jobs and not total.texts and not parts.n_done:
            raise ValueError("No text could be annotated.")
        if not streamed:
            destination.join(parts.paths(), annotator, losses)
    losses.count("texts with the id of an earlier text", ids.n_repeated)
    for line in losses.lines():
        tell(line)
    found = f"{total.texts} texts, {total.mentions} mentions, {total.relations} relations"
    before = f"; {parts.n_done} texts were there already" if parts.n_done else ""
    good(f"{found} in {perf_counter() - start:.1f} s; left out: {skipped.dropped}{before}")


class SkipReport(Report):
    """Reports each text that is left out at once, or raises ValueError if ``strict``. What else is counted is told when
    it is met first, and counted in ``losses``. n_in_a_row: failures since the last part in which a text was annotated.
    """

    def __init__(self, strict: bool, losses: Report) -> None:
        super().__init__()
        self._strict, self._losses = strict, losses
        self.n_in_a_row = 0

    def count(self, what: str, n: int = 1) -> None:
        if what not in self._losses.counts:
            tqdm.write(writable_line(f"⚠ {what}"), file=sys.stderr)
        self._losses.count(what, n)

    def drop(self, reason: str, case: str) -> None:
        super().drop(reason, case)
        if self._strict:
            raise ValueError(f"{case} ({reason}). Without --strict, it is left out.")
        tqdm.write(writable_line(f"left out: {case} ({reason})"), file=sys.stderr)


def _add(total: Result, result: Result, skipped: SkipReport) -> None:
    for place, reason in result.failed:
        skipped.drop("the pipeline fails", f"{place}: {reason}")
    total.texts += result.texts
    total.mentions += result.mentions
    total.relations += result.relations
    total.losses.add(result.losses)
    skipped.n_in_a_row = 0 if result.texts else skipped.n_in_a_row + len(result.failed)
    if skipped.n_in_a_row >= MAX_FAILURES:
        raise ValueError(f"The pipeline failed on each of the last {skipped.n_in_a_row} texts: check the pipeline.")


class _Ids:
    """The ids of texts, of which 8 bytes each are kept: there may be any number of texts."""

    def __init__(self) -> None:
        self._hashes = array("q")

    def of(self, texts: Iterable[Text]) -> Iterator[Text]:
        for text in texts:
            self._hashes.append(hash(text.id))
            yield text

    @property
    def n_repeated(self) -> int:
        """How many texts have the id of an earlier one."""
        return len(self._hashes) - len(np.unique(np.asarray(self._hashes)))


class _Streamed:
    """Writes parts to standard output as they come, in the order of their texts."""

    def __init__(self, output: Output, folder: Path) -> None:
        self._output, self._folder = output, folder
        self._done: dict[int, str] = {}  # names by their first text
        self._next = 0

    def done(self, job: Job) -> None:
        self._done[range_of(job.name)[0]] = job.name
        while name := self._done.pop(self._next, None):
            self._output.emit(self._folder / name)
            remove(self._folder / name)
            self._next = range_of(name)[1]


def _choose_engine(name: str, address: str | None, processes: int, gpu_id: int) -> Engine:
    if name == "ray":
        return run_on_ray(address)
    if name != "local":
        raise typer.BadParameter(f"There is no engine {name!r}, only local and ray.")
    return run_here if processes == 1 or gpu_id >= 0 else run_local


def _parse_shard(shard: str | None) -> tuple[int, int]:
    """(i, n), i counted from 0."""
    found = re.fullmatch(r"(\d+)/(\d+)", shard or "1/1")
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise typer.BadParameter(f"--shard is {shard!r}, but must have the form 1/4, 2/4 and so on.")
    return int(found[1]) - 1, int(found[2])


def _show_progress(
    results: Iterator[tuple[Job, Result]], texts: TextSource, quiet: bool
) -> Iterator[tuple[Job, Result]]:
    n_bytes, n_texts = texts.size, 0
    with tqdm(total=n_bytes, unit="B" if n_bytes else " texts", unit_scale=bool(n_bytes), disable=quiet or None) as bar:
        for job, result in results:
            yield job, result
            n_texts += len(job.texts)
            bar.update((texts.position if n_bytes else n_texts) - bar.n)
            bar.set_postfix_str(f"{n_texts} texts" if n_bytes else "")
