"""What flows through an answer: the query, the evidence, citations, and the Reply of every face."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from index import Frozen, Passage, RankedPassage

Language: TypeAlias = Literal["en", "ru", "kk"]
AbstentionReason: TypeAlias = Literal["nothing_found", "not_stated", "near_miss", "unclear"]
QuestionKind: TypeAlias = Literal[
    "overview",
    "topic",
    "comparison",
    "next",
    "reason",
    "yes_no",
    "who",
    "when",
    "how_much",
    "where",
    "list",
    "definition",
    "fact",
]
"""In order of precedence: a question that fits several is of the first."""
CourtesyKind: TypeAlias = Literal["greeting", "thanks", "goodbye", "ability"]
SourceState: TypeAlias = Literal["unchanged", "changed", "missing"]
Confidence: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]


HALF_A_CHARACTER: Final = "it holds half a character: a lone surrogate, or bytes that are no UTF-8"


def is_whole(text: str) -> bool:
    """Say whether a text can be written as UTF-8: half of a surrogate pair is no character.

    JSON can spell one, and Python reads a byte of the shell that is no UTF-8 as one.
    """
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _of_whole_characters(text: str) -> str:
    if not is_whole(text):
        raise ValueError(HALF_A_CHARACTER)
    return text


Text: TypeAlias = Annotated[str, AfterValidator(_of_whole_characters)]
"""What a caller may write, on every face."""


class Term(Frozen):
    """A word of a question that carries meaning: as written, folded, and its stems.

    ``translations`` are the collection's words that say the same in another language, None where
    that can't be told; ``near`` is what else it may say instead, in whatever language, each word
    with how far it counts for this one, 0…1.
    """

    text: str
    folded: str
    stems: tuple[str, ...] = Field(min_length=1)
    is_name: bool
    is_number: bool
    translations: frozenset[str] | None = None
    near: tuple[tuple[str, Confidence], ...] = ()

    @property
    def may_be_name(self) -> bool:
        """Whether it is capitalised, if only because it is the first word."""
        return self.text[:1].isupper()


class Query(Frozen):
    """A question, understood.

    ``question`` is as typed; ``standalone_question`` has misspellings corrected and a follow-up
    joined to what it follows, ``sought`` is that without what it sets aside ("besides the
    loans"), the terms of which are ``set_aside``, and ``asking`` the part whose words say what
    kind of answer is wanted. ``refers_back`` says that a pronoun of it stands
    for something in an earlier turn, ``names_another`` that it only names another thing than the
    earlier turn asked about ("And the bridge?"), ``may_refer`` that it may go on about that
    turn though nothing in it says so, ``readings`` in how many ways it can be read with
    that turn in mind, ``stands_alone`` that this is the reading in which it has nothing to do with
    it; ``corrections`` pairs what was typed with what it was read as; ``sides`` are the terms of
    the two things that a comparison is between, as far as its words tell.
    """

    question: str
    standalone_question: str
    sought: str
    asking: str
    set_aside: tuple[Term, ...]
    language: Language
    kind: QuestionKind
    courtesy: CourtesyKind | None
    is_order: bool
    refers_back: bool
    names_another: bool
    may_refer: bool
    readings: int
    stands_alone: bool
    corrections: tuple[tuple[str, str], ...]
    terms: tuple[Term, ...]
    numbers: frozenset[str]
    sides: tuple[tuple[Term, ...], tuple[Term, ...]] | None = None

    @property
    def translations(self) -> Mapping[str, frozenset[str]]:
        """What to search for beside each folded word of the question."""
        return {term.folded: term.translations for term in self.terms if term.translations}


class Features(Frozen):
    """What the probability that a piece of evidence answers the question is computed from.

    ``support`` is what the reader gives a sentence: the logarithm of the summed exponentials of the
    scores of all spans in it, minus its no-answer score, in logits; ``margin`` is the
    same of the best span alone, 0 where that is negative. ``fused`` and ``dense`` are the
    retriever's. ``sentence_coverage`` is the share of the question's terms, weighted by rarity,
    that the sentences quoted have, words that mean about the same counting in part, and ``terms``
    the logarithm of one more than their number: much is seldom said in one place. ``opens`` is 1
    for a passage's first sentence, ``foreign`` where question and passage are in different
    languages, and there ``similarity`` is the encoder's cosine of the question and the sentences
    quoted, less its usual value, 0 elsewhere: in one language it tells nothing that the others
    don't. ``untaught`` is 1 where they are in different languages and the passage's isn't English:
    the reader was taught across languages on English passages only. ``unsaid`` is the share of
    the question's terms that the passage, with what stands over it, says in no way.
    """

    support: float
    margin: float
    fused: float
    dense: float
    sentence_coverage: float
    terms: float
    opens: float
    similarity: float
    foreign: float
    untaught: float
    unsaid: float

    @classmethod
    def of_words(
        cls, query: Query, ranked: RankedPassage, *, sentence_coverage: float, foreign: bool
    ) -> Self:
        """Return the features of what was chosen by its words, which the reader has no part in."""
        return cls(
            support=0.0,
            margin=0.0,
            fused=ranked.score,
            dense=ranked.dense,
            sentence_coverage=sentence_coverage,
            terms=math.log1p(len(query.terms)),
            opens=0.0,
            similarity=0.0,
            foreign=float(foreign),
            untaught=0.0,
            unsaid=0.0,
        )


class Evidence(Frozen):
    """A span of a passage with the sentences around it; offsets are into the document's text.

    ``span`` is None where no span is meant: the sentences themselves are the evidence. ``hidden``
    is what the reader made of it where it was read: the means of its hidden states over the span
    and over the question.
    """

    passage: Passage
    span: tuple[int, int] | None
    quote: tuple[int, int]
    features: Features
    probability: Confidence
    hidden: tuple[float, ...] = ()


class Verdict(Frozen):
    """Whether the evidence may be given as an answer, and if not, why and what is missing."""

    evidence: tuple[Evidence, ...]
    reason: AbstentionReason | None
    missing_terms: tuple[str, ...]
    probability: Confidence


class Quoted(Frozen):
    """A stretch of a document's text that an answer quotes, by its number in the answer."""

    number: int = Field(ge=1)
    document_id: str
    heading_path: tuple[str, ...]
    start: int = Field(ge=0)
    end: int = Field(ge=1)


class Line(Frozen):
    """A line of an answer: a template's text, or words of a quote with the quote's number.

    ``also`` are the numbers of other quotes that say the same.
    """

    role: Literal["template", "short", "quote", "item"]
    text: str
    number: int | None = None
    also: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of all the quotes that it stands for."""
        return () if self.number is None else (self.number, *self.also)


class Draft(Frozen):
    """An answer before it is cited and rendered: its lines, and what they quote."""

    lines: tuple[Line, ...] = Field(min_length=1)
    quotes: tuple[Quoted, ...] = Field(min_length=1)
    short_answer: str | None


class Citation(Frozen):
    """A quote with the place it was taken from: ``text[start:end] == quote``, in code points.

    ``number`` is what ``[1]`` in the text points to, unique within its list. ``sha256`` is of the
    source file's bytes when it was indexed; ``source_state`` says what became of the file since.
    """

    number: int = Field(ge=1)
    document_id: str
    title: str
    path: str
    date: str | None
    heading_path: tuple[str, ...]
    page: int | None
    sheet: str | None
    row: int | None
    sha256: str
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    quote: str = Field(min_length=1)
    link: str
    source_state: SourceState

    @model_validator(mode="after")
    def _the_quote_fills_its_span(self) -> Self:
        if self.end - self.start != len(self.quote):
            raise ValueError(
                f"the quote has {len(self.quote)} characters, its span "
                f"{self.start}…{self.end} has {self.end - self.start}"
            )
        return self


class Searched(Frozen):
    """How much was looked through."""

    documents: int
    passages: int


class _Reply(Frozen):
    id: str
    question: str
    standalone_question: str
    language: Language
    text: str
    markdown: str
    searched: Searched
    suggestions: tuple[str, ...]
    answer_id: str
    index_id: str
    curated: bool = False
    milliseconds: dict[str, float]


class Answer(_Reply):
    """A reply in the documents' own words; without a citation it can't be constructed."""

    kind: Literal["answer"] = "answer"
    short_answer: str | None
    confidence: Confidence
    citations: tuple[Citation, ...] = Field(min_length=1)
    reason: None = None
    missing_terms: tuple[()] = ()
    nearest: tuple[()] = ()

    @model_validator(mode="after")
    def _the_short_answer_is_quoted(self) -> Self:
        if self.short_answer is not None and not any(
            self.short_answer in citation.quote for citation in self.citations
        ):
            raise ValueError("the short answer stands in none of the quotes")
        return self


class Abstention(_Reply):
    """A reply that says the documents don't say, what is missing, and what comes nearest."""

    kind: Literal["abstention"] = "abstention"
    short_answer: None = None
    confidence: Confidence
    citations: tuple[()] = ()
    reason: AbstentionReason
    missing_terms: tuple[str, ...]
    nearest: tuple[Citation, ...]


class Courtesy(_Reply):
    """A reply to a greeting, thanks, a goodbye, or "what can you do?"."""

    kind: Literal["courtesy"] = "courtesy"
    short_answer: None = None
    confidence: None = None
    citations: tuple[()] = ()
    reason: None = None
    missing_terms: tuple[()] = ()
    nearest: tuple[()] = ()


Reply: TypeAlias = Annotated[Answer | Abstention | Courtesy, Field(discriminator="kind")]
REPLY: TypeAdapter[Answer | Abstention | Courtesy] = TypeAdapter(Reply)
"""Reads a Reply from JSON and writes its schema."""
