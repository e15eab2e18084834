"""From what was found to the Reply that every face shows: plain text, Markdown, and the facts."""

from __future__ import annotations

import hashlib
import html
import json
import re
import uuid
from collections.abc import Mapping, Sequence

from app.stopwatch import Stopwatch
from app.types import (
    Abstention,
    Answer,
    Citation,
    Courtesy,
    Draft,
    Line,
    Query,
    Searched,
    Verdict,
)
from index import Frozen


class Frame(Frozen):
    """What every reply says beside its answer.

    ``documents`` are the ids the question was restricted to, None for all of them.
    """

    query: Query
    index_id: str
    documents: frozenset[str] | None
    answer_risk: float
    searched: Searched

    def fields(
        self, lines: Sequence[Line], watch: Stopwatch, *, curated: str | None = None
    ) -> dict[str, object]:
        """Return the keys that all kinds of Reply share, for these lines.

        The ``answer_id`` is the same for the same question in the same language on the same index
        with the same settings, so that it tells whether an answer still stands; ``curated`` is
        what an answer that an operator chose consists of.
        """
        query = self.query
        identity = [
            self.index_id,
            query.standalone_question,
            query.language,
            None if self.documents is None else sorted(self.documents),
            self.answer_risk,
            *([] if curated is None else [curated]),
        ]
        digest = hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()
        watch.lap("rendering")
        return {
            "id": uuid.uuid4().hex,
            "question": query.question,
            "standalone_question": query.standalone_question,
            "language": query.language,
            "text": as_text(lines),
            "markdown": as_markdown(lines),
            "searched": self.searched,
            "suggestions": (),
            "answer_id": digest[:16],
            "index_id": self.index_id,
            "curated": curated is not None,
            "milliseconds": watch.milliseconds(),
        }


def render_answer(
    frame: Frame,
    draft: Draft,
    citations: Sequence[Citation],
    probability: float,
    templates: Mapping[str, str],
    watch: Stopwatch,
    *,
    curated: bool = False,
) -> Answer:
    """Return the Reply for an answer; a source that changed or vanished is said so."""
    text = as_text(draft.lines) if curated else None
    notes = [
        Line(
            role="template",
            text=templates[f"source_{citation.source_state}"],
            number=citation.number,
        )
        for citation in citations
        if citation.source_state != "unchanged"
    ]
    return Answer.model_validate(
        {
            **frame.fields([*draft.lines, *notes], watch, curated=text),
            "short_answer": draft.short_answer,
            "confidence": round(probability, 4),
            "citations": tuple(citations),
        }
    )


def render_abstention(
    frame: Frame,
    verdict: Verdict,
    nearest: Sequence[Citation],
    templates: Mapping[str, str],
    watch: Stopwatch,
    *,
    named: str | None = None,
) -> Abstention:
    """Return the Reply that says that the documents don't say: what is missing, what was searched,
    and what comes nearest.

    ``named`` says so of the documents that the question names; what comes nearest is then from
    others.
    """
    assert verdict.reason is not None
    lines = [named or templates[verdict.reason]]
    if verdict.missing_terms and verdict.reason != "unclear":
        terms = ", ".join(templates["quoted"].format(quote=term) for term in verdict.missing_terms)
        lines.append(templates["missing"].format(terms=terms))
    if nearest and verdict.reason == "not_stated":
        lines.append(templates["nearest_elsewhere_lead" if named else "nearest_lead"])
    if verdict.reason != "unclear":
        lines.append(
            templates["searched"].format(
                documents=frame.searched.documents, passages=frame.searched.passages
            )
        )
    return Abstention.model_validate(
        {
            **frame.fields([Line(role="template", text=" ".join(lines))], watch),
            "confidence": round(verdict.probability, 4),
            "reason": verdict.reason,
            "missing_terms": verdict.missing_terms,
            "nearest": tuple(nearest),
        }
    )


def render_courtesy(frame: Frame, text: str, watch: Stopwatch) -> Courtesy:
    """Return the Reply to a greeting, thanks, a goodbye, or a question about the program."""
    return Courtesy.model_validate(frame.fields([Line(role="template", text=text)], watch))


_ENTITIES = {"[": "&#91;", "]": "&#93;", "://": "&#58;//", "@": "&#64;"}
_MARKDOWN_SPECIALS = re.compile(r"([\\`*_{}()#+\-.!|~>$])")


def as_text(lines: Sequence[Line]) -> str:
    """Return lines as plain text; a citation mark is ``[1]``."""
    return "\n".join(_plain(line) for line in lines)


def _plain(line: Line) -> str:
    mark = f" {''.join(f'[{number}]' for number in line.numbers)}" if line.numbers else ""
    bullet = "- " if line.role == "item" else ""
    return f"{bullet}{' '.join(line.text.split())}{mark}"


def as_markdown(lines: Sequence[Line]) -> str:
    """Return lines as Markdown in which documents and questions are text and nothing else.

    A citation mark has escaped brackets; a bracket of a document is an entity, ``&#91;``
    or ``&#93;``, so that a face can tell the two apart.
    """
    blocks: list[str] = []
    previous = ""
    for line in lines:
        marks = "".join(f"\\[{number}\\]" for number in line.numbers)
        mark = f" {marks}" if marks else ""
        text = escape(" ".join(line.text.split()))
        if line.role == "item":
            block = f"- {text}{mark}"
        elif line.role == "quote":
            block = f"> {text}{mark}"
        elif line.role == "short":
            block = f"**{text}**{mark}"
        else:
            block = f"{text}{mark}"
        joint = "\n" if line.role == "item" == previous else "\n\n"
        blocks.append(f"{joint}{block}" if blocks else block)
        previous = line.role
    return "".join(blocks)


def escape(text: str) -> str:
    """Return text in which neither HTML nor Markdown has a meaning, that of an address neither.

    Renderers make links of bare addresses (GitHub Flavored Markdown, 6.9) where they find ``://``,
    ``www.`` or ``@`` in the source; the dot is escaped with the other signs.
    """
    escaped = _MARKDOWN_SPECIALS.sub(r"\\\1", html.escape(text, quote=False))
    for sign, entity in _ENTITIES.items():
        escaped = escaped.replace(sign, entity)
    return escaped
