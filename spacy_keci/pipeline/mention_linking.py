"""Link given mentions with known types to concepts, by a knowledge base and the names in annotated texts."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy.tokens import Doc, Span

from ..identifiers import linked, named_concepts
from ..knowledge.annotated_names import AnnotatedName, AnnotatedNames
from ..span_groups import attrs_beside, checked_spans, set_span_graph
from ..tokens import SPANS_KEY
from ..typography import unify_doc
from .abbreviations import Meanings
from .mentions import ENTS, read_mentions

if TYPE_CHECKING:
    from ..knowledge.abbreviations import Abbreviation
    from ..knowledge.candidates import Candidate
    from ..knowledge.knowledge_base import KnowledgeBase
    from ..knowledge.typed_lookup import MentionType


_GUESTS = {"T005", "T007"}  # virus, bacterium


class LinkedMention(NamedTuple):
    """A mention, tokens ``start`` to ``end`` (exclusive), its identifier, empty if none is found, and the candidates
    that it is the first of. An identifier that is no concept of the knowledge base, such as the normal form of a
    sequence variant, has none."""

    start: int
    end: int
    label: str
    identifier: str
    candidates: "tuple[Candidate, ...]" = ()


class MentionLinker:
    """Links mentions whose labels are in ``types``, which maps labels to semantic types.

    annotated: names in annotated texts, which take precedence over the knowledge base.
    """

    def __init__(
        self, kb: "KnowledgeBase", types: "Mapping[str, MentionType]", annotated: AnnotatedNames | None = None
    ) -> None:
        from ..knowledge.typed_lookup import TypedLookup

        self.kb, self.types = kb, dict(types)
        self.annotated = annotated or AnnotatedNames()
        self.lookups = {label: TypedLookup(kb, wanted) for label, wanted in types.items() if not wanted.variant}

    def __reduce__(self) -> tuple[Any, ...]:
        return MentionLinker, (self.kb, self.types, self.annotated)

    def __call__(
        self, doc: Doc, mentions: Iterable[Span], definitions: "Iterable[Abbreviation]"
    ) -> list[LinkedMention]:
        """Mentions with other labels are left out. definitions: the abbreviations that the text defines."""
        meanings = Meanings(doc, definitions)
        spans = [(span, self.types[span.label_].species_from) for span in mentions if span.label_ in self.types]
        found = {i: self._link(span, meanings, "") for i, (span, source) in enumerate(spans) if not source}
        species = self._species((m.label, m.start, m.identifier) for m in found.values())
        for i, (span, source) in enumerate(spans):
            if source:
                found[i] = self._link(span, meanings, _nearest(species[source], span.start))
        return [found[i] for i in range(len(spans))]

    def _species(self, mentions: "Iterable[tuple[str, int, str]]") -> "dict[str, Positions]":
        """By label: where mentions of species begin, in order, and their identifiers. Viruses and bacteria are left
        out: a text names them beside their host, whose genes it is about.

        mentions: label, first token and identifier of each."""
        found: dict[str, Positions] = defaultdict(list)
        sources = {wanted.species_from for wanted in self.types.values()}
        for label, start, identifier in mentions:
            if label in sources and identifier and not self._is_guest(identifier):
                found[label].append((start, identifier))
        for positions in found.values():
            positions.sort(key=itemgetter(0))
        return found

    def _is_guest(self, identifier: str) -> bool:
        types = self.kb.concept_types(self.kb.index(identifier)) if identifier in self.kb else ()
        return not _GUESTS.isdisjoint(types)

    def _link(self, span: Span, meanings: Meanings, species: str) -> LinkedMention:
        place = span.start, span.end, span.label_
        long_form = _long_form(span, meanings)
        for name in (long_form, span.text):
            if name and (identifier := self.annotated.look_up(span.label_, name, species)):
                return LinkedMention(*place, identifier, self._concepts_of(identifier, span.label_))
        if self.types[span.label_].variant:
            from ..knowledge.sequence_variants import variant_form

            return LinkedMention(*place, variant_form(span.text) or "")
        candidates = self._candidates(span, long_form, species)
        return LinkedMention(*place, candidates[0].concept if candidates else "", candidates)

    def _concepts_of(self, annotation: str, label: str) -> "tuple[Candidate, ...]":
        """The concepts of an annotation, if the knowledge base has all."""
        ids = named_concepts(annotation)
        known = all(id in self.kb for id in ids)
        return tuple(self._candidate(self.kb.index(id), label) for id in ids) if known else ()

    def _candidates(self, span: Span, long_form: str | None, species: str) -> "tuple[Candidate, ...]":
        known = self.kb.index(species) if species in self.kb else -1
        found = self.lookups[span.label_](span.text, long_form, known if species else None)
        return tuple(self._candidate(concept, span.label_) for concept in found)

    def _candidate(self, concept: int, label: str) -> "Candidate":
        from ..knowledge.candidates import Candidate

        id = self.kb.preferred_id(concept, self.types[label].prefer)
        return Candidate(id, next(iter(self.kb.concept_types(concept)), ""), 1.0)

    def learn(self, docs: Iterable[Doc]) -> None:
        """Replace ``annotated`` by the names of gold mentions, ``doc.spans["entities"]``: their texts and, for a short
        form that the text defines, its long form."""
        self.annotated = AnnotatedNames.count(name for i, doc in enumerate(docs) for name in self._names(doc, i))

    def _names(self, doc: Doc, number: int) -> "Iterator[AnnotatedName]":
        from ..knowledge.abbreviations import find_abbreviations

        read = unify_doc(doc)
        meanings = Meanings(read, find_abbreviations(read))
        gold = doc.spans.get(SPANS_KEY, ())
        mentions = [(Span(read, m.start, m.end, m.label), linked(m.kb_id_)) for m in gold]
        species = self._species((span.label_, span.start, id) for span, id in mentions)
        for span, id in mentions:
            if id and (wanted := self.types.get(span.label_)):
                near = _nearest(species.get(wanted.species_from, []), span.start)
                for name in (span.text, _long_form(span, meanings)):
                    if name:
                        yield AnnotatedName(span.label_, name, near, id, number)


def make_mention_linker(kb: "KnowledgeBase", settings: Mapping[str, Mapping[str, Any]]) -> MentionLinker:
    """Create it from the setting ``mention_types`` of a linker. Raises ValueError for an invalid setting, an unknown
    semantic type, or a vocabulary that is not in the knowledge base."""
    from ..knowledge.merge import semantic_groups
    from ..knowledge.typed_lookup import MentionType

    groups = semantic_groups()
    known = {*kb.types, *groups, *groups.values()}
    allowed = [field.name for field in fields(MentionType)]
    types: dict[str, MentionType] = {}
    for label, given in settings.items():
        if unknown := given.keys() - set(allowed):
            raise ValueError(
                f"mention_types of {label!r} has unknown keys: {sorted(unknown)}. Allowed: {', '.join(allowed)}."
            )
        if given.get("variant"):
            if len(given) > 1:
                raise ValueError(
                    f"mention_types of {label!r}: a variant has no other settings, as it is not looked up."
                )
            types[label] = MentionType((), variant=True)
            continue
        if not given.get("types"):
            raise ValueError(f"mention_types of {label!r} has no semantic types.")
        if unknown := set(given["types"]) - known:
            raise ValueError(
                f"mention_types of {label!r} has unknown semantic types: {', '.join(sorted(unknown))}. Allowed: a list "
                f"of types of the knowledge base, or of UMLS (T047), or of its groups ("
                f"{', '.join(sorted(set(groups.values())))})."
            )
        prefer = kb.vocabularies(given.get("prefer", ()))
        if (species_from := given.get("species_from", "")) and species_from not in settings:
            raise ValueError(
                f"mention_types of {label!r}: species_from is {species_from!r}, which is none of the mention types."
            )
        if (species := given.get("species", "")) and species not in kb:
            raise ValueError(f"mention_types of {label!r}: the knowledge base has no species {species!r}.")
        types[label] = MentionType(
            tuple(given["types"]), prefer, bool(given.get("broader", False)), False, species_from, species
        )
    return MentionLinker(kb, types)


# tokens at which mentions begin, and their identifiers
Positions = list[tuple[int, str]]


def _nearest(positions: Positions, start: int) -> str:
    """The identifier at the nearest position, the earlier one of two; empty if there are none."""
    i = bisect_right(positions, start, key=itemgetter(0))
    near = positions[max(i - 1, 0) : i + 1]
    return min(near, key=lambda each: abs(each[0] - start))[1] if near else ""


def _long_form(span: Span, meanings: Meanings) -> str | None:
    meant = meanings([token.text for token in span], span.start)
    return None if meant is None else span.doc[meant.long[0] : meant.long[1]].text


def set_identifiers(doc: Doc, source: str, mentions: Sequence[LinkedMention]) -> None:
    """Make the identifier of each mention its ``kb_id_``, in ``doc.ents`` or ``doc.spans[source]``. Mentions without an
    identifier, and the rest of the group, do not change.

    Raises ValueError if the group was edited so that it is not known whose relations it has."""
    ids = {(m.start, m.end, m.label): m.identifier for m in mentions if m.identifier}
    if not ids:
        return
    spans = [
        Span(doc, m.start, m.end, m.label, kb_id=ids.get((m.start, m.end, m.label_), m.kb_id_), span_id=m.id)
        for m in read_mentions(doc, source)
    ]
    if source == ENTS:
        doc.set_ents(spans, default="unmodified")
        return
    checked_spans(doc.spans[source])
    attrs = attrs_beside(doc.spans[source])
    set_span_graph(doc, source, spans, attrs.pop("relations", None), **attrs)
