"""The component ``concept_linker``: candidate concepts of every span of a text, in ``doc.spans["concepts"]``."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import from_bytes, to_bytes
from spacy.vocab import Vocab

from ..extensions import install_concepts_extension
from ..knowledge.annotated_names import AnnotatedNames
from ..knowledge.atomic import new_folder
from ..knowledge.folder import remove_knowledge_base, unpack
from ..settings import at_least, check_minimums, defaults, takes_settings
from ..span_groups import set_span_graph
from ..tokens import CONCEPTS_KEY
from ..typography import unify_doc
from .abbreviations import abbreviate, install_abbreviations_extension, set_abbreviations
from .mention_linking import LinkedMention, MentionLinker, make_mention_linker, set_identifiers
from .mentions import has_mentions, read_mentions, without_mentions

if TYPE_CHECKING:
    from ..knowledge.abbreviations import Abbreviation
    from ..knowledge.candidates import Candidate, CandidateSource, Match
    from ..knowledge.knowledge_base import KnowledgeBase

ANNOTATED = "annotated_names.jsonl"  # in the folder of the component


@dataclass(eq=False, kw_only=True)
class ConceptLinkerSettings:
    """Settings of ``concept_linker``.

    spans_key: where candidates are written: one Span per mention and concept, best first, with the concept as
        ``kb_id_`` and its semantic type as ``label_``; ``attrs["scores"]`` are the similarities of the names.
    concepts_attr: name of the extension that lists the candidates of a span, ``span._.concepts``.
    max_words: maximum length of spans that are looked up.
    abbreviations: whether short forms defined in the text get the candidates of their long forms.
    abbreviations_attr: name of the extension that lists these definitions, ``doc._.abbreviations``.
    prefer: vocabularies whose identifiers are preferred as ``kb_id_``, in order: ``["MESH", "NCBIGene"]``.
        ``linker.kb.identifiers(concept)`` lists all identifiers of a concept.
    fuzzy_key: a group of spans (``doc.spans[fuzzy_key]``, or ``"ents"`` for ``doc.ents``) whose members get candidates
        by similarity if they have no exact one: at most ``fuzzy_k``, with a cosine of at least ``fuzzy_threshold``.
        null for no group.
    head_suffix: whether members of that group that still have no candidates get those of their longest ending that is a
        name: "motif" for "ubiquitin-interacting motif".
    entities_from: mentions that an earlier component set, ``doc.spans[entities_from]``, or ``"ents"`` for ``doc.ents``.
        They get candidates that fit their labels, and the first candidate as ``kb_id_``.
    mention_types: what each label names: ``{"Disease": {"types": ["DISO"], "prefer": ["MESH"], "broader": true}}``, or
        ``{"Variant": {"variant": true}}``; see :class:`~spacy_keci.knowledge.typed_lookup.MentionType`. Mentions with
        other labels do not change.
    """

    spans_key: str = CONCEPTS_KEY
    concepts_attr: str = "concepts"
    max_words: int = at_least(1, 8)
    abbreviations: bool = True
    abbreviations_attr: str = "abbreviations"
    prefer: list[str] = field(default_factory=list)
    fuzzy_key: str | None = None
    fuzzy_k: int = at_least(1, 5)
    fuzzy_threshold: float = 0.7
    head_suffix: bool = False
    entities_from: str | None = None
    mention_types: dict[str, dict[str, Any]] = field(default_factory=dict)


@Language.factory(
    "concept_linker",
    assigns=["doc.spans", "doc._.abbreviations", "span._.concepts"],
    default_config=defaults(ConceptLinkerSettings),
)
@takes_settings(ConceptLinkerSettings)
def make_concept_linker(nlp: Language, name: str, **settings: Any) -> "ConceptLinker":
    """Make a concept linker; see :class:`ConceptLinkerSettings`. Its knowledge base comes with ``initialize`` or from
    disk."""
    linker = ConceptLinker(name=name, **settings)
    install_concepts_extension(linker.concepts_attr, linker.spans_key)
    if linker.abbreviations:
        install_abbreviations_extension(linker.abbreviations_attr)
    return linker


class Links(NamedTuple):
    """The links of a text: matches in order, the abbreviations that the text defines, and the given mentions with their
    candidates, if any."""

    matches: "list[Match]"
    abbreviations: "list[Abbreviation]"
    mentions: list[LinkedMention]


@dataclass(eq=False, kw_only=True, repr=False)
class ConceptLinker(ConceptLinkerSettings):
    """Looks up all spans of a text in ``source``, usually a compiled knowledge base. Settings are attributes."""

    name: str = "concept_linker"

    def __post_init__(self) -> None:
        check_minimums(self, f"'{self.name}'")
        if not 0.0 < self.fuzzy_threshold <= 1.0:
            raise ValueError(
                f"The setting fuzzy_threshold of '{self.name}' must be above 0 and at most 1, but it is "
                f"{self.fuzzy_threshold}."
            )
        if (self.entities_from is None) != (not self.mention_types):
            raise ValueError(
                f"Set entities_from and mention_types of '{self.name}' together: the mentions to link, and the "
                "semantic types of their labels."
            )
        self._mention_linker: MentionLinker | None = None
        self._source: CandidateSource | None = None
        self._warned: set[str] = set()

    @property
    def source(self) -> "CandidateSource":
        """The source of candidates. Raises ValueError before ``initialize``."""
        if self._source is None:
            raise ValueError(
                f"The component '{self.name}' has no knowledge base yet. Build one with 'spacy keci kb build', and "
                f"give its folder as kb in [initialize.components.{self.name}], or call "
                f"nlp.get_pipe('{self.name}').initialize(kb=...)."
            )
        return self._source

    @property
    def kb(self) -> "KnowledgeBase":
        """The knowledge base. Raises ValueError if the candidates do not come from one."""
        kb = _kb_of(self.source)
        if kb is None:
            raise ValueError(f"The candidates of the component '{self.name}' do not come from a knowledge base.")
        return kb

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language | None = None,
        kb: str | Path | None = None,
        sources: str | list[str] | None = None,
        semantic_network: list[str] | None = None,
        candidates: Any = None,
        annotated: str | list[str] | None = None,
    ) -> None:
        """Set the source of candidates, one of

        kb: folder of a compiled knowledge base;
        sources: vocabularies to compile now, as ``["jsonl=kb.jsonl", …]``, with the files of the ``semantic_network``;
        candidates: any :class:`~spacy_keci.knowledge.candidates.CandidateSource`, such as scispaCy's;

        and, for mentions that are linked by their types, the names to learn:

        annotated: one or more ``.spacy`` files whose mentions, ``doc.spans["entities"]``, have identifiers. A mention
            with the text of one of them gets its identifier, whatever the knowledge base says; see
            :class:`~spacy_keci.knowledge.annotated_names.AnnotatedNames`.

        Raises ValueError unless exactly one is given; none is allowed if the linker already has a source. Also raises
        ValueError for a semantic network without ``sources``: a knowledge base has its own, and for annotated texts
        without a mention to learn from.
        """
        from ..knowledge.compile import SourceFiles, compile_knowledge_base
        from ..knowledge.knowledge_base import KnowledgeBase, TemporaryKnowledgeBase

        given = [name for name, value in (("kb", kb), ("sources", sources), ("candidates", candidates)) if value]
        if len(given) > 1:
            raise ValueError(f"The component '{self.name}' takes one of kb, sources and candidates, got {given}.")
        if semantic_network and not sources:
            raise ValueError(
                f"The component '{self.name}' uses semantic_network only with sources: a compiled knowledge base has "
                "its own (spacy keci kb build --semantic-network)."
            )
        if kb:
            self._read(KnowledgeBase(kb))
        elif sources:
            listed = [sources] if isinstance(sources, str) else sources
            files, network = [SourceFiles.parse(s) for s in listed], [Path(p) for p in semantic_network or []]
            self._read(TemporaryKnowledgeBase(lambda folder: compile_knowledge_base(folder, files, network)))
        elif candidates:
            self._source, self._mention_linker = candidates, None
        else:
            self._source = self.source  # raises ValueError if there is none
        if annotated:
            paths = [annotated] if isinstance(annotated, str) else annotated
            self._learn(list(map(Path, paths)), Vocab() if nlp is None else nlp.vocab)

    def _learn(self, paths: list[Path], vocab: Vocab) -> None:
        from ..corpora.docbin import load_docs

        if self._mention_linker is None:
            raise ValueError(
                f"The component '{self.name}' learns names of annotated texts only for mentions that it links by their "
                "types: set entities_from and mention_types."
            )
        self._mention_linker.learn(doc for path in paths for doc in load_docs(path, vocab))
        if not len(self._mention_linker.annotated):
            raise ValueError(
                f"No mention of {', '.join(map(str, paths))} has an identifier and a label that is in mention_types of "
                f"'{self.name}': {', '.join(self.mention_types)}."
            )

    def __call__(self, doc: Doc) -> Doc:
        self.set_annotations([doc], self.predict([doc]))
        return doc

    def predict(self, docs: Iterable[Doc]) -> "list[Links]":
        """The links of each Doc, in order of the text; the Docs are not changed."""
        return [self._link(doc) for doc in docs]

    def set_annotations(self, docs: Iterable[Doc], links: "list[Links]") -> None:
        """Write matches to ``doc.spans[spans_key]`` and abbreviations to ``doc.spans["abbreviations"]``, replacing
        previous ones, and identifiers to the given mentions."""
        for doc, (matches, definitions, mentions) in zip(docs, links, strict=True):
            if self.abbreviations:
                set_abbreviations(doc, definitions)
            spans, scores = [], []
            for start, end, candidates in matches:
                for concept, label, score in candidates:
                    spans.append(Span(doc, start, end, label=label, kb_id=concept))
                    scores.append(score)
            set_span_graph(doc, self.spans_key, spans, None, scores=scores)
            if self.entities_from is not None:
                set_identifiers(doc, self.entities_from, mentions)

    def candidates(self, span: Span) -> "tuple[Candidate, ...]":
        """Candidates of one span: exact ones, else similar names, else (``head_suffix``) those of its ending."""
        source, text = self.source, span.text
        found = source.nearest(text, self.fuzzy_k, self.fuzzy_threshold)
        if found or not self.head_suffix:
            return found
        words = span.doc[span.start : span.end]
        for i in range(1, len(words)):
            rest = words[i:].text
            found = source.nearest(rest, self.fuzzy_k, 1.0) if rest[0].isalnum() else ()
            if found:
                return tuple(c._replace(score=len(rest) / len(text)) for c in found)
        return ()

    def _link(self, doc: Doc) -> "Links":
        from ..knowledge.abbreviations import find_abbreviations
        from ..knowledge.candidates import Match

        read = unify_doc(doc)
        found = {(m.start, m.end): m.candidates for m in self.source.find(read, self.max_words)}
        definitions = abbreviate(read, found, find_abbreviations(read)) if self.abbreviations else []
        mentions = self._link_mentions(doc, read, definitions)
        for mention in mentions:
            found[mention.start, mention.end] = mention.candidates
        if self.fuzzy_key is not None:
            for span in self._given(doc, self.fuzzy_key, "fuzzy_key"):
                if not found.get((span.start, span.end)) and (candidates := self.candidates(span)):
                    found[span.start, span.end] = candidates
        return Links([Match(*span, found[span]) for span in sorted(found) if found[span]], definitions, mentions)

    def _link_mentions(self, doc: Doc, read: Doc, definitions: "list[Abbreviation]") -> list[LinkedMention]:
        """The given mentions, with candidates of their types. read: the document in unified characters. Raises
        ValueError without a knowledge base."""
        if self.entities_from is None:
            return []
        if self._mention_linker is None:
            raise ValueError(f"'{self.name}' needs a knowledge base (kb) to link mentions by their types.")
        given = self._given(doc, self.entities_from, "entities_from")
        return self._mention_linker(read, [Span(read, m.start, m.end, m.label) for m in given], definitions)

    def _given(self, doc: Doc, source: str, setting: str) -> list[Span]:
        """The mentions there. Warns once if none are set."""
        if setting not in self._warned and not has_mentions(doc, source):
            self._warned.add(setting)
            warnings.warn(f"{without_mentions(source, self.name, 'link', setting)} (Shown once.)", stacklevel=2)
        return read_mentions(doc, source)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Copy the open knowledge base to ``path``, unless it is already there. Other sources of candidates are not
        saved (see :meth:`initialize`); a knowledge base of an earlier save is then deleted."""
        target = Path(path) / "kb"
        kb = _kb_of(self._source)
        if "annotated" not in exclude:
            (Path(path) / ANNOTATED).unlink(missing_ok=True)
            if names := self._annotated_names():
                Path(path).mkdir(parents=True, exist_ok=True)
                srsly.write_jsonl(Path(path) / ANNOTATED, names)
        if "kb" in exclude:
            return
        if kb is None:
            remove_knowledge_base(target)
        elif not kb.files.same_as(target):
            with new_folder(target, overwrite=True) as folder:
                kb.files.save(folder)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "ConceptLinker":
        """Open the knowledge base that was saved with the pipeline."""
        from ..knowledge.knowledge_base import KnowledgeBase

        folder = Path(path) / "kb"
        if "kb" not in exclude and folder.exists():
            self._read(KnowledgeBase(folder))
        if "annotated" not in exclude and (names := Path(path) / ANNOTATED).exists():
            self._set_annotated_names(srsly.read_jsonl(names))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The names of annotated texts, and the files of the knowledge base; none for other sources of candidates."""
        kb = _kb_of(self._source)
        parts: dict[str, Callable[[], bytes]] = {
            "kb": lambda: b"" if kb is None else kb.files.pack(),
            "annotated": lambda: srsly.msgpack_dumps(self._annotated_names()),
        }
        return to_bytes(parts, exclude)

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "ConceptLinker":
        """Write the files to a temporary folder and open them."""
        from ..knowledge.knowledge_base import TemporaryKnowledgeBase

        parts = {
            "kb": lambda files: self._read(TemporaryKnowledgeBase(partial(unpack, files))) if files else None,
            "annotated": lambda rows: self._set_annotated_names(srsly.msgpack_loads(rows)),
        }
        from_bytes(data, parts, exclude)
        return self

    def _annotated_names(self) -> list[list[str]]:
        return [] if self._mention_linker is None else self._mention_linker.annotated.rows()

    def _set_annotated_names(self, rows: Iterable[list[str]]) -> None:
        if self._mention_linker is not None:
            self._mention_linker.annotated = AnnotatedNames(rows)

    def _read(self, kb: "KnowledgeBase") -> None:
        from ..knowledge.candidates import KnowledgeBaseCandidates

        self._source = KnowledgeBaseCandidates(kb, self.prefer)
        if self.mention_types:
            self._mention_linker = make_mention_linker(kb, self.mention_types)


def _kb_of(source: "CandidateSource | None") -> "KnowledgeBase | None":
    from ..knowledge.knowledge_base import KnowledgeBase

    kb = getattr(source, "kb", None)  # users' own sources may have another attribute of this name
    return kb if isinstance(kb, KnowledgeBase) else None
