"""The code in docs/scale.md: the same texts through every engine, and what other tools make of the results."""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc
from typer.testing import CliRunner

pa = pytest.importorskip("pyarrow", reason="needs the extra 'export'")
from pyarrow import parquet  # noqa: E402

from spacy_keci.arrow import annotate_batches  # noqa: E402
from spacy_keci.cli.main import keci  # noqa: E402
from spacy_keci.corpora.parquet import write_rows  # noqa: E402

from .conftest import ROOT  # noqa: E402
from .pipeline.conftest import make_examples, make_pipeline  # noqa: E402

N, BATCH = 1000, 250
TEXTS = [f"FK{i} binds FKBP{i % 7} and p{i**3}, but inhibits calcineurin{' slowly' * (i % 5)}." for i in range(N)]


def needs(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}: pip install {package}")


def code(heading: str) -> str:
    """The Python block under a heading of docs/scale.md."""
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf8")
    found = re.search(rf"^##+ {heading}\n.*?```python\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert found
    assert len(found[1].strip().splitlines()) <= 15
    return found[1]


@pytest.fixture(scope="module")
def folder(demo_docs: list[Doc], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With a pipeline, and four files of texts, each a batch of the engines: scores depend on what is in a batch."""
    folder = tmp_path_factory.mktemp("engines")
    nlp = make_pipeline(threshold=0.001, relation_threshold=0.0017, spans_per_token=0.3)
    nlp.initialize(lambda: make_examples(nlp, demo_docs))
    nlp.to_disk(folder / "model")
    (folder / "abstracts").mkdir()
    table = pa.table({"id": [f"t{i:04}" for i in range(N)], "text": TEXTS, "year": [1900 + i % 100 for i in range(N)]})
    for start in range(0, N, BATCH):
        parquet.write_table(table.slice(start, BATCH), folder / "abstracts" / f"{start:04}.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # what engines start must find the package and its tests' threads
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder


@pytest.fixture(scope="module")
def local(folder: Path) -> list[dict[str, Any]]:
    tables = [parquet.read_table(path) for path in sorted((folder / "abstracts").iterdir())]
    annotate = annotate_batches(folder / "model")
    rows = pa.concat_tables(map(annotate.table, tables)).to_pylist()
    assert [row["text"] for row in rows] == TEXTS and sum(len(row["relations"]) for row in rows) > N
    return rows


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    needs("ray")
    import ray

    # two for the pipelines, two to read and write: with fewer, Ray Data waits for ever
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    yield
    ray.shutdown()


def run(block: str, folder: Path) -> dict[str, Any]:
    """The names that a block defines."""
    # as in a script: classes of it are sent to other processes as they are, not by name
    names: dict[str, Any] = {"__name__": "__main__", "MODEL": str(folder / "model")}
    exec(compile(block, "docs/scale.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def found(folder: Path, local: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the folder found/, in which there are errors as well."""
    rows = [*local[:300], {"id": "bad", "error": "no such thing", "mentions": None, "relations": None}]
    (folder / "found").mkdir()
    write_rows(rows[:150], folder / "found" / "part-1.parquet")
    write_rows(rows[150:], folder / "found" / "part-2.parquet")
    return local[:300]


@pytest.mark.parametrize("heading", ["DuckDB", "polars", "pandas"])
def test_tables_in_one_line(folder: Path, found: list[dict[str, Any]], heading: str) -> None:
    needs(heading.lower())
    names = run(code(heading), folder)

    def rows(table: Any, *columns: str) -> list[tuple[Any, ...]]:
        frame = table.df() if heading == "DuckDB" else table.to_pandas() if heading == "polars" else table
        return sorted(frame[list(columns)].itertuples(index=False, name=None))

    mentions = [
        (row["id"], m["start"], m["end"], m["text"], m["label"], m["score"]) for row in found for m in row["mentions"]
    ]
    assert rows(names["mentions"], "id", "start", "end", "text", "label", "score") == sorted(mentions)
    relations = [
        (row["id"], r["label"], r["score"], *(row["mentions"][r[end]]["text"] for end in ("head", "tail")))
        for row in found
        for r in row["relations"]
    ]
    ends = ("head", "tail") if heading == "DuckDB" else ("head_text", "tail_text")
    assert rows(names["relations"], "id", "label", "score", *ends) == sorted(relations)


def test_documents_and_graph(folder: Path, found: list[dict[str, Any]]) -> None:
    relations = run(code("spaCy"), folder)["relations"]
    assert [(id, relation.label, relation.score) for id, relation in relations] == [
        (row["id"], each["label"], each["score"]) for row in found for each in row["relations"]
    ]
    graph = run(code("One graph of the corpus"), folder)["graph"]
    assert sum(count for *_, count in graph.edges(data="count")) == len(relations)
    assert (folder / "corpus.graphml").stat().st_size > 1000


def rows_of(path: Path) -> list[dict[str, Any]]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    rows = [row for file in files for row in parquet.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: row["id"])


def test_ray_data(folder: Path, local: list[dict[str, Any]], ray: None) -> None:
    run(code("Ray Data"), folder)
    assert rows_of(folder / "found-ray") == local


def test_spark(folder: Path, local: list[dict[str, Any]]) -> None:
    needs("pyspark")
    if shutil.which("java") is None:
        pytest.skip("needs Java: apt-get install default-jre-headless")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH).getOrCreate()
    try:
        run(code("Spark"), folder)
    finally:
        spark.stop()
    assert rows_of(folder / "found-spark") == local


def test_datasets(folder: Path, local: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    needs("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", folder / "cache")
    run(code("Hugging Face datasets"), folder)
    assert rows_of(folder / "found-datasets.parquet") == local


def test_annotate_with_ray(folder: Path, local: list[dict[str, Any]], ray: None) -> None:
    """Writes the parts that processes of this machine write, byte for byte."""
    options = ["--to", "parquet", "--part-size", str(BATCH), "-n", "2", "-q"]
    for engine in ("ray", "local"):
        arguments = ["annotate", "model", "abstracts", f"annotated-{engine}", "--engine", engine, *options]
        result = CliRunner().invoke(keci, arguments)
        assert result.exit_code == 0, result.output
    parts = [sorted((folder / f"annotated-{engine}").iterdir()) for engine in ("ray", "local")]
    assert [path.name for path in parts[0]] == [path.name for path in parts[1]] and len(parts[0]) == 4
    assert [path.read_bytes() for path in parts[0]] == [path.read_bytes() for path in parts[1]]
    found = rows_of(folder / "annotated-ray")
    graphs = [[row[name] for name in ("id", "text", "mentions", "relations")] for row in local]
    assert [[row[name] for name in ("id", "text", "mentions", "relations")] for row in found] == graphs
    assert found[7]["meta"] == '{"year": 1907}'
