"""The engines on jobs that are done at once, fail, or kill the process that does them."""

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from spacy_keci.cli.engines import Died, Engine, run_here, run_local, run_on_ray
from spacy_keci.cli.parts import Job, Result
from spacy_keci.cli.survive import run_all
from spacy_keci.corpora.texts import Text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills processes")


def make_work() -> Callable[[int], int]:
    """Not a function of this module, which the processes of Ray do not know."""

    def work(job: int) -> int:
        if job == 13:
            os.kill(os.getpid(), signal.SIGKILL)
        if job == 14:
            os._exit(3)
        if job == 15:
            raise ValueError("fifteen")
        time.sleep(0.001)
        return job * job

    return work


@pytest.fixture(scope="module")
def ray_engine() -> Iterator[Engine]:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: pip install 'ray[data]'")
    import ray

    yield run_on_ray(None)
    ray.shutdown()


@pytest.fixture(params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> Any:
    return run_local if request.param == "local" else request.getfixturevalue("ray_engine")


def test_each_job_is_done_once(engine: Engine) -> None:
    jobs = [n for n in range(60) if n not in (13, 14, 15)]
    for n in (1, 3):
        assert dict(engine(make_work(), jobs, n)) == {job: job * job for job in jobs}
    assert list(engine(make_work(), [], 2)) == []


def test_a_process_that_dies_costs_its_job(engine: Engine) -> None:
    results = dict(engine(make_work(), [1, 13, 2, 14, *range(20, 40)], 2))
    assert isinstance(results.pop(13), Died) and isinstance(results.pop(14), Died)
    assert results == {job: job * job for job in (1, 2, *range(20, 40))}


def test_what_is_known_of_its_end() -> None:
    results = dict(run_local(make_work(), [13, 14], 2))
    assert results == {13: Died("signal 9, Killed"), 14: Died("exit code 3")}


def test_errors_are_raised_here(engine: Engine) -> None:
    with pytest.raises(ValueError, match="fifteen"):
        list(engine(make_work(), [1, 15, 2], 2))
    with pytest.raises(ValueError, match="fifteen"):
        list(run_here(make_work(), [1, 15, 2]))


def test_errors_that_cannot_be_sent() -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    def work(job: int) -> int:
        raise Odd(1, job)

    with pytest.raises(RuntimeError, match="Odd: 1 and 7"):
        list(run_local(work, [7], 2))


def test_no_process_is_left(engine: Engine) -> None:
    """Where the work is given up halfway."""
    if engine is not run_local:
        pytest.skip("the processes are Ray's")
    before = set(children())
    results = run_local(make_work(), iter(range(1000, 9000)), 3)
    for _ in range(5):
        next(results)
    assert len(children()) >= len(before) + 3
    results.close()  # type: ignore[attr-defined]
    assert set(children()) == before


def children() -> list[str]:
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
        return file.read().split()


def test_large_jobs_and_results() -> None:
    """Larger than pipes hold, of processes that die among others."""

    def work(job: str) -> str:
        if job[0] == "x":
            os.kill(os.getpid(), signal.SIGKILL)
        return job * 2

    jobs = [letter * 2_000_000 for letter in "abxcdxe"]
    results = [
        (job[0], result if isinstance(result, Died) else len(result)) for job, result in run_local(work, jobs, 3)
    ]
    died = Died("signal 9, Killed")
    assert sorted(results, key=str) == sorted([*((c, 4_000_000) for c in "abcde"), ("x", died), ("x", died)], key=str)


def make_job(*texts: str) -> Job:
    return Job("part", [Text(text, str(i), f"line {i}", {}) for i, text in enumerate(texts)])


def count(job: Job) -> Result:
    """Dies of texts that are poison, and of too many large ones together."""
    skip = dict(job.skip)
    texts = [text.text for i, text in enumerate(job.texts) if i not in skip]
    at_once = job.batch_size or max(len(texts), 1)
    batches = [texts[i : i + at_once] for i in range(0, len(texts), at_once)]
    if "poison" in texts or any(batch.count("large") > 2 for batch in batches):
        os.kill(os.getpid(), signal.SIGKILL)
    return Result(len(texts), failed=[(job.texts[i].place, why) for i, why in skip.items()])


@pytest.mark.parametrize(
    ("texts", "left", "failed"),
    [
        (["a", "b", "c"], 3, []),
        (["poison"], 0, [0]),
        (["a", "poison", "b", "c", "poison"], 3, [1, 4]),
        (["large", "a", "large", "large"], 4, []),
        (["large", "poison", "large", "large"], 3, [1]),
    ],
)
def test_what_kills_is_left_out(texts: list[str], left: int, failed: list[int]) -> None:
    ((_, result),) = run_all(count, [make_job(*texts)], run_local, 2)
    why = "the process that annotates it dies: signal 9, Killed"
    assert (result.texts, result.failed) == (left, [(f"line {i}", why) for i in failed])


def test_what_kills_whatever_is_left_out_ends_the_run() -> None:
    def work(job: Job) -> Result:
        if not job.is_trial:
            os.kill(os.getpid(), signal.SIGKILL)
        return Result()

    with pytest.raises(
        ValueError,
        match=r"from line 0 to line 1 together kill a process, but none of them does alone \(signal 9, Killed\)",
    ):
        list(run_all(work, [make_job("a", "b")], run_local, 2))


def test_who_is_killed_from_outside_is_not_blamed() -> None:
    def flaky(work: Callable[[Job], Result], jobs: Iterable[Job], n: int) -> Iterator[tuple[Job, Result | Died]]:
        for job, result in run_here(work, jobs):
            yield job, Died("signal 9") if (next(deaths, False)) else result

    deaths = iter([True])
    ((_, result),) = run_all(lambda job: Result(len(job.texts)), [make_job("a", "b")], flaky, 1)
    assert result == Result(2) or (result.texts, result.failed) == (2, [])
