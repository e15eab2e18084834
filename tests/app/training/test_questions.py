from __future__ import annotations

from app.training.questions import Span, preferred_answer


def test_the_answer_that_most_people_gave_is_learned() -> None:
    clause, name = Span("Anna Reed opened the port", 0), Span("Anna Reed", 0)
    assert preferred_answer((clause, name, name)) == name
    assert preferred_answer((clause, name)) == name
