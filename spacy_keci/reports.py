"""What a reading or a conversion kept and what it dropped, counted."""

from collections import Counter
from collections.abc import Iterable


class Report:
    """Counts what was kept and what was dropped and why; keeps the first few cases of each reason."""

    def __init__(self, examples: int = 5) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self._max_examples = examples

    def count(self, what: str, n: int = 1) -> None:
        if n:
            self.counts[what] += n

    def drop(self, reason: str, case: str) -> None:
        """Count something that is not kept. ``case`` describes it to people in one line."""
        self.counts[f"dropped: {reason}"] += 1
        self._keep(reason, [" ".join(case.split())[:300]])

    def drop_each(self, reason: str, where: str, cases: Iterable[object]) -> None:
        """:meth:`drop` several things of one place, such as a text."""
        for case in cases:
            self.drop(reason, f"{where}: {str(case)[:80]}")

    def drop_text(self, reason: str, case: str) -> None:
        """:meth:`drop` a whole text, and not a part of one."""
        self.drop(reason, case)

    def add(self, other: "Report") -> None:
        """Add what another report counts."""
        self.counts.update(other.counts)
        for reason, cases in other.examples.items():
            self._keep(reason, cases)

    def _keep(self, reason: str, cases: list[str]) -> None:
        kept = self.examples.setdefault(reason, [])
        kept += cases[: self._max_examples - len(kept)]

    @property
    def dropped(self) -> int:
        return sum(n for what, n in self.counts.items() if what.startswith("dropped: "))

    def summary(self) -> list[str]:
        """The counts, with the first case of each reason."""
        first = {f"dropped: {reason}": f" ({cases[0]})" for reason, cases in self.examples.items()}
        return [f"{n} {what}{first.get(what, '')}" for what, n in self.counts.items()]

    def lines(self) -> list[str]:
        lines = []
        for what, n in self.counts.items():
            lines.append(f"{n:>7}  {what}")
            lines += [f"{'':>11}{case}" for case in self.examples.get(what.removeprefix("dropped: "), [])]
        return lines
