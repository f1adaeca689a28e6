"""The normal form of a sequence variant: "p.Val600Glu", "V600E" and "valine to glutamic acid at codon 600" are
``p|SUB|V|600|E``, as tmVar writes it (Wei et al. 2013, 2018) and corpora such as BioRED annotate it.

A form is made of the text alone. Which dbSNP number a form has depends on its gene and its transcript, which only a
table such as dbSNP's could say; a number that the text itself has is the form.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from ..typography import unify

# name, three letters, one letter
_AMINO_ACIDS = (
    ("alanine", "Ala", "A"),
    ("arginine", "Arg", "R"),
    ("asparagine", "Asn", "N"),
    ("aspartic acid|aspartate", "Asp", "D"),
    ("cysteine", "Cys", "C"),
    ("glutamine", "Gln", "Q"),
    ("glutamic acid|glutamate", "Glu", "E"),
    ("glycine", "Gly", "G"),
    ("histidine", "His", "H"),
    ("isoleucine", "Ile", "I"),
    ("leucine", "Leu", "L"),
    ("lysine", "Lys", "K"),
    ("methionine", "Met", "M"),
    ("phenylalanine", "Phe", "F"),
    ("proline", "Pro", "P"),
    ("serine", "Ser", "S"),
    ("threonine", "Thr", "T"),
    ("tryptophan", "Trp", "W"),
    ("tyrosine", "Tyr", "Y"),
    ("valine", "Val", "V"),
    ("premature termination codon|premature stop codon|termination codon|stop codon|stop", "Ter", "X"),
)
_BASES = {"adenine": "A", "adenosine": "A", "cytosine": "C", "cytidine": "C", "guanine": "G", "guanosine": "G"}
_BASES |= {"thymine": "T", "thymidine": "T", "uracil": "U"}
_LETTER = {name: letter for names, _, letter in _AMINO_ACIDS for name in names.split("|")} | _BASES
_OF_THREE = {three.lower(): letter for _, three, letter in _AMINO_ACIDS}
_NAME = re.compile("|".join(sorted(_LETTER, key=len, reverse=True)), re.IGNORECASE)
# "Ala" anywhere, as in "Pro184ArgfsX19"; "ala" between what are no letters
_THREE = re.compile(
    "|".join(three for _, three, _ in _AMINO_ACIDS)
    + "|"
    + "|".join(rf"(?<![A-Za-z]){three.lower()}(?![A-Za-z])" for _, three, _ in _AMINO_ACIDS)
)
_LONGEST = 200
_DBSNP = re.compile(r"\brs\s?#?\s?(\d+)", re.IGNORECASE)
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8"}
_NUMBERS |= {"nine": "9", "ten": "10", "eleven": "11", "twelve": "12"}
_NUMBER = re.compile(rf"\b({'|'.join(_NUMBERS)})\b", re.IGNORECASE)
# what is written in several ways: arrows, Δ, numbers, codons and letters in brackets
_SPELLINGS = (
    (re.compile(r"\s*(?:-+\s?>|→|-{2,})\s*|(?<=[A-Z])\s?>\s?(?=[A-Z])"), ">"),
    (re.compile(r"(?:Δ|\b[Dd]elta)[ -]?(?=[A-Z]?\d)|\bDD(?=\d+\b)"), "del"),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=[A-Z]) \([ACGTU]{3}\)|(?<=([A-Z])) \(\1\)"), ""),
    (re.compile(r"\b[cg]\.\s?(?=IVS)|[,;.]$"), ""),
    (re.compile(r"(?<=IVS) (?=\d)|(?<=\b[cgmnpr]\.) "), ""),
    (re.compile(r"(?<=\d)\s?([-+])\s?(?=\d)"), r"\1"),
)

# -1021, 76, 76+1, *557, IVS3+1; 76_78, G204_K247; 2238-9
_AT = r"(?:IVS\d+[-+]\d+|[-+*]?\d+(?:[-+]\d{1,3}(?!\d))?)"
_RANGE = rf"(?:[A-Z]?{_AT}(?:_[A-Z]?{_AT})+|[A-Z]?\d+-[A-Z]?\d+|{_AT})"
_LEVEL = r"(?:(?P<level>[cgmnpr])\.)?"
_REF, _ALT = r"(?P<ref>[ACGTU]+|[A-Z])", r"(?P<alt>[ACGTU]+|[A-Z*])"
_TO = r"\s?(?:>|/|-?to-?|by|with|(?:was )?replaced by)\s?(?:an? )?"
_PLACE = r"(?:.*?\b(?:positions?|nucleotides?|nt|residue|codon|base|acid|at)\b\W*?(?:[cg]\.)?)"
_WORDS = r"(?:[- ](?:substitution|mutation|transition|transversion|polymorphism|allele|variant|residue))?"
_UNIT = r"(?:[ -]?(?:bp|nt|kb|Mb|base[ -]?pairs?|nucleotides?|bases?)(?:[ -]nucleotides?)?)"
_KINDS = {"del": "DEL", "ins": "INS", "dup": "DUP"}
_KIND = r"(?P<kind>del|ins|dup)(?:etion|ertion|lication)?"


@lru_cache(maxsize=1 << 14)
def variant_form(text: str) -> str | None:
    """``p|SUB|V|600|E`` of "V600E", ``c|DEL|1811_1812|AT`` of "c.1811_1812delAT", ``rs113488022`` of itself.

    None for what is not understood. Letters that are both bases and amino acids ("C282T") count as bases, unless the
    text says otherwise ("p.C282T", "Cys282Thr").
    """
    if number := _DBSNP.search(text):
        return f"rs{number[1]}"
    if len(text) > _LONGEST:
        return None
    plain, has_amino_acids = _plain(unify(text.strip()))
    for pattern, form in _FORMS:
        if match := pattern.fullmatch(plain):
            groups = {name: found or "" for name, found in match.groupdict().items()}
            letters = groups.get("ref", "") + groups.get("alt", "")
            is_protein = has_amino_acids or bool(set(letters) - set("ACGTU"))
            level = groups.get("level") or ("p" if is_protein else "c")
            return form(level, groups)
    return None


def _plain(text: str) -> tuple[str, bool]:
    """The text with one letter for each amino acid and base, and whether it names amino acids."""
    amino_acids = False

    def letter(match: re.Match[str]) -> str:
        nonlocal amino_acids
        name = match[0].lower()
        amino_acids |= name not in _BASES
        return _LETTER.get(name) or _OF_THREE[name]

    text = _THREE.sub(letter, _NAME.sub(letter, text))
    text = _NUMBER.sub(lambda match: _NUMBERS[match[0].lower()], text)
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return text, amino_acids


def _place(level: str, of: dict[str, str]) -> str:
    """A position. What stands before that of an amino acid is a dash, and no sign."""
    at = of.get("at", "")
    return at.lstrip("-+") if level == "p" else at


def _substitution(level: str, of: dict[str, str]) -> str:
    return f"{level}|SUB|{of['ref']}|{_place(level, of)}|{of['alt'].replace('*', 'X')}"


def _frame_shift(level: str, of: dict[str, str]) -> str:
    return f"p|FS|{of['ref']}|{of['at']}|{of['alt']}|{of['n']}"


def _range(level: str, of: dict[str, str]) -> tuple[str, str, str]:
    """Level, place and letters of a position, or of a range of such: G204_K247 is 204_247 of a protein, 2238-9 is
    2238_2239, but c.463-6 is one position in an intron."""
    at = of.get("at", "")
    if at.startswith("IVS"):
        return level, at, ""
    if ends := re.fullmatch(r"([A-Z]?)(\d+)-([A-Z]?)(\d+)", at):
        first, last = ends[2], ends[4]
        if not of.get("level") or int(last) > int(first):
            at = f"{ends[1]}{first}_{ends[3]}{first[: -len(last)]}{last}"
    letters = re.sub("[^A-Z]", "", at)
    if letters:  # before the numbers, as amino acids are written
        level, at = "p", re.sub(r"_.*_", "_", re.sub("[A-Z]", "", at))
    return level, at, letters


def _longer_or_shorter(level: str, of: dict[str, str]) -> str:
    """Deletions, insertions and duplications of a sequence, or of so many letters."""
    level, at, letters = _range(level, of)
    what = of.get("alt") or of.get("n") or of.get("ref") or ""
    if letters:
        first, _, last = at.partition("_")
        what = what or letters * (len(letters) == int(last or first) - int(first) + 1)
    kind = _KINDS[of["kind"]]
    return f"{level}|{kind}|{at}|{what}{'|' if kind == 'DUP' else ''}"


def _repeat(level: str, of: dict[str, str]) -> str:
    return f"{level}|DUP||{of['ref']}|{of.get('n', '')}"


def _insertion_for_deletion(level: str, of: dict[str, str]) -> str:
    level, at, _ = _range(level, of)
    return f"{level}|INDEL|{at}|{of.get('alt') or of.get('n') or ''}"


def _allele(level: str, of: dict[str, str]) -> str:
    letters = of["ref"]
    return f"{level}|Allele|{letters[0] if len(set(letters)) == 1 else letters}|{_place(level, of)}"


# what a whole mention may look like, and its form; the first that fits counts
_FORMS: list[tuple[re.Pattern[str], Callable[[str, dict[str, str]], str]]] = [
    (re.compile(pattern), form)
    for pattern, form in (
        # p.N102DfsX4, Y329fs
        (rf"{_LEVEL}{_REF}(?P<at>\d+)(?P<alt>[A-Z])??(?:fs|FS)(?:[X*](?P<n>\d*))?", _frame_shift),
        # V600E, p.(V600E), G-395A, C 23 S, R555-to-W, H626>R, E873 X
        (rf"{_LEVEL}\(?{_REF}[ (]*(?P<at>{_AT})[ )]*-?(?:{_TO})?{_ALT}\)?{_WORDS}", _substitution),
        (rf"{_REF}[ -]?(?P<at>\d+)-{_ALT}", _substitution),
        # c.123A>G, -1021C/T, -924, A/G, -1082(G/A), IVS3+1G>A
        (rf"{_LEVEL}(?P<at>{_AT}),? ?\(?{_REF}{_TO}{_ALT}\)?{_WORDS}", _substitution),
        (rf"(?:codon )?(?P<at>\d+),? (?:from )?{_REF}{_TO}{_ALT}{_WORDS}", _substitution),
        # C to T at 33468, R by Q at position 714, A>G
        (rf"\(?{_REF}(?: residue)?{_TO}{_ALT}\)?{_PLACE} ?(?P<at>{_AT})", _substitution),
        (rf"{_REF}(?: residue)?{_PLACE} ?(?P<at>{_AT}){_TO}{_ALT}", _substitution),
        (
            rf"{_ALT}(?: residue)? (?:for|replacement of|instead of)(?: an?| the)? {_REF}(?:{_PLACE} ?(?P<at>{_AT}))?",
            _substitution,
        ),
        (rf"\(?{_REF}{_TO}{_ALT}\)?{_WORDS}", _substitution),
        # ins/del 6 bp, c.76_78delinsAC, -652 6N ins/del
        (rf"{_LEVEL}(?P<at>{_RANGE})? ?del(?:[A-Z]*)ins(?P<alt>[A-Z]+)", _insertion_for_deletion),
        (rf"(?:ins/del|insertion/deletion) ?(?P<n>\d+){_UNIT}?", _insertion_for_deletion),
        (
            rf"(?:(?P<at>{_AT}) )?(?P<n>\d+)(?:N|{_UNIT}) ?(?:ins/del|insertion/deletion)(?: polymorphism)?",
            _insertion_for_deletion,
        ),
        # delF508, del642T, delT at 5063, del30
        (rf"{_LEVEL}{_KIND}[ -]?(?P<ref>[A-Z])(?P<at>\d+)", _longer_or_shorter),
        (rf"{_LEVEL}{_KIND}[ -]?(?P<at>\d+) ?(?P<ref>[A-Z]+)", _longer_or_shorter),
        (rf"{_KIND}[ -]?\(?(?P<at>\d+-\d+)\)?", _longer_or_shorter),
        (rf"{_KIND} ?(?P<n>\d+){_UNIT}?(?: deletion)?", _longer_or_shorter),
        (rf"{_KIND} of (?:amino acids?|residues?|codons?) (?P<at>{_RANGE})", lambda _, of: _longer_or_shorter("p", of)),
        (rf"{_KIND} (?:of )?\(?(?P<n>\d+){_UNIT}\)?(?:{_PLACE} ?(?P<at>{_RANGE}))?", _longer_or_shorter),
        (rf"{_KIND} (?:of )?(?:an? |the )?\(?(?P<ref>[A-Z]+)\)?(?:{_PLACE} ?(?P<at>{_RANGE}))?", _longer_or_shorter),
        # c.1811_1812delAT, 657del5, V239del, 32-bp deletion, TGAG deletion, T deletion at 5063
        (rf"{_LEVEL}(?P<ref>[A-Z])(?P<at>\d+) ?{_KIND}", _longer_or_shorter),
        (rf"{_LEVEL}(?P<at>{_RANGE}) ?{_KIND} ?(?:(?P<alt>[A-Z]+)|(?P<n>\d+){_UNIT}?)?", _longer_or_shorter),
        (rf"(?P<n>\d+){_UNIT}(?: \w+)? {_KIND}(?:{_PLACE} ?(?P<at>{_RANGE}))?", _longer_or_shorter),
        (rf"(?:(?P<at>{_AT})[ -])?(?P<n>\d+)(?:N|{_UNIT}) {_KIND}", _longer_or_shorter),
        (rf"(?P<at>[-+]\d+){_UNIT} {_KIND}", _longer_or_shorter),
        (r"\(?(?P<ref>[ACGTU]{2,})\)?(?:(?P<n>\d+)| repeats?)", _repeat),
        (rf"(?P<ref>[A-Z]+)(?: nucleotide)? {_KIND}(?:{_PLACE} ?(?P<at>{_RANGE}))?", _longer_or_shorter),
        (rf"(?P<ref>[A-Z]+)[ -]?(?P<at>{_RANGE}) ?{_KIND}", _longer_or_shorter),
        # 111G, 192RR, -31TT; T2734, p.T26, R 714; T allele at -31
        (rf"{_LEVEL}(?P<at>{_AT}) ?{_REF}", _allele),
        (rf"{_LEVEL}(?P<at>\d+) ?(?P<ref>(?P<one>[A-Z])(?P=one))", _allele),
        (rf"{_LEVEL}{_REF} ?(?P<at>{_AT})", _allele),
        (rf"{_REF}(?: allele| residue)? (?:at|for the) \D*?(?P<at>{_AT})", _allele),
    )
]
