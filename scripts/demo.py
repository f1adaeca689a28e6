"""Read the demo abstracts with the shipped pipeline: print relations and concepts, draw the texts and their graph.

    python scripts/demo.py [MODEL] [--texts assets/demo/abstracts] [--output training/abstracts]

Writes OUTPUT/abstracts.html, the abstracts as drawings, and OUTPUT/graph.html, all concepts and their relations.
"""

from pathlib import Path
from typing import Annotated

import networkx
import spacy
import typer
from jinja2 import Environment

from spacy_keci import render
from spacy_keci.corpus_graph import corpus_graph

WIDTH = 1100  # of the graph, in pixels
PAGE = Environment(autoescape=True).from_string("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Relations in the abstracts</title><style>
body { font-family: sans-serif; margin: 1em } svg { width: 100% }
line { stroke: #8a9; stroke-width: 1.5 } circle { fill: #256 } text { font-size: 11px; fill: #222 }
</style></head><body><p>{{ nodes|length }} concepts and mentions, {{ edges|length }} pairs with relations. Point at a
line to see its relations.</p><svg viewBox="-20 -10 {{ width }} {{ height }}">
{% for edge in edges %}<line x1="{{ edge.x1 }}" y1="{{ edge.y1 }}" x2="{{ edge.x2 }}" y2="{{ edge.y2 }}"><title>{{
edge.title }}</title></line>
{% endfor %}{% for node in nodes %}<circle cx="{{ node.x }}" cy="{{ node.y }}" r="4"/><text x="{{ node.x + 6 }}"
y="{{ node.y + 4 }}">{{ node.name }}</text>
{% endfor %}</svg></body></html>
""")


def main(
    model: Annotated[str, typer.Argument(help="Pipeline: a package or a folder")] = "en_keci_biorelex",
    texts: Annotated[Path, typer.Option(help="Folder of .txt files", exists=True)] = Path("assets/demo/abstracts"),
    output: Annotated[Path, typer.Option(help="Folder for the pages")] = Path("training/abstracts"),
) -> None:
    nlp = spacy.load(model)
    files = sorted(texts.glob("*.txt"))
    docs = list(nlp.pipe(path.read_text(encoding="utf8") for path in files))
    for path, doc in zip(files, docs, strict=True):
        relations = sorted(doc._.relations, key=lambda relation: -relation.score)
        print(f"\n{path.stem}: {len(doc.spans['entities'])} mentions, {len(relations)} relations")
        for relation in relations:
            ends = [f"{end.text} [{end.kb_id_}]" if end.kb_id_ else end.text for end in (relation.head, relation.tail)]
            print(f"  {relation.score:.2f}  {ends[0]}  {relation.label}  {ends[1]}")
    output.mkdir(parents=True, exist_ok=True)
    (output / "abstracts.html").write_text(render(docs, page=True, jupyter=False) or "", encoding="utf8")
    (output / "graph.html").write_text(graph_page(corpus_graph(docs)), encoding="utf8")
    print(f"\nOpen {output / 'abstracts.html'} and {output / 'graph.html'} in a browser.")


def graph_page(graph: networkx.MultiDiGraph) -> str:
    """A drawing of all nodes with relations: connected components side by side, the largest first."""
    simple = networkx.Graph(graph.edges())
    places, left, top, bottom = {}, 0.0, 0.0, 0.0
    for part in sorted(networkx.connected_components(simple), key=len, reverse=True):
        size = 90 * len(part) ** 0.5
        if left and left + size > WIDTH:
            left, top = 0.0, bottom
        layout = networkx.spring_layout(simple.subgraph(sorted(part)), seed=0, k=2 / len(part) ** 0.5, iterations=200)
        for node, (x, y) in layout.items():
            places[node] = (left + size * (1 + 0.85 * x) / 2, top + size * (1 + 0.85 * y) / 2)
        left, bottom = left + size + 60, max(bottom, top + size)
    nodes = [
        {"name": graph.nodes[node].get("name", node), "x": round(x, 1), "y": round(y, 1)}
        for node, (x, y) in places.items()
    ]
    edges = []
    for first, second in simple.edges:
        between = [
            *graph.get_edge_data(first, second, default={}).values(),
            *graph.get_edge_data(second, first, default={}).values(),
        ]
        names = [graph.nodes[node].get("name", node) for node in (first, second)]
        (x1, y1), (x2, y2) = places[first], places[second]
        title = f"{names[0]} - {names[1]}: {', '.join(sorted({each['label'] for each in between}))}"
        edges.append({"x1": round(x1, 1), "y1": round(y1, 1), "x2": round(x2, 1), "y2": round(y2, 1), "title": title})
    return PAGE.render(nodes=nodes, edges=edges, width=WIDTH + 200, height=round(bottom) + 20)


if __name__ == "__main__":
    typer.run(main)
