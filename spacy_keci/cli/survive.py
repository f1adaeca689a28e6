"""A text that kills its process is left out; the run continues."""

from collections.abc import Callable, Generator, Iterable

from .engines import Died, Engine
from .parts import Job, Result

Work = Callable[[Job], Result]


def run_all(work: Work, jobs: Iterable[Job], engine: Engine, n: int) -> Generator[tuple[Job, Result], None, None]:
    """Each job with its result, in the order in which they end; jobs of processes that died are done again.

    Raises ValueError if processes die of a job whatever is left out of it.
    """
    for job, result in engine(work, jobs, n):
        yield job, _rescue(work, job, engine) if isinstance(result, Died) else result


def _rescue(work: Work, job: Job, engine: Engine) -> Result:
    def alone(job: Job) -> Result | Died:
        ((_, result),) = engine(work, [job], 1)
        return result

    # a process that was killed from outside is not killed twice, and one alone has more memory
    result = alone(job)
    if isinstance(result, Died):
        job = job._replace(skip=tuple(_find_poison(alone, job, range(len(job.texts))).items()))
        result = alone(job)
    if isinstance(result, Died):
        result = alone(job._replace(batch_size=1))
    if isinstance(result, Died):
        raise ValueError(
            f"The texts from {job.texts[0].place} to {job.texts[-1].place} together kill a process, but none of them "
            f"does alone ({result.reason}): is there too little memory? Try a smaller --part-size or fewer --processes."
        )
    return result


def _find_poison(alone: Callable[[Job], Result | Died], job: Job, numbers: range) -> dict[int, str]:
    """Which texts kill a process twice, each on its own, and what is known of its end."""
    if len(numbers) == 1:
        trials = [alone(job._replace(texts=[job.texts[numbers[0]]], is_trial=True)) for _ in range(2)]
        died = [trial for trial in trials if isinstance(trial, Died)]
        return {numbers[0]: f"the process that annotates it dies: {died[0].reason}"} if len(died) == 2 else {}
    half = len(numbers) // 2
    poison: dict[int, str] = {}
    for part in (numbers[:half], numbers[half:]):
        trial = alone(job._replace(texts=[job.texts[i] for i in part], is_trial=True))
        if isinstance(trial, Died):
            poison |= _find_poison(alone, job, part)
    return poison
