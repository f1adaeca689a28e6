"""Memory of 'spacy keci annotate' over many texts, and whether its output survives SIGKILL. Linux only.

    python benchmarks/annotate.py --texts 5000
    python benchmarks/annotate.py --plot docs/images/annotate-memory.svg

Sentences are those of the demo corpus, each with the names of its mentions replaced by new ones: every sentence brings
words that were never seen before. They are annotated once without disturbance, while the memory of the process is
measured; and once more by a process that is killed at random moments, and taken up again with --resume.
"""

import hashlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import spacy
import typer
from tqdm import tqdm

from spacy_keci.cli.provenance import describe_pipeline, software_versions
from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.formats import read_any

ROOT = Path(__file__).parents[1]
SECONDS = 0.2  # between two looks at the process
ROWS = 10


def main(
    model: Annotated[str, typer.Option(help="Trained pipeline")] = str(ROOT / "training/demo/model-last"),
    texts: Annotated[int, typer.Option(min=5000, help="Sentences to annotate")] = 100_000,
    kills: Annotated[int, typer.Option(min=0, help="How often to kill")] = 10,
    seed: Annotated[int, typer.Option(help="Of the sentences, and of when to kill")] = 0,
    output: Annotated[Path, typer.Option(help="Result file")] = ROOT / "results/annotate.json",
    plot: Annotated[Path | None, typer.Option(help="Drawing of the memory (.svg)")] = None,
) -> None:
    """Annotate sentences once in peace and once with kills; the two outputs must be equal."""
    rng = random.Random(seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "texts.txt").open("w", encoding="utf8") as file:
            file.writelines(f"{sentence}\n" for sentence in make_sentences(texts, rng))
        whole, killed = folder / "whole.jsonl", folder / "killed.jsonl"
        start = time.monotonic()
        memory = watch(start_command(model, folder / "texts.txt", whole), whole, texts)
        seconds = time.monotonic() - start
        moments = kill_and_resume(model, folder / "texts.txt", killed, kills, whole.stat().st_size, rng)
        result = {
            "name": "annotate",
            "group": "annotate",
            "texts": texts,
            "distinct_words": count_words(folder / "texts.txt"),
            "texts_written": sum(1 for _ in whole.open("rb")),
            "texts_per_second": round(texts / seconds, 1),
            "memory": memory,
            "kills": moments,
            "sha256": {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in (whole, killed)},
            "model": describe_pipeline(spacy.load(model)),
            "versions": software_versions(),
        }
    result["identical"] = len(set(result["sha256"].values())) == 1
    result["markdown"] = make_markdown(result)
    print(result["markdown"])
    output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
    if plot is not None:
        plot.parent.mkdir(parents=True, exist_ok=True)
        plot.write_text(draw(memory), encoding="utf8")
    if not result["identical"]:
        sys.exit("The output of the killed and resumed run is another one.")


def make_sentences(n: int, rng: random.Random) -> Iterator[str]:
    """Sentences of the demo corpus with a new name in place of each mention."""
    corpus = list(read_any(ROOT / "assets/demo/train.jsonl"))
    for number in range(n):
        yield rename(rng.choice(corpus), number, rng)


def rename(text: AnnotatedText, number: int, rng: random.Random) -> str:
    result, end = "", 0
    for i, mention in enumerate(sorted(text.mentions)):
        if mention.start >= end:
            letters = "".join(rng.choices("ABCDEFGHIKLMNPRSTVXYZ", k=3))
            result += f"{text.text[end : mention.start]}{letters}{number}{'αβγκ'[i % 4]}"
            end = mention.end
    return result + text.text[end:]


def count_words(path: Path) -> int:
    with path.open(encoding="utf8") as file:
        return len({word for line in file for word in line.split()})


def start_command(model: str, texts: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "spacy_keci", "annotate", model, texts, output, "--from", "lines", "--quiet"]
    return subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)


def watch(process: subprocess.Popen[bytes], output: Path, n_texts: int) -> list[dict[str, Any]]:
    """Texts written and MB of memory (resident set), whenever a hundredth of the texts more has been written."""
    status = Path(f"/proc/{process.pid}/status")
    memory: list[dict[str, Any]] = []
    n_lines = n_bytes = 0
    with tqdm(total=n_texts, desc="in peace") as bar:
        while process.poll() is None:
            time.sleep(SECONDS)
            if output.exists() and output.stat().st_size > n_bytes:
                with output.open("rb") as file:
                    file.seek(n_bytes)
                    new = file.read()
                n_lines, n_bytes = n_lines + new.count(b"\n"), n_bytes + len(new)
                bar.update(n_lines - bar.n)
                found = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmRSS")]
                if found and (not memory or n_lines - memory[-1]["texts"] >= n_texts / 100):
                    memory.append({"texts": n_lines, "megabytes": round(int(found[0]) / 1024, 1)})
    if process.returncode:
        sys.exit(f"annotate ended with exit code {process.returncode}.")
    return memory


def kill_and_resume(
    model: str, texts: Path, output: Path, kills: int, n_bytes: int, rng: random.Random
) -> list[dict[str, Any]]:
    """Annotate, with SIGKILL at random moments: some time after the output has come to a random length.

    Returns the length of the output at each kill, in bytes, and whether it ended within a line.
    """
    moments: list[dict[str, Any]] = []
    options: list[str] = []
    for length in tqdm(sorted(rng.random() * n_bytes for _ in range(kills)), desc="killed"):
        process = start_command(model, texts, output, *options)
        while not output.exists() or output.stat().st_size < length:
            time.sleep(SECONDS / 10)
            if process.poll() is not None:
                sys.exit(f"annotate ended with exit code {process.returncode}, before it could be killed.")
        time.sleep(rng.uniform(0, 2))
        process.kill()
        process.wait()
        data = output.read_bytes()
        moments.append({"bytes": len(data), "in_a_line": not data.endswith(b"\n")})
        options = ["--resume"]
    if start_command(model, texts, output, *options).wait():
        sys.exit("The killed run could not be resumed.")
    return moments


def make_markdown(result: dict[str, Any]) -> str:
    memory = result["memory"]
    rows = [memory[round(i * (len(memory) - 1) / ROWS)] for i in range(ROWS + 1)]
    same = "identical to" if result["identical"] else "DIFFERENT FROM"
    table = [
        ["sentences written", *(f"{row['texts']:,}" for row in rows)],
        ["---", *["---:"] * len(rows)],
        ["memory, MB", *(f"{row['megabytes']:.0f}" for row in rows)],
    ]
    return "\n".join(
        [
            f"{result['texts']:,} sentences with {result['distinct_words']:,} different words, at "
            f"{result['texts_per_second']:.0f} sentences/s. Killed {len(result['kills'])} times with SIGKILL and "
            f"resumed: output {same} that of the undisturbed run.",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
        ]
    )


def draw(memory: list[dict[str, Any]], width: int = 600, height: int = 240) -> str:
    """Memory over texts as a line, from zero."""
    left, right, top, bottom = 60, width - 30, 20, height - 40
    most_texts, most_megabytes = memory[-1]["texts"], 1.2 * max(row["megabytes"] for row in memory)

    def at(texts: float, megabytes: float) -> tuple[int, int]:
        x = left + (right - left) * texts / most_texts
        return round(x), round(bottom - (bottom - top) * megabytes / most_megabytes)

    def label(x: int, y: int, text: str, anchor: str = "middle") -> str:
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'

    points = " ".join("{},{}".format(*at(row["texts"], row["megabytes"])) for row in memory)
    parts = [
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<path d="M{left},{top}V{bottom}H{right}" fill="none" stroke="black"/>',
        f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="2"/>',
        label((left + right) // 2, height - 6, "sentences annotated"),
        label(left + 8, top + 4, "memory of the process, MB", "start"),
    ]
    for quarter in range(5):
        x, y = at(most_texts * quarter / 4, most_megabytes * quarter / 4)
        parts.append(label(x, bottom + 18, f"{most_texts * quarter // 4:,}"))
        parts.append(label(left - 6, y + 4, f"{most_megabytes * quarter / 4:.0f}", "end"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11">{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    typer.run(main)
