from __future__ import annotations

from app.suggesting import suggest

HEADINGS = [("report", "Bridge"), ("report", "Tunnel"), ("plan", "Ferry"), ("plan", "Museum")]


def suggested(near: list[str], seen: str, unanswered: tuple[str, ...] = ()) -> tuple[str, ...]:
    return suggest(
        HEADINGS,
        near=near,
        seen=seen,
        question="On {}?".format,
        answers=lambda question: question not in unanswered,
    )


def test_the_document_just_cited_comes_first_then_one_of_each_other() -> None:
    assert suggested(["plan"], "") == ("On Ferry?", "On Museum?", "On Bridge?")


def test_what_was_seen_is_not_suggested_again() -> None:
    assert suggested([], "the FERRY and the bridge") == ("On Tunnel?", "On Museum?")


def test_a_question_that_the_program_does_not_answer_is_never_suggested() -> None:
    assert "On Ferry?" not in suggested([], "", unanswered=("On Ferry?",))
