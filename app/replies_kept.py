"""Replies to the last turns of all conversations: each further turn asks for the one before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from app.types import Language, Reply

REPLIES_KEPT: Final = 256


class RepliesKept:
    """Replies by all the turns of a conversation and what it is restricted to; the least lately
    used are forgotten. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._replies: OrderedDict[tuple[object, ...], Reply] = OrderedDict()
        self._lock = Lock()

    def keep(
        self,
        turns: Sequence[str],
        language: Language | None,
        documents: Sequence[str] | None,
        reply: Reply,
    ) -> None:
        """Keep the reply to the last of some turns."""
        key = _key(turns, language, documents)
        with self._lock:
            self._replies[key] = reply
            self._replies.move_to_end(key)
            if len(self._replies) > REPLIES_KEPT:
                self._replies.popitem(last=False)

    def find(
        self, turns: Sequence[str], language: Language | None, documents: Sequence[str] | None
    ) -> Reply | None:
        """Return the reply to the last of some turns, if it is kept."""
        key = _key(turns, language, documents)
        with self._lock:
            if key in self._replies:
                self._replies.move_to_end(key)
            return self._replies.get(key)


def _key(
    turns: Sequence[str], language: Language | None, documents: Sequence[str] | None
) -> tuple[object, ...]:
    among = None if documents is None else tuple(sorted(set(documents)))
    return (*turns, language, among)
