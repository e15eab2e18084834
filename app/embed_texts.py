"""What the widget and the page for site owners say beside what the chat says as well."""

from __future__ import annotations

from index import Frozen


class WidgetErrors(Frozen):
    """Why there is no answer, by the error's code; what to do about it is on the button beside."""

    busy: str
    failed: str
    offline: str
    unreachable: str
    too_many_questions: str
    not_allowed: str
    question_too_long: str


class WidgetTexts(Frozen):
    """What only the widget says."""

    searching: str
    full_chat: str
    errors: WidgetErrors


class EmbedTexts(Frozen):
    """What the page for site owners says; braces are filled by its script."""

    heading: str
    lead: str
    kind: str
    bubble: str
    inline: str
    frame: str
    language: str
    language_of_page: str
    theme: str
    theme_auto: str
    theme_light: str
    theme_dark: str
    own_accent: str
    position: str
    bottom_right: str
    bottom_left: str
    top_right: str
    top_left: str
    title: str
    title_hint: str
    greeting: str
    questions: str
    questions_hint: str
    documents: str
    documents_hint: str
    site: str
    site_hint: str
    site_same: str
    site_allowed: str
    site_not_allowed: str
    site_unreadable: str
    origin_note: str
    local_note: str
    preview: str
    preview_bubble: str
    code: str
    copy_code: str
    policy: str
