"""Where the work of ``annotate`` is done: in this process, in processes of this machine, or by Ray.

An engine takes a function and jobs, and yields each job with its result, in the order in which they end. A process that
dies costs its job only, which has the result :class:`Died`.
"""

import gc
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, TypeVar

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


class Died(NamedTuple):
    """The process that did a job has died. reason: what is known of it."""

    reason: str


Engine = Callable[
    [Callable[[JobT], ResultT], Iterable[JobT], int],
    Iterator[tuple[JobT, ResultT | Died]],
]


def run_here(work: Callable[[JobT], ResultT], jobs: Iterable[JobT], n: int = 1) -> Iterator[tuple[JobT, ResultT]]:
    """In this process, one job after the other."""
    for job in jobs:
        yield job, work(job)


def run_local(work: Callable[[JobT], ResultT], jobs: Iterable[JobT], n: int) -> Iterator[tuple[JobT, ResultT | Died]]:
    """In ``n`` processes of this machine. What ``work`` raises is raised here.

    Processes are forked where that is safe (Linux), and share the memory of what has been loaded before. This is no
    ProcessPoolExecutor: there, a process that dies breaks the pool and does not tell which job was its own, and threads
    run while processes are forked.
    """
    jobs = iter(jobs)
    _one_thread()
    gc.freeze()  # the collector would write to each object, and so copy the memory that is shared
    workers: list[_Worker] = []
    try:
        while True:
            idle = [worker for worker in workers if worker.job is None]
            while (idle or len(workers) < n) and (job := next(jobs, None)) is not None:
                if not idle:
                    workers.append(_Worker(work, [worker.connection for worker in workers]))
                    idle = [workers[-1]]
                idle.pop().give(job)
            busy = {worker.connection: worker for worker in workers if worker.job is not None}
            if not busy:
                return
            for connection in wait(list(busy)):
                worker = busy[connection]
                job, result = worker.take()
                if isinstance(result, Died):
                    workers.remove(worker)
                elif isinstance(result, Exception):
                    raise result
                yield job, result
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
        gc.unfreeze()


def run_on_ray(address: str | None) -> Engine:
    """An engine that gives the jobs to Ray: to the cluster of that address, or to processes of this machine."""
    try:
        import ray
        from ray.exceptions import (
            LocalRayletDiedError,
            NodeDiedError,
            OutOfMemoryError,
            RayTaskError,
            WorkerCrashedError,
        )
    except ImportError as error:
        raise ImportError(f"--engine ray needs Ray: pip install 'ray[data]' ({error}).") from None

    def run(work: Callable[[JobT], ResultT], jobs: Iterable[JobT], n: int) -> Iterator[tuple[JobT, ResultT | Died]]:
        if not ray.is_initialized():
            options: dict[str, Any] = {"address": address} if address else {"num_cpus": n, "include_dashboard": False}
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
        shared = ray.put(work)
        remote: Any = ray.remote(num_cpus=1, max_retries=0)(_apply)
        running: dict[Any, JobT] = {}
        jobs = iter(jobs)
        try:
            while True:
                while len(running) < n and (job := next(jobs, None)) is not None:
                    running[remote.remote(shared, job)] = job
                if not running:
                    return
                (done,), _ = ray.wait(list(running))
                job = running.pop(done)
                try:
                    yield job, ray.get(done)
                except (WorkerCrashedError, OutOfMemoryError, NodeDiedError, LocalRayletDiedError) as error:
                    yield job, Died(" ".join(str(error).split())[:200])
                except RayTaskError as error:
                    raise error.cause from None
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    return run


def _apply(work: Callable[[JobT], ResultT], job: JobT) -> ResultT:
    _one_thread()
    return work(job)


class _Worker:
    """A process that does one job at a time. ``job``: the one that it is at work on."""

    def __init__(self, work: Callable[[Any], Any], others: list[Connection]) -> None:
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.connection, end = context.Pipe()
        self.job: Any = None
        # A forked process has all that is open here: it must not hold the connections to others, and not its own end.
        inherited = [*others, self.connection] if context.get_start_method() == "fork" else []
        self.process = context.Process(target=_serve, args=(end, work, inherited), daemon=True)
        with _interrupts_blocked():
            self.process.start()
        end.close()

    def give(self, job: Any) -> None:
        self.job = job
        with suppress(OSError):  # it is dead, which shows when its answer is taken
            self.connection.send(job)

    def take(self) -> tuple[Any, Any]:
        job, self.job = self.job, None
        try:
            return job, self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            return job, Died(f"signal {-code}, {signal.strsignal(-code)}" if code < 0 else f"exit code {code}")


def _serve(connection: Connection, work: Callable[[Any], Any], inherited: list[Connection]) -> None:
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _one_thread()
    while True:
        try:
            job = connection.recv()
        except (EOFError, OSError):
            return
        try:
            result = work(job)
        except Exception as error:
            result = _portable(error)
        try:
            connection.send(result)
        except OSError:  # its reader has ended
            return


def _portable(error: Exception) -> Exception:
    """The error, or one that says the same and can be sent to another process."""
    try:
        return error if type(pickle.loads(pickle.dumps(error))) is type(error) else RuntimeError(str(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _one_thread() -> None:
    """torch hangs in forked processes that have more; and the processes would fight for the cores."""
    import torch

    torch.set_num_threads(1)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C has effect afterwards: an exception that is raised in the course of a fork is lost."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
