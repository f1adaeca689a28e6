"""Pages of the documentation whose code is run.

``python -m tests.pages docs/tutorial.md`` puts what the code prints into the page, below each block that prints.
"""

import re
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?", re.DOTALL)


def run_page(page: str) -> str:
    """Run the Python blocks of a page one after the other, and return the page with what they print."""
    names: dict[str, Any] = {}

    def run(block: re.Match[str]) -> str:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(compile(block["code"], "page", "exec"), names)
        output = "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())
        return f"```python\n{block['code']}```\n" + (f"\n```text\n{output}```\n" if output else "")

    return BLOCK.sub(run, page)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(run_page(path.read_text(encoding="utf8")), encoding="utf8")
