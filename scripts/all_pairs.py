"""Score the rule "all pairs of gold mentions are related" on ADE, to show how easy its relations are.

    python scripts/all_pairs.py assets/ade/ade_split_*_test.json --output results/ade-all_pairs.json

Each mention of the first type of a relation is related to each of the second type, in the same sentence. Strict scores.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from statistics import mean

from spacy_keci.corpora.annotation import AnnotatedText
from spacy_keci.corpora.formats import read_any


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, help="result file to write, .json")
    options = parser.parse_args()
    folds = [score(list(read_any(path, "spert"))) for path in options.files]
    columns = [[100 * fold[i] for fold in folds] for i in range(3)]
    lines = ["| | precision | recall | F1 |", "| --- | ---: | ---: | ---: |"]
    cells = [f"{mean(column):.1f} ({min(column):.1f}-{max(column):.1f})" for column in columns]
    lines.append(f"| all pairs, mean of {len(folds)} folds (lowest to highest) | {' | '.join(cells)} |")
    markdown = "\n".join(lines)
    print(markdown)
    if options.output:
        name = options.output.stem
        result = {"name": name, "group": name, "folds": folds, "markdown": markdown}
        options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")


def score(texts: list[AnnotatedText]) -> tuple[float, float, float]:
    """Precision, recall and F1 of the rule, over all texts."""
    kinds = {
        (text.mentions[r.head].label, text.mentions[r.tail].label, r.label) for text in texts for r in text.relations
    }
    n_right = n_predicted = n_gold = 0
    for text in texts:
        gold = {(text.mentions[r.head], text.mentions[r.tail], r.label) for r in text.relations}
        predicted = {
            (head, tail, label)
            for head in text.mentions
            for tail in text.mentions
            for head_type, tail_type, label in kinds
            if (head.label, tail.label) == (head_type, tail_type) and head != tail
        }
        n_right += len(gold & predicted)
        n_predicted += len(predicted)
        n_gold += len(gold)
    precision, recall = n_right / n_predicted, n_right / n_gold
    return precision, recall, 2 * precision * recall / (precision + recall)


if __name__ == "__main__":
    main()
