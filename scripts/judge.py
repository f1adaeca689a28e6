"""Measure the precision of a pipeline on texts without annotation: write relations for a person to judge, and score
them.

    python scripts/judge.py sheet en_keci_biorelex assets/demo/judgement/abstracts.jsonl --output sheet.tsv
    python scripts/judge.py score sheet.tsv          # needs SciPy, which comes with the extra "dev"

The sheet has a row for each relation. Head and tail are marked in its sentence, as in "«FK506» binds «FKBP12»". In the
column "verdict" write right or wrong: right if the sentence states this relation between these two mentions.
"""

import csv
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from scipy.stats import binomtest

from spacy_keci.cli.options import Model
from spacy_keci.corpora.texts import TextSource
from spacy_keci.export import relation_rows
from spacy_keci.reports import Report
from spacy_keci.tokens import SPANS_KEY

COLUMNS = ("abstract", "sentence", "head", "label", "tail", "score", "verdict")
RIGHT, WRONG = "right", "wrong"

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def sheet(
    model: Model,
    texts: Annotated[str, typer.Argument(help="File or folder of texts: .txt or .jsonl")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Sheet to write (.tsv)")],
    number: Annotated[int | None, typer.Option(min=1, help="Number of random relations to judge; default: all")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw")] = 0,
    spans_key: Annotated[str, typer.Option(help="Where the pipeline writes mentions")] = SPANS_KEY,
) -> None:
    """Write the relations that a pipeline finds in texts to a sheet, without a verdict."""
    if output.exists():
        raise typer.BadParameter(f"{output} exists, and may hold verdicts: remove it, or name another file.")
    rows = list(find_relations(model, texts, spans_key))
    if number is not None and number < len(rows):
        kept = sorted(random.Random(seed).sample(range(len(rows)), number))
        rows = [rows[i] for i in kept]
    with output.open("w", encoding="utf8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} relations in {len({row['abstract'] for row in rows})} texts: {output}")


@app.command()
def score(
    sheet: Annotated[Path, typer.Argument(help="Sheet with verdicts", exists=True, dir_okay=False)],
) -> None:
    """Print the precision of the judged relations by label, with 95% Wilson intervals."""
    verdicts = read_verdicts(sheet)
    print("| label | right | judged | precision | 95% |\n| --- | ---: | ---: | ---: | --- |")
    for label in [*sorted({label for label, _ in verdicts}), None]:
        n_right = sum(n for (one, verdict), n in verdicts.items() if label in (one, None) and verdict == RIGHT)
        n_judged = n_right + sum(
            n for (one, verdict), n in verdicts.items() if label in (one, None) and verdict == WRONG
        )
        if n_judged:
            interval = binomtest(n_right, n_judged).proportion_ci(method="wilson")
            bounds = f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"
            print(f"| {label or 'all'} | {n_right} | {n_judged} | {100 * n_right / n_judged:.1f} | {bounds} |")
    if n_open := sum(n for (_, verdict), n in verdicts.items() if not verdict):
        print(f"{n_open} without a verdict are left out.")


def find_relations(model: str, texts: str, spans_key: str) -> Iterator[dict[str, Any]]:
    nlp, report = spacy.load(model), Report()
    source = ((text.text, text.id) for text in TextSource(texts, None, report))
    for doc, name in nlp.pipe(source, as_tuples=True):
        for row in relation_rows([doc], spans_key):
            begin = row["sentence_start"]
            spans = [(row[f"{end}_start"] - begin, row[f"{end}_end"] - begin) for end in ("head", "tail")]
            sentence = mark(doc.text[begin : row["sentence_end"]], spans)
            values = {key: " ".join(str(row[key]).split()) for key in ("head", "label", "tail")}
            yield {"abstract": name, "sentence": sentence, **values, "score": f"{row['score']:.2f}", "verdict": ""}
    for line in report.lines():
        print(line)


def mark(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text on one line, with « and » around spans, which may be nested."""
    begins, ends = (Counter(side) for side in zip(*spans, strict=True))
    marked = "".join(f"{'»' * ends[i]}{'«' * begins[i]}{text[i : i + 1]}" for i in range(len(text) + 1))
    return " ".join(marked.split())


def read_verdicts(path: Path) -> Counter[tuple[str, str]]:
    """The number of relations with each label and verdict."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        if missing := {"label", "verdict"} - set(reader.fieldnames or ()):
            raise typer.BadParameter(f"{path} has no column {' and no column '.join(sorted(missing))}.")
        rows = [(reader.line_num, row["label"], (row["verdict"] or "").strip().lower()) for row in reader]
    for line, _, verdict in rows:
        if verdict not in (RIGHT, WRONG, ""):
            raise typer.BadParameter(f"{path}, line {line}: the verdict is {verdict!r}, expected {RIGHT} or {WRONG}.")
    verdicts = Counter((label, verdict) for _, label, verdict in rows)
    if not any(verdict for _, verdict in verdicts):
        raise typer.BadParameter(f"{path} holds no verdicts: write {RIGHT} or {WRONG} in the column 'verdict'.")
    return verdicts


if __name__ == "__main__":
    app()
