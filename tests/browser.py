"""Pages in a real browser: Chromium without a window, and without a network."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """Runs Chromium once for each page. ``Browser.find()`` is None where there is none."""

    def __init__(self, path: str, profile: Path) -> None:
        self.command = [
            path,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
        ]

    @staticmethod
    def find() -> str | None:
        return next((path for name in NAMES if (path := shutil.which(name))), None)

    def evaluate(self, page: str, script: str, folder: Path) -> Any:
        """What the script, the body of a JavaScript function, returns at the end of the page, as JSON."""
        path = folder / "page.html"
        harness = (
            f"<script>addEventListener('load', () => {{ let value; try {{ value = (() => {{ {script} }})() }} "
            "catch (error) { value = {error: String(error)} } "
            "const out = document.createElement('pre'); out.id = 'returned'; "
            "out.textContent = JSON.stringify(value); document.body.append(out) })</script></body>"
        )
        path.write_text(page.replace("</body>", harness), encoding="utf8")
        dom = self._run("--dump-dom", path.as_uri())
        found = re.search(r'<pre id="returned">(.*?)</pre>', dom, re.DOTALL)
        assert found, dom[-2000:]
        value = json.loads(unescape(found[1]))
        assert not (isinstance(value, dict) and "error" in value), value
        return value

    def screenshot(self, page: str, path: Path, width: int = 1200, height: int = 900) -> None:
        """Write a PNG file of the page's top."""
        source = path.with_suffix(".html")
        source.write_text(page, encoding="utf8")
        self._run(f"--window-size={width},{height}", f"--screenshot={path}", source.as_uri())

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout
