"""Sequence variants in all the ways that people write them."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_keci.knowledge.sequence_variants import variant_form


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ("rs113488022; Rs113488022; rs 113488022", "rs113488022"),
        ("V600E; p.V600E; p.Val600Glu; p.(Val600Glu); Val 600 Glu; valine-600-glutamic acid", "p|SUB|V|600|E"),
        ("Val(600)-->Glu; 600V/E; valine to glutamic acid at codon 600; valine by glutamate at 600", "p|SUB|V|600|E"),
        ("glutamic acid for valine at position 600; codon 600, valine to glutamate", "p|SUB|V|600|E"),
        ("R34X; p.Arg34*; Arg34Ter; Arg34stop; arginine (CGA) to a stop codon (TGA) at codon 34", "p|SUB|R|34|X"),
        ("c.1799T>A; T1799A; c.T1799A; 1799T->A; 1799 T/A; T to A at nucleotide 1799", "c|SUB|T|1799|A"),
        ("thymidine to adenine transversion at position 1799; 1,799T\u2192A", "c|SUB|T|1799|A"),
        ("-1021C/T; \u22121021C>T; C-1021T", "c|SUB|C|-1021|T"),
        ("IVS3+1G>A; c.IVS3+1G>A; IVS3 + 1 G -> A", "c|SUB|G|IVS3+1|A"),
        ("c.463-6T>G; c. 463 -6T>G", "c|SUB|T|463-6|G"),
        ("g.3816C>A", "g|SUB|C|3816|A"),
        ("C>T; C to T; C-->T", "c|SUB|C||T"),
        ("c.1811_1812delAT; 1811-1812delAT; 1811-2delAT", "c|DEL|1811_1812|AT"),
        ("657del5; 657del5bp; deletion of five nucleotides at position 657", "c|DEL|657|5"),
        ("\u039432; Delta32; DD32; 32-bp deletion; 32 base-pair deletion", "c|DEL||32"),
        ("F508del; delF508; \u0394F508; p.Phe508del", "p|DEL|508|F"),
        ("p.G204_K247del; Gly204-Lys247del; deletion of amino acids 204-247", "p|DEL|204_247|"),
        ("Val624-Val625del", "p|DEL|624_625|VV"),
        ("5382insC; c.5382insC", "c|INS|5382|C"),
        ("899dupC", "c|DUP|899|C|"),
        ("dup24bp; 24 bp duplication", "c|DUP||24|"),
        ("c.429_452dup", "c|DUP|429_452||"),
        ("(CCTTT)14", "c|DUP||CCTTT|14"),
        ("c.76_78delinsAC; c.76_78delTTGinsAC", "c|INDEL|76_78|AC"),
        ("Y329fs; p.Tyr329fs; p.Tyr329fsX", "p|FS|Y|329||"),
        ("p.N102DfsX4; p.Asn102Aspfs*4", "p|FS|N|102|D|4"),
        ("p.A27fsX132", "p|FS|A|27||132"),
        ("Arg104; p.Arg104; 104Arg; 104RR", "p|Allele|R|104"),
        ("T allele at -31; -31T; -31TT", "c|Allele|T|-31"),
    ],
)
def test_forms(texts: str, form: str) -> None:
    assert {text: variant_form(text) for text in texts.split("; ")} == dict.fromkeys(texts.split("; "), form)


@pytest.mark.parametrize(
    "text", ["", " ", "mutation", "BRCA1 mutations", "deletion", "exon 5", "haplotype H1", "long allele", "V" * 500]
)
def test_what_is_not_understood(text: str) -> None:
    assert variant_form(text) is None


class AminoAcid(NamedTuple):
    letter: str
    three: str
    name: str


NAMES = """
    A Ala alanine      R Arg arginine   N Asn asparagine  D Asp aspartate      C Cys cysteine
    Q Gln glutamine    E Glu glutamate  G Gly glycine     H His histidine      I Ile isoleucine
    L Leu leucine      K Lys lysine     M Met methionine  F Phe phenylalanine  P Pro proline
    S Ser serine       T Thr threonine  W Trp tryptophan  Y Tyr tyrosine       V Val valine
""".split()  # noqa: SIM905
AMINO_ACIDS = [AminoAcid(*each) for each in zip(NAMES[::3], NAMES[1::3], NAMES[2::3], strict=True)]
amino_acids, positions, bases = st.sampled_from(AMINO_ACIDS), st.integers(1, 9999), st.sampled_from("ACGT")


@given(amino_acids, positions, amino_acids)
def test_all_ways_to_write_an_exchange_of_amino_acids_have_one_form(first: AminoAcid, at: int, last: AminoAcid) -> None:
    ways = [
        f"p.{first.letter}{at}{last.letter}",
        f"p.{first.three}{at}{last.three}",
        f"{first.three}{at}{last.three}",
        f"{first.three} {at} {last.three}",
        f"{first.name} {at} {last.name}",
        f"{first.name} to {last.name} at codon {at}",
        f"{last.name} for {first.name} at position {at}",
    ]
    assert {variant_form(way) for way in ways} == {f"p|SUB|{first.letter}|{at}|{last.letter}"}


places = st.one_of(
    positions.map(str), positions.map(lambda n: f"-{n}"), st.builds("{}+{}".format, positions, st.integers(1, 99))
)


@given(bases, places, bases, st.sampled_from("cgm"))
def test_all_ways_to_write_an_exchange_of_bases_have_one_form(first: str, at: str, last: str, level: str) -> None:
    assert variant_form(f"{level}.{at}{first}>{last}") == f"{level}|SUB|{first}|{at}|{last}"
    ways = [f"{at}{first}>{last}", f"{at} {first}/{last}", f"{first}{at}{last}", f"{first} to {last} at {at}"]
    assert {variant_form(way) for way in ways} == {f"c|SUB|{first}|{at}|{last}"}


@given(positions, positions, st.text("ACGT", min_size=1, max_size=12), st.sampled_from(["del", "ins", "dup"]))
def test_sequences_that_come_and_go(start: int, length: int, letters: str, kind: str) -> None:
    end = "|" if kind == "dup" else ""
    place = f"{start}_{start + length}"
    assert variant_form(f"c.{place}{kind}{letters}") == f"c|{kind.upper()}|{place}|{letters}{end}"


@given(st.text(st.sampled_from("ACGTVpc.-+_>/ 0123456789delinsdupfsX*()rs"), max_size=40))
def test_any_text_has_a_form_or_none(text: str) -> None:
    form = variant_form(text)
    assert form is None or form.startswith("rs") or form.count("|") >= 3
