"""brat's standoff format (https://brat.nlplab.org/standoff.html): a folder with a ``.txt`` and an ``.ann`` file a text.

T lines (mentions), R lines (relations) and N lines (normalisations: the concepts of mentions) are read and written.
A concept is "resource:identifier" there; one without a resource is written with :data:`NO_RESOURCE`. Offsets are
characters, end exclusive, of the file as it is: line ends count as they stand. The shared tasks of BioNLP
(https://2011.bionlp-st.org/home/file-formats) have the same lines in an ``.a1`` and an ``.a2`` file a text.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from ..reports import Report
from .annotation import AnnotatedText, Mention, with_ids
from .reading import decode, explain, find_files, is_damaged, read_bytes, shown, text_lines
from .standoff import StandoffText

NO_RESOURCE = "KB"
# What has no place in a span graph of two-place relations.
_OTHERS = {"E": "event", "A": "attribute", "M": "attribute", "#": "note", "*": "equivalence"}
_MENTION = re.compile(r"(T\S*)\t(\S+) (-?\d{1,15} -?\d{1,15}(?:;-?\d{1,15} -?\d{1,15})*)\t(.*)")
_RELATION = re.compile(r"(R\S*)\t(\S+) ([^\s:]+):(\S+) ([^\s:]+):(\S+)\s*")
_CONCEPT = re.compile(r"(N\S*)\tReference (\S+) ([^\s:]*:\S+)(?:\t.*)?")


def read_brat(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a folder and those below it, in the order of their names, which are their ids. The head of a
    relation is its Arg1, where it has one, else its first argument. Events, attributes, notes, equivalences and texts
    without annotations have no place here."""
    return _read_folder(path, (".ann",), report)


def read_bionlp(path: Path, report: Report) -> Iterator[AnnotatedText]:
    """The texts of a shared task of BioNLP, as :func:`read_brat`: the given mentions of a text are in its ``.a1``, the
    triggers of events, and relations, in its ``.a2``, which may be missing. Triggers are mentions too."""
    return _read_folder(path, (".a1", ".a2"), report)


def _read_folder(path: Path, suffixes: tuple[str, ...], report: Report) -> Iterator[AnnotatedText]:
    kept, problems = 0, []
    files = find_files(path, ".txt")
    # of a file and a gzipped one of its name, the first
    annotations = [{name: file for file, name in reversed(find_files(path, suffix).items())} for suffix in suffixes]
    for file, name in files.items():
        sources = [found[name] for found in annotations if name in found]
        id = unquote(name)
        try:
            if not sources:
                raise ValueError(f"there is no {' or '.join(suffixes)} file of this name")
            data = read_bytes(file)
            text = decode(data)
            lines = [line for source in sources for line in text_lines(source, report)]
        except (OSError, ValueError) as error:
            problems.append(f"{file.name}: {explain(error) if isinstance(error, ValueError) else error}")
            report.drop_text(f"text that cannot be read, or has no {suffixes[0]} file", problems[-1])
        else:
            kept += 1
            yield _parse(text, lines, id, report, has_bom=data.startswith(codecs.BOM_UTF8))
    if not kept:
        wanted = " and ".join((".txt", suffixes[0]))
        raise ValueError(f"{path} is not a folder with {wanted} files of brat. {'; '.join(problems[:1])}".strip())
    for found in annotations:
        for name in sorted(found.keys() - set(files.values())):
            report.drop("annotations without a .txt file", found[name].relative_to(path).as_posix())


def write_brat(texts: Iterable[AnnotatedText], path: Path, report: Report) -> None:
    """Write two files for each text, named after its id, or after a number if it has none. If an earlier text has the
    same id, the number of the text is appended, and that is counted.

    White space in labels and concepts, which brat does not allow there, becomes "_" and is counted. A mention over
    several lines is written in pieces, as brat does. Raises ValueError if the folder holds texts already.
    """
    path.mkdir(parents=True, exist_ok=True)
    if any(path.glob("*.txt")) or any(path.glob("*.ann")):
        raise ValueError(f"{path} holds texts or annotations already: choose an empty folder.")
    taken: set[str] = set()
    for number, text in enumerate(with_ids(texts)):
        name = text.id
        # some file systems do not tell capitals
        report.count("texts with the id of another text, numbered", int(name.lower() in taken))
        while name.lower() in taken:
            name = f"{name}-{number}"
        taken.add(name.lower())
        # a name that begins with a dot would be hidden
        file = path / f"{re.sub('^[.]', '%2E', quote(name, safe=' ()[]{},;=@+'))}.txt"
        file.write_bytes(text.text.encode())
        file.with_suffix(".ann").write_bytes("".join(f"{line}\n" for line in _format(text, report)).encode())


def _parse(text: str, lines: list[str], id: str, report: Report, has_bom: bool = False) -> AnnotatedText:
    standoff = StandoffText(text, id, report, bom=has_bom)
    for line in filter(is_damaged, lines):
        report.drop("malformed line", f"{id}: {shown(line)}")
    lines = [line for line in lines if not is_damaged(line)]
    concepts: dict[str, list[str]] = {}
    for found in filter(None, map(_CONCEPT.fullmatch, lines)):
        concepts.setdefault(found[2], []).append(found[3].removeprefix(f"{NO_RESOURCE}:"))
    for found in filter(None, map(_MENTION.fullmatch, lines)):
        pieces = [(int(start), int(end)) for start, end in (piece.split() for piece in found[3].split(";"))]
        standoff.add_mention(found[1], pieces, found[2], found[4], ",".join(concepts.pop(found[1], [])))
    for line in lines:
        if relation := _RELATION.fullmatch(line):
            _, label, role, head, other_role, tail = relation.groups()
            if role == "Arg2" and other_role == "Arg1":
                head, tail = tail, head
            standoff.add_relation(head, tail, label)
        elif line.strip() and not _MENTION.fullmatch(line) and not _CONCEPT.fullmatch(line):
            report.drop(_OTHERS.get(line[0], "malformed line"), f"{id}: {shown(line)}")
    report.drop_each("concept of a missing mention", id, concepts)
    return standoff.build()


def _format(text: AnnotatedText, report: Report) -> Iterator[str]:
    n_concepts = 0
    for i, mention in enumerate(text.mentions):
        words = re.sub(r"[\r\n]", " ", text.words(mention))
        yield f"T{i + 1}\t{_one_word(mention.label, report)} {_pieces(text.text, mention)}\t{words}"
        if mention.kb_id:
            n_concepts += 1
            yield f"N{n_concepts}\tReference T{i + 1} {_concept(_one_word(mention.kb_id, report))}\t{words}"
    for number, (head, tail, label, _) in enumerate(text.relations, start=1):
        yield f"R{number}\t{_one_word(label, report)} Arg1:T{head + 1} Arg2:T{tail + 1}"


def _pieces(text: str, mention: Mention) -> str:
    pieces = re.finditer(r"[^\r\n]*[^\s][^\r\n]*", text[mention.start : mention.end])
    return ";".join(f"{mention.start + piece.start()} {mention.start + piece.end()}" for piece in pieces)


def _concept(kb_id: str) -> str:
    resource, _, identifier = kb_id.partition(":")
    return kb_id if resource and identifier and resource != NO_RESOURCE else f"{NO_RESOURCE}:{kb_id}"


def _one_word(name: str, report: Report) -> str:
    report.count("labels and concepts whose white space became '_'", int(bool(re.search(r"\s", name))))
    return re.sub(r"\s", "_", name)
