"""Whatever is written, each word is in one block, blocks are in order, places differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from index.manuscript import Facts, Manuscript

Step: TypeAlias = Callable[[Manuscript], None]

WORDS = st.text(alphabet="aЯ1 .|#-\n\t;:\u00a0", max_size=12)
LINES = st.lists(WORDS.map(lambda words: words.replace("\n", " ") + "x"), min_size=1, max_size=4)


def go_on(lines: list[str]) -> Step:
    def step(manuscript: Manuscript) -> None:
        manuscript.printed("paragraph", ["Begun"], [True])
        manuscript.go_on(lines, [True] * len(lines))

    return step


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda words, level: lambda m: m.heading(words, level), WORDS, st.integers(0, 9)),
    st.builds(lambda words: lambda m: m.paragraph(words), WORDS),
    st.builds(lambda words: lambda m: m.item(words, "1. "), WORDS),
    st.builds(lambda words: lambda m: m.code(words), WORDS),
    st.builds(lambda words: lambda m: m.plain(words), WORDS),
    st.builds(lambda cells: lambda m: m.record(cells), LINES),
    st.builds(
        lambda rows, header: lambda m: m.table(rows, has_header=header),
        st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=3),
        st.booleans(),
    ),
    st.builds(lambda lines: lambda m: m.printed("item", lines, [True] * len(lines)), LINES),
    st.builds(go_on, LINES),
    st.builds(lambda row: lambda m: m.stand_at(row=row), st.integers(1, 99)),
)


@given(st.lists(STEPS, max_size=12))
def test_each_word_is_in_one_block_and_blocks_are_in_order(steps: list[Step]) -> None:
    manuscript = Manuscript()
    for step in steps:
        step(manuscript)
    draft = manuscript.draft(Facts())
    end = 0
    between = ""
    for block in draft.blocks:
        assert end <= block.start <= block.content_start <= block.end <= len(draft.text)
        assert all(block.start <= place <= block.end for place in block.breaks)
        assert any(character.isalnum() for character in draft.text[block.start : block.end])
        between += draft.text[end : block.start]
        end = block.end
    assert not any(character.isalnum() for character in between + draft.text[end:])
    starts = [place.start for place in draft.places]
    assert starts == sorted(set(starts))
