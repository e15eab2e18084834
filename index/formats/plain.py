"""Plain text and Markdown: the decoded file, character for character, whatever it is encoded in."""

from __future__ import annotations

import datetime
import re
from typing import Any

from index.blocks import TextFormat, blocks_of
from index.errors import UnreadableDocument
from index.manuscript import Draft, Facts

DAMAGED_SHARE = 0.02
"""UTF-8 with fewer broken characters than this share of its non-ASCII ones is called damaged."""

CONTROLS_SHARE_MAX = 0.01
"""A text with more control characters than this share is no text."""

SAMPLE_BYTES = 20_000
CYRILLIC_ENCODINGS = (
    "cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic", "kz1048", "ptcp154",
)  # fmt: skip
REGULAR_WORDS_MIN = 0.95
FREQUENT_LETTERS_MIN = 0.5
"""What text in the right one of these has: words of Cyrillic letters with a capital at the front or
throughout, and at least half of its letters among the fifteen most frequent. The wrong ones turn
small letters into capitals or other alphabets. (``charset-normalizer`` takes short KOI8-R for Thai
or Japanese.)
"""

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_WORD = re.compile(r"[^\W\d_]+")
_SMALL, _LARGE = "[а-яёәіңғүұқөһ]", "[А-ЯЁӘІҢҒҮҰҚӨҺ]"
_REGULAR_WORD = re.compile(f"{_LARGE}?{_SMALL}+|{_LARGE}+")
_FREQUENT = frozenset("оеаинтсрвлкмдпуыі")


def read_plain(data: bytes, text_format: TextFormat) -> Draft:
    """Read a text file; front matter stays in the text, and its facts are taken from it."""
    text = decode(data)
    blocks = blocks_of(text, text_format)
    if blocks and blocks[0].kind == "front_matter":
        return Draft(text, blocks, _front_matter(text[blocks[0].start : blocks[0].end]))
    return Draft(text, blocks)


def decode(data: bytes) -> str:
    """Decode a text file: UTF-8 first, a byte order mark dropped, else what the bytes look like."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise _damaged(encoding, error) from error
    if b"\x00" in data:
        text = _without_mark(data)
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            lenient = data.decode("utf-8", "replace")
            foreign = sum(character > "\x7f" for character in lenient)
            if lenient.count("\ufffd") <= DAMAGED_SHARE * foreign:
                raise _damaged("utf-8", error) from error
            text = _guess(data)
    controls = sum(character < " " and character not in "\t\n\r\f\v\x1b" for character in text)
    if controls > CONTROLS_SHARE_MAX * len(text):
        raise _not_text()
    return text


def _damaged(encoding: str, error: UnicodeDecodeError) -> UnreadableDocument:
    return UnreadableDocument(
        "damaged",
        f"the file is not whole: it stops being {encoding} at byte {error.start}; "
        "get a whole copy of it",
    )


def _not_text() -> UnreadableDocument:
    return UnreadableDocument(
        "not_text",
        "the file holds bytes that are no text; give it the ending of what it is, or remove it",
    )


def _without_mark(data: bytes) -> str:
    """Decode UTF-16 that has no byte order mark: Latin or Cyrillic letters, or it is no text."""
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        known = sum("\t" <= character < "\u0530" or "\u2010" <= character <= "\u2122"
                    for character in text)  # fmt: skip
        if known >= REGULAR_WORDS_MIN * len(text):
            return text
    raise _not_text()


def _guess(data: bytes) -> str:
    encoding = _cyrillic_encoding(data[:SAMPLE_BYTES])
    if encoding is not None:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass  # one of the bytes below the sample has no letter there
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise UnreadableDocument(
            "not_text",
            "the file is in no encoding that could be recognised; save it as UTF-8",
        )
    return data.decode(best.encoding)


def _cyrillic_encoding(sample: bytes) -> str | None:
    """Return the Cyrillic encoding in which a sample reads as words, None where there is none."""
    best: tuple[float, str] | None = None
    for encoding in CYRILLIC_ENCODINGS:
        words = [
            word for word in _WORD.findall(sample.decode(encoding, "replace")) if not word.isascii()
        ]
        if not words:
            return None
        regular = sum(bool(_REGULAR_WORD.fullmatch(word)) for word in words) / len(words)
        letters = "".join(words).lower()
        frequent = sum(letter in _FREQUENT for letter in letters) / len(letters)
        if (
            regular >= REGULAR_WORDS_MIN
            and frequent >= FREQUENT_LETTERS_MIN
            and (best is None or frequent + regular > best[0])
        ):
            best = (frequent + regular, encoding)
    return best[1] if best else None


def _front_matter(text: str) -> Facts:
    """Read the facts of a front matter; one that is not YAML is read line by line."""
    import yaml

    inner = "\n".join(text.splitlines()[1:-1])
    try:
        stated: Any = yaml.safe_load(inner)
    except (yaml.YAMLError, ValueError, RecursionError):
        stated = None
    if not isinstance(stated, dict):
        stated = dict(
            line.split(":", 1) for line in inner.splitlines() if ":" in line and line[0].isalpha()
        )
    facts = {str(key).strip().lower(): value for key, value in stated.items()}
    return Facts(
        title=_fact(facts.get("title")),
        date=_fact(facts.get("date")),
        language=_fact(facts.get("language") or facts.get("lang")),
    )


def _fact(value: Any) -> str | None:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return " ".join(str(value).split()).strip("\"'") or None
    return None
