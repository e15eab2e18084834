"""The whole of one question, on the real index, encoder and reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.assistant import Assistant
from app.errors import QuestionRefused
from app.settings import REPOSITORY, Settings
from app.types import REPLY, Reply
from index import build_index

QUESTIONS = REPOSITORY / "tests" / "questions"
HARBOUR = REPOSITORY / "tests" / "collections" / "harbour"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assistant")


def opened(folder: Path, sources: Path, **settings: object) -> Assistant:
    models = Settings().models_folder
    build_index([sources], folder, models)
    return Assistant.open(Settings(index_folder=folder, **settings))  # type: ignore[arg-type]


def told(folder: Path, text: str) -> Assistant:
    """Open an index of one document that says ``text``."""
    source = folder / "told.md"
    source.write_text(text, encoding="utf-8")
    return opened(folder / "index", source)


@pytest.fixture(scope="module")
def briefing(folder: Path) -> Assistant:
    return opened(folder / "briefing", REPOSITORY / "docs" / "sources")


@pytest.fixture(scope="module")
def harbour(folder: Path) -> Assistant:
    return opened(folder / "harbour", HARBOUR)


def questions(name: str) -> Iterator[tuple[str, list[str]]]:
    for line in (QUESTIONS / name).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["question"], row["history"]


def kept_law(assistant: Assistant, reply: Reply) -> None:
    for citation in (*reply.citations, *reply.nearest):
        text = assistant.retriever.document(citation.document_id).text
        assert text[citation.start : citation.end] == citation.quote
    if reply.short_answer is not None:
        assert any(reply.short_answer in citation.quote for citation in reply.citations)


@pytest.mark.parametrize("name", ["briefing", "harbour"])
def test_every_citation_of_every_reply_is_the_documents_own_text(
    name: str, request: pytest.FixtureRequest
) -> None:
    assistant: Assistant = request.getfixturevalue(name)
    for question, history in list(questions(f"{name}.jsonl"))[::3]:
        reply = assistant.ask(question, history=history)
        kept_law(assistant, reply)
        limit = 1_800 if len(reply.citations) > 1 or "\n- " in reply.text else 900
        assert len(reply.text) <= limit
        assert REPLY.validate_json(reply.model_dump_json()) == reply


def test_a_fact_is_answered_short_with_its_sentence(briefing: Assistant) -> None:
    reply = briefing.ask("How many projects did the 2020-2025 strategy deliver?")
    assert reply.kind == "answer"
    assert reply.short_answer is not None
    assert "14" in reply.short_answer
    assert reply.citations[0].path == "results-2020-2025.md"


def test_what_the_documents_do_not_mention_is_named(briefing: Assistant) -> None:
    reply = briefing.ask("How many projects did the strategy deliver in Portugal?")
    assert reply.kind == "abstention"
    assert "Portugal" in reply.missing_terms
    assert reply.nearest
    assert reply.searched.documents == 4


def test_what_is_missing_of_a_question_in_another_language_is_named(briefing: Assistant) -> None:
    reply = briefing.ask("Сколько жирафов живёт в зоопарке?")
    assert reply.kind == "abstention"
    assert "зоопарке" in reply.missing_terms


def test_an_answer_in_russian_quotes_the_english_document(briefing: Assistant) -> None:
    reply = briefing.ask("Кто такой Серик Жумангарин?")
    assert reply.language == "ru"
    assert reply.kind == "answer"
    assert "Deputy Prime Minister" in reply.citations[0].quote


def test_both_sides_of_a_comparison_are_found_in_another_language(harbour: Assistant) -> None:
    reply = harbour.ask("Что длиннее, мост или туннель?")
    assert reply.kind == "answer"
    quotes = " ".join(one.quote for one in reply.citations)
    assert "1,240 metres" in quotes
    assert "2,870 metres" in quotes


def test_a_courtesy_tells_what_the_collection_holds(briefing: Assistant) -> None:
    reply = briefing.ask("What can you do?")
    assert reply.kind == "courtesy"
    assert "4 documents" in reply.text


def test_a_restricted_question_cites_only_the_documents_chosen(harbour: Assistant) -> None:
    chosen = harbour.retriever.documents()[0].document_id
    reply = harbour.ask("Tell me about the harbour", documents=[chosen])
    assert {one.document_id for one in (*reply.citations, *reply.nearest)} <= {chosen}
    assert reply.searched.documents == 1


def test_an_unknown_document_is_refused(briefing: Assistant) -> None:
    with pytest.raises(QuestionRefused) as refused:
        briefing.ask("Anything?", documents=["no-such-document"])
    assert refused.value.code == "unknown_document"


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_every_starter_and_suggestion_is_answered_when_it_is_asked(
    briefing: Assistant, language: str
) -> None:
    starters = briefing.starters(language)  # type: ignore[arg-type]
    assert 1 <= len(starters) <= 3
    for starter in starters:
        reply = briefing.ask(starter, language=language)  # type: ignore[arg-type]
        assert reply.kind == "answer"
        for suggestion in reply.suggestions:
            again = briefing.ask(suggestion, language=language)  # type: ignore[arg-type]
            assert again.kind == "answer"


def test_the_answer_id_tells_whether_it_is_the_same_question_of_the_same_index(
    briefing: Assistant,
) -> None:
    one, other = (briefing.ask("How many projects were delivered?") for _ in range(2))
    assert one.answer_id == other.answer_id
    assert one.id != other.id
    assert briefing.ask("Who is Andrei Mikhnev?").answer_id != one.answer_id


def test_a_stricter_risk_never_answers_more(folder: Path, briefing: Assistant) -> None:
    strict = opened(folder / "briefing", REPOSITORY / "docs" / "sources", answer_risk=0.01)
    for question, history in list(questions("briefing.jsonl"))[::12]:
        if strict.ask(question, history=history).kind == "answer":
            assert briefing.ask(question, history=history).kind == "answer"


def test_a_source_that_changed_or_vanished_since_is_said_so(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    note = sources / "note.md"
    note.write_text("# Bridge\n\nThe bridge is 763 metres long.\n", encoding="utf-8")
    assistant = opened(tmp_path / "index", sources)
    question = "Tell me about the bridge"
    assert assistant.ask(question).citations[0].source_state == "unchanged"
    note.write_text("# Bridge\n\nThe bridge is 800 metres long.\n", encoding="utf-8")
    changed = assistant.ask(question)
    assert changed.citations[0].source_state == "changed"
    assert "changed since" in changed.text
    note.unlink()
    assert assistant.ask(question).citations[0].source_state == "missing"


def test_markup_in_a_document_reaches_the_markdown_only_escaped(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    hostile = "The bridge <img src=x onerror=alert(1)> is ![long](http://example.org/a.png) [1]."
    (sources / "note.txt").write_text(f"Bridge\n\n{hostile}\n", encoding="utf-8")
    reply = opened(tmp_path / "index", sources).ask("Tell me about the bridge")
    assert reply.kind == "answer"
    assert "<img" not in reply.markdown
    assert "](" not in reply.markdown
    assert any(hostile in citation.quote for citation in reply.citations)


def test_without_turns_of_history_a_follow_up_stands_alone(folder: Path) -> None:
    assistant = opened(folder / "briefing", REPOSITORY / "docs" / "sources", history_turns_max=0)
    reply = assistant.ask("And Mikhnev?", history=["Who is Serik Zhumangarin?"])
    assert reply.standalone_question == "And Mikhnev?"


def test_a_pronoun_is_resolved_by_the_answer_to_the_question_before(briefing: Assistant) -> None:
    reply = briefing.ask(
        "What is his position?", history=["According to whom were transport costs reduced?"]
    )
    assert "World Bank Country Manager" in reply.text


def test_a_follow_up_is_put_together_in_the_way_that_finds_an_answer(harbour: Assistant) -> None:
    reply = harbour.ask("And the year before?", history=["What is the harbour budget for 2025?"])
    assert reply.standalone_question == "What is the harbour budget for 2024?"
    assert reply.kind == "answer"
    assert "16.9 million" in reply.citations[0].quote


def test_a_follow_up_about_another_thing_never_gives_the_earlier_answer_again(
    harbour: Assistant,
) -> None:
    earlier = "How many passengers used the ferries in 2024?"
    assert harbour.ask(earlier).short_answer == "455,000"
    assert harbour.ask("And in 2015?", history=[earlier]).kind == "abstention"


def test_a_follow_up_whose_best_evidence_was_quoted_already_is_answered_by_the_next(
    briefing: Assistant,
) -> None:
    earlier = "What was the purpose of the meeting on February 12?"
    assert "to review the draft strategy" in briefing.ask(earlier).text
    reply = briefing.ask("And what else was reviewed at that meeting?", history=[earlier])
    assert any("results of the 2020–2025 cooperation" in one.quote for one in reply.citations)


def test_why_it_is_so_is_told_by_the_sentence_that_said_so(tmp_path: Path) -> None:
    assistant = told(
        tmp_path,
        "# The pool\n\nThe pool of Lowick was closed on 3 May 2024 because its roof had rusted.\n",
    )
    earlier = "When was the pool of Lowick closed?"
    reply = assistant.ask("And why was that done?", history=[earlier])
    assert "because its roof had rusted" in reply.text


def test_what_was_shown_answers_what_goes_on_about_it(tmp_path: Path) -> None:
    assistant = told(
        tmp_path,
        "# Water meters\n\nMeters have been put on 410 outlets of Lowick, and the remaining 95 "
        "will get theirs in May 2027.\n",
    )
    earlier = "On how many outlets of Lowick have meters been put?"
    reply = assistant.ask("when comes the rest", history=[earlier])
    assert reply.short_answer is not None
    assert "May 2027" in reply.short_answer


def test_the_next_evidence_with_the_new_word_answers_a_follow_up(tmp_path: Path) -> None:
    assistant = told(
        tmp_path,
        "# The partnership\n\nQuayside Freight was the last company to join the partnership, in "
        "May 2024. Another company, Tessel Energy, left the partnership in 2023 after a quarrel.\n",
    )
    earlier = "Which company was the last to join the partnership?"
    reply = assistant.ask("who left?", history=[earlier])
    assert reply.short_answer is not None
    assert "Tessel Energy" in reply.short_answer


def test_which_ones_is_not_answered_with_how_many_again(tmp_path: Path) -> None:
    assistant = told(
        tmp_path,
        "# The bank\n\nThe Arlen Bank was founded in 1974 by nine countries. It is based in "
        "Lindmar and has 640 employees.\n",
    )
    reply = assistant.ask("which ones?", history=["How many countries founded the Arlen Bank?"])
    assert reply.kind == "abstention"


def test_a_follow_up_is_not_answered_with_what_the_question_before_names(tmp_path: Path) -> None:
    assistant = told(
        tmp_path,
        "# Tenders\n\nOne firm, Brackwater Builders, was barred for three years for having "
        "submitted forged guarantees.\n",
    )
    earlier = "Why was Brackwater Builders barred?"
    reply = assistant.ask("For which contract were those guarantees?", history=[earlier])
    assert reply.short_answer != "Brackwater Builders"


def test_what_a_question_sets_aside_is_not_its_answer(briefing: Assistant) -> None:
    reply = briefing.ask("What else did the February 12 meeting review besides the draft strategy?")
    assert reply.short_answer is not None
    assert "strategy" not in reply.short_answer
    assert reply.standalone_question == reply.question


def test_of_two_sides_in_one_sentence_neither_figure_is_given_as_the_verdict(
    briefing: Assistant,
) -> None:
    reply = briefing.ask("Что сократилось больше: время в пути или транспортные расходы?")
    assert reply.kind == "answer"
    assert reply.short_answer is None
    assert "two-thirds" in reply.citations[0].quote


def test_a_list_whose_lead_has_every_word_of_a_question_is_its_answer(
    tmp_path: Path,
) -> None:
    source = tmp_path / "work.md"
    source.write_text(
        "# Work\n\nFrom June a free bus will take the workers to the orchards.\n\n"
        "Workers are given free of charge:\n\n- gloves\n- a raincoat\n- drinking water\n",
        encoding="utf-8",
    )
    reply = opened(tmp_path / "index", source).ask("What are the workers given free of charge?")
    assert "raincoat" in reply.text


def test_documents_in_other_languages_are_read_where_those_in_the_own_dont_answer(
    harbour: Assistant,
) -> None:
    reply = harbour.ask("When was the shipyard founded?")
    languages = harbour.opened.collection.languages
    shown = reply.citations or reply.nearest
    assert any(languages[one.document_id] == "ru" for one in shown)


def test_a_question_after_another_is_answered_as_it_stands(briefing: Assistant) -> None:
    alone = briefing.ask("How many startups were there?")
    after = briefing.ask("How many startups?", history=["Who is Andrei Mikhnev?"])
    assert after.kind == alone.kind == "answer"
    assert after.short_answer == alone.short_answer == "175"


def test_earlier_turns_that_ask_nothing_spoil_no_question(briefing: Assistant) -> None:
    earlier = ["Who is Andrei Mikhnev?", "Thanks!", "??", "x" * 600]
    assert briefing.ask("What is his job?", history=earlier).kind == "answer"


def test_suggestions_are_answered_by_the_documents_that_were_chosen(briefing: Assistant) -> None:
    chosen = [briefing.retriever.documents()[-1].document_id]
    reply = briefing.ask("Who approves the draft framework?", documents=chosen)
    for suggestion in reply.suggestions:
        assert briefing.ask(suggestion, documents=chosen).kind == "answer"


@pytest.mark.parametrize(
    "question", ["Who is the Finance Minister?", "Who is the Energy Minister?"]
)
def test_whoever_is_asked_for_by_a_name_needs_its_words_together(
    briefing: Assistant, question: str
) -> None:
    assert briefing.ask(question).kind == "abstention"


@pytest.mark.parametrize(
    "question", ["Give me a summary of the briefing.", "Summarise the report.", "О чём документы?"]
)
def test_a_summary_of_the_documents_is_of_all_of_them(briefing: Assistant, question: str) -> None:
    reply = briefing.ask(question)
    assert reply.kind == "answer"
    assert len({one.document_id for one in reply.citations}) >= 3


def test_two_questions_asked_together_are_both_answered(briefing: Assistant) -> None:
    reply = briefing.ask("How many kilometers of canals were modernized, and who is Mikhnev?")
    kept_law(briefing, reply)
    assert reply.kind == "answer"
    assert [one.number for one in reply.citations] == [1, 2]
    assert "763 kilometers" in reply.citations[0].quote
    assert "World Bank Country Manager" in reply.citations[1].quote


def test_of_two_questions_the_one_without_an_answer_is_said_to_have_none(
    briefing: Assistant,
) -> None:
    reply = briefing.ask("Who is Mikhnev? And who painted the Mona Lisa?")
    assert reply.kind == "answer"
    assert "On “And who painted the Mona Lisa?” the documents don't say." in reply.text


def test_a_later_question_may_be_about_what_the_one_before_asked_about(
    briefing: Assistant,
) -> None:
    reply = briefing.ask("Who is Serik Zhumangarin and when did he meet the World Bank?")
    assert reply.kind == "answer"
    assert any("Minister of National Economy" in one.quote for one in reply.citations)
    assert any("February 12" in one.quote for one in reply.citations)


def test_of_two_questions_without_an_answer_the_nearest_passages_are_shown(
    briefing: Assistant,
) -> None:
    reply = briefing.ask("Who painted the Mona Lisa and where was the painter born?")
    assert reply.kind == "abstention"
    assert reply.nearest


def test_what_is_asked_together_keeps_to_the_limit_of_a_long_answer(briefing: Assistant) -> None:
    reply = briefing.ask(
        "What are the key figures? What are the main results? What are the main achievements?"
    )
    kept_law(briefing, reply)
    assert reply.kind == "answer"
    assert len(reply.text) <= 1_800
    for citation in reply.citations:
        assert f"[{citation.number}]" in reply.text


def test_a_follow_up_may_ask_two_things(harbour: Assistant) -> None:
    reply = harbour.ask(
        "When did the tunnel open and what did it cost?",
        history=["How long is the Gannet Bridge?"],
    )
    assert reply.kind == "answer"
    assert "June 2, 2009" in reply.text
