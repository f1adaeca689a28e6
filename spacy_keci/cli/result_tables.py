"""A result of ``spacy keci evaluate`` as tables for people."""

from typing import Any

from wasabi import msg

TITLES = {
    "biorelex_mentions": "mentions, BioRelEx official",
    "biorelex_relations": "relations, BioRelEx official",
    "entities_micro": "entities, strict micro",
    "entities_macro": "entities, strict macro",
    "relations_micro": "relations, strict micro",
    "relations_macro": "relations, strict macro",
    "relations_untyped_micro": "relations, arguments untyped",
    "concepts_pair": "concepts, pairs",
    "concepts_typed": "concepts, pairs and labels",
    "concepts_novelty": "concepts, pairs and novelty",
    "concepts_full": "concepts, pairs, labels and novelty",
    "linking_first": "linking, first candidate",
    "linking_candidates": "linking, any candidate",
    "linking_known_first": "linking in the knowledge base, first candidate",
    "linking_known_candidates": "linking in the knowledge base, any candidate",
}
PLURALS = {"concepts_pair": "pairs of concepts", "concepts_typed": "relations between concepts"}
# counts of linking: what they mean, and of which other count they are a share
LINKING = {
    "grounded": ("the gold concept is in the knowledge base", "with a concept"),
    "among candidates": ("the gold concept is a candidate of the span", "grounded"),
    "first": ("it is the linker's first candidate", "among candidates"),
    "attention": ("it has the largest attention", "among candidates"),
    "found": ("the span is predicted as a mention", "among candidates"),
    "mention": ("of these: the mention has it as kb_id", "found"),
    "found, first": ("of these: it is the linker's first candidate", "found"),
}
# types of concepts to show with the lowest and the highest attention, and the candidates they need to be shown
N_TYPES, MIN_CANDIDATES = 3, 10


def print_result(result: dict[str, Any]) -> None:
    """F with its interval, scores of each label, linking, attention, gold out of reach, speed."""
    _print_scores(result)
    for kind, labels in result["per_type"].items():
        rows = [
            [label, *(f"{100 * row[what]:.1f}" for what in "prf"), row["support"]]
            for label, row in sorted(labels.items(), key=lambda item: -item[1]["support"])
        ]
        msg.table(rows, header=[kind, "P", "R", "F", "gold"], divider=True, aligns=["l"] + ["r"] * 4)
    _print_linking(result["linking"])
    _print_attention(result["attention"])
    counts = result["counts"]
    for kind in ("entities", "relations", *PLURALS):
        if f"{kind}_gold" not in counts:
            continue
        text = f"{counts[f'{kind}_gold']} gold {PLURALS.get(kind, kind)}, {counts[f'{kind}_predicted']} predicted"
        if f"{kind}_unreachable" in counts:
            text += f", {counts[f'{kind}_unreachable']} gold not on token boundaries (counted as missed)"
        msg.text(text)
    if n := counts.get("concepts_unidentified"):
        msg.text(f"{n} gold relations left out: one of their mentions has no identifier")
    speed = result["speed"]
    msg.text(
        f"{result['corpus']['documents']} documents in {speed['seconds']:.1f} s, "
        f"{speed['documents_per_second']:.1f} documents/s"
    )


def _print_scores(result: dict[str, Any]) -> None:
    scores, p_values = result["scores"], result.get("compared", {}).get("p", {})
    rows = []
    for name, title in TITLES.items():
        if f"{name}_f" in scores:
            low, high = result["intervals"].get(f"{name}_f", (None, None))
            interval = "" if low is None else f"{100 * low:.1f}-{100 * high:.1f}"
            row = [title, *(f"{100 * scores[f'{name}_{what}']:.1f}" for what in "prf"), interval]
            rows.append([*row, f"{p_values[f'{name}_f']:.3f}"] if p_values else row)
    header = ["score", "P", "R", "F", "95% of F", *(["p"] if p_values else [])]
    msg.divider(f"{result['name']} on {result['corpus']['name']}")
    msg.table(rows, header=header, divider=True, aligns=["l"] + ["r"] * (len(header) - 1))
    if p_values:
        msg.text(f"p: paired bootstrap, two-sided, of the difference in F to {result['compared']['with']}")


def _print_linking(counts: dict[str, int] | None) -> None:
    if counts is None:
        return
    rows = [
        (meaning, counts.get(name, 0), f"{counts.get(name, 0) / max(counts.get(whole, 0), 1):.1%}")
        for name, (meaning, whole) in LINKING.items()
    ]
    header = ("gold mentions with a concept", counts["with a concept"], "")
    msg.table(rows, header=header, divider=True, max_col=60, aligns=[*"lrr"])


def _print_attention(types: list[dict[str, Any]] | None) -> None:
    shown = [each for each in types or () if each["candidates"] >= MIN_CANDIDATES]
    if len(shown) > 2 * N_TYPES:
        shown = shown[:N_TYPES] + shown[-N_TYPES:]
    if shown:
        rows = [(each["type"], each["name"], f"{each['mean']:.2f}", each["candidates"]) for each in reversed(shown)]
        msg.table(rows, header=("concepts of type", "", "attention", "candidates"), divider=True, aligns=[*"llrr"])
