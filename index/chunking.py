"""A document in, passages out: whole sentences under one heading, about 110 tokens long.

A table row is a passage of its own that carries its header row (one of long texts is parted
between its cells), a list stays with the sentence that introduces it, a heading alone is never a
passage. Every letter and digit outside headings, front matter, comments and table headers lies in
exactly one passage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from index.sentences import split_sentences
from index.types import Block, Document, Passage, Sentence

TokenCounter: TypeAlias = Callable[[Sequence[str]], tuple[int, ...]]

PASSAGE_TOKENS_MAX = 110
"""Only a single sentence, a table row or a list's lead-in with its first item may be longer."""


class _Unit(NamedTuple):
    """Sentences that must stay together."""

    start: int
    end: int
    sentences: tuple[Sentence, ...]
    tokens: int
    is_list: bool = False


class _Paragraph(NamedTuple):
    """Units that should stay together while they fit."""

    units: tuple[_Unit, ...]
    lead_in: str = ""


def chunk(
    document: Document, count_tokens: TokenCounter, *, first_id: int = 0
) -> tuple[Passage, ...]:
    """Return the passages of a document; ``passage_id`` counts up from ``first_id``."""
    passages: list[Passage] = []

    def add(
        sentences_: Sequence[Sentence],
        start: int,
        end: int,
        path: tuple[str, ...],
        *,
        is_list: bool = False,
        header: str | None = None,
        lead_in: str = "",
    ) -> None:
        passages.append(
            Passage(
                passage_id=first_id + len(passages),
                document_id=document.document_id,
                start=start,
                end=end,
                text=document.text[start:end],
                heading_path=path,
                kind="table" if header is not None else "list" if is_list else "prose",
                table_header=header or "",
                lead_in=lead_in,
                sentences=tuple(sentences_),
            )
        )

    for path, blocks in _under_headings(document):
        for run in _runs(blocks):
            if run[0].kind in ("row", "header"):
                header = next((b for b in run if b.kind == "header"), None)
                words = document.text[header.start : header.end] if header else ""
                for row in (block for block in run if block.kind == "row"):
                    parts = _row_parts(document.text, row, count_tokens)
                    for number, part in enumerate(parts):
                        above = document.text[row.start : row.breaks[0]] if number else ""
                        start, end = part[0].start, part[-1].end
                        add(part, start, end, path, header=words, lead_in=above.strip(" ;"))
                continue
            for units, lead_in in _packed(_paragraphs(document.text, run, count_tokens)):
                add(
                    [sentence for unit in units for sentence in unit.sentences],
                    units[0].start,
                    units[-1].end,
                    path,
                    is_list=any(unit.is_list for unit in units),
                    lead_in=lead_in,
                )
    return tuple(passages)


def embedded_text(document: Document, passage: Passage) -> str:
    """Return what the encoder and the sparse index see of a passage: where it stands, then it."""
    above = [" > ".join(passage.heading_path) or document.title, passage.table_header]
    return "\n".join(part for part in (*above, passage.lead_in, passage.text) if part)


def _under_headings(document: Document) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """Yield the title and headings above each run of blocks, and the run."""
    path: list[Block] = []
    blocks: list[Block] = []
    for block in document.blocks:
        if block.kind == "heading":
            yield _titled(document.title, path), blocks
            path = [above for above in path if above.level < block.level] + [block]
            blocks = []
        elif block.kind not in ("front_matter", "comment"):
            blocks.append(block)
    yield _titled(document.title, path), blocks


def _titled(title: str, path: Sequence[Block]) -> tuple[str, ...]:
    labels = [block.label for block in path if block.label]
    if labels and labels[0] == title:
        return tuple(labels)
    return (title, *labels)


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Part the lines of each table from the blocks around it."""
    run: list[Block] = []
    for block in blocks:
        in_table = block.kind in ("row", "header")
        was_table = bool(run) and run[0].kind in ("row", "header")
        if run and (in_table != was_table or (in_table and block.group != run[0].group)):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _row_parts(text: str, row: Block, count_tokens: TokenCounter) -> list[list[Sentence]]:
    """Return a row's one sentence, which is the row; of a long one that may be parted its cells,
    those of them that are long by their sentences, put together while they fit.
    """
    whole = Sentence(start=row.start, end=row.end)
    if not row.breaks or count_tokens([text[row.start : row.end]])[0] <= PASSAGE_TOKENS_MAX:
        return [[whole]]
    sentences = list(split_sentences(text, row.start, row.end, breaks=row.breaks))
    lengths = count_tokens([text[s.start : s.end] for s in sentences])
    parts: list[list[Sentence]] = []
    held = 0
    for sentence, length in zip(sentences, lengths, strict=True):
        if not parts or held + length > PASSAGE_TOKENS_MAX:
            parts.append([])
            held = 0
        parts[-1].append(sentence)
        held += length
    return parts


def _paragraphs(text: str, blocks: Sequence[Block], count_tokens: TokenCounter) -> list[_Paragraph]:
    """Return the blocks' sentences with their lengths; a list is put with its lead-in sentence."""
    split = [
        tuple(split_sentences(text, block.content_start, block.end, breaks=block.breaks))
        for block in blocks
    ]
    lengths = iter(count_tokens([text[s.start : s.end] for part in split for s in part]))
    paragraphs: list[_Paragraph] = []
    group = 0
    for block, part in zip(blocks, split, strict=True):
        is_item = block.kind == "item"
        units = [
            _Unit(
                block.start if number == 0 else sentence.start,
                block.end if number == len(part) - 1 else sentence.end,
                (sentence,),
                next(lengths),
                is_item,
            )
            for number, sentence in enumerate(part)
        ]
        if not units:
            continue
        if is_item and group and block.group == group:
            last = paragraphs[-1]
            paragraphs[-1] = last._replace(units=(*last.units, *units))
        elif is_item and paragraphs and not paragraphs[-1].units[-1].is_list:
            *others, lead = paragraphs[-1].units
            paragraphs.pop()
            if others:
                paragraphs.append(_Paragraph(tuple(others)))
            together = _Unit(
                lead.start,
                units[0].end,
                (*lead.sentences, *units[0].sentences),
                lead.tokens + units[0].tokens,
                is_list=True,
            )
            words = text[lead.sentences[-1].start : lead.sentences[-1].end]
            paragraphs.append(_Paragraph((together, *units[1:]), words))
        else:
            paragraphs.append(_Paragraph(tuple(units)))
        group = block.group if is_item else 0
    return paragraphs


def _packed(paragraphs: Sequence[_Paragraph]) -> Iterator[tuple[list[_Unit], str]]:
    """Yield the units of each passage, and the lead-in of a list that began in an earlier one.

    A paragraph that fits into a passage isn't parted; a longer one is parted evenly.
    """
    held: list[_Unit] = []
    held_tokens = 0
    for paragraph in paragraphs:
        tokens = sum(unit.tokens for unit in paragraph.units)
        if held and held_tokens + tokens > PASSAGE_TOKENS_MAX:
            yield held, ""
            held, held_tokens = [], 0
        if tokens <= PASSAGE_TOKENS_MAX:
            held.extend(paragraph.units)
            held_tokens += tokens
            continue
        aim = tokens / -(-tokens // PASSAGE_TOKENS_MAX)
        is_first = True
        for unit in paragraph.units:
            over = held_tokens + unit.tokens > PASSAGE_TOKENS_MAX
            if held and (over or held_tokens + unit.tokens / 2 > aim):
                yield held, "" if is_first else paragraph.lead_in
                held, held_tokens, is_first = [], 0, False
            held.append(unit)
            held_tokens += unit.tokens
        if held and not is_first and paragraph.lead_in:
            yield held, paragraph.lead_in
            held, held_tokens = [], 0
    if held:
        yield held, ""
