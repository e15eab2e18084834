"""E-mail: the message with its subject and who wrote when, and its attachments by name."""

from __future__ import annotations

import email.policy
from contextlib import suppress
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from index.errors import UnreadableDocument
from index.formats.page import decode_page, parse_page, write_page
from index.formats.plain import decode
from index.manuscript import Draft, Facts, Manuscript, in_one_line

SHOWN_HEADERS = ("From", "To", "Cc", "Date")


class Attachment(NamedTuple):
    """A file that came with a message."""

    name: str
    data: bytes


def read_mail(data: bytes) -> tuple[Draft, tuple[Attachment, ...]]:
    """Return a message's text and its attachments."""
    message = BytesParser(policy=email.policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    if not message.keys() or not (
        {"from", "subject", "date", "received"} & set(map(str.lower, message))
    ):
        raise UnreadableDocument(
            "wrong_type",
            "the file doesn't begin as a message does; save it as .eml, or name it .txt",
        )
    subject = _header(message, "Subject")
    manuscript = Manuscript()
    manuscript.heading(subject, 1)
    shown = [f"{name}: {_header(message, name)}" for name in SHOWN_HEADERS if message[name]]
    manuscript.printed("paragraph", shown, [True] * len(shown))
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None:
        content = body.get_payload(decode=True)
        assert isinstance(content, bytes)
        if body.get_content_type() == "text/html":
            tree = parse_page(_decoded(body, content) or decode_page(content))
            if tree.body is not None:
                write_page(tree.body, manuscript)
        elif content.strip():
            manuscript.plain((_decoded(body, content) or decode(content)).replace("\r\n", "\n"))
    return manuscript.draft(Facts(title=subject or None, date=_date(message))), _attachments(
        message
    )


def _header(message: EmailMessage, name: str) -> str:
    """Return a header; one in the bytes of an old encoding, against the standard, is made out."""
    raw = next(
        (str(value) for key, value in message.raw_items() if key.lower() == name.lower()), ""
    )
    written = raw.encode(errors="surrogateescape")
    try:
        written.decode()
    except UnicodeDecodeError:
        with suppress(UnreadableDocument):
            return in_one_line(decode(written))
    return in_one_line(str(message[name] or ""))


def _date(message: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(str(message["Date"])).date().isoformat()
    except (TypeError, ValueError):
        return None


def _decoded(part: Message, content: bytes) -> str | None:
    """Decode a part as it states; None where it states nothing, or what it isn't in."""
    charset = part.get_content_charset()
    try:
        return content.decode(charset) if charset else None
    except (LookupError, UnicodeDecodeError):
        return None


def _attachments(message: EmailMessage) -> tuple[Attachment, ...]:
    """Return the attachments, those that came without a name called by their number."""
    found = []
    for number, part in enumerate(message.iter_attachments(), start=1):
        name = in_one_line((part.get_filename() or "").replace("\\", "/").rpartition("/")[2])
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            inner = inner[0] if isinstance(inner, list) else inner
            data = inner.as_bytes() if isinstance(inner, EmailMessage) else b""
            found.append(Attachment(name or f"message {number}.eml", data))
        else:
            payload = part.get_payload(decode=True)
            data = payload if isinstance(payload, bytes) else b""
            found.append(Attachment(name or f"attachment {number}", data))
    return tuple(found)
