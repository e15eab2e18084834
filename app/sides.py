"""The two sides of a comparison, read off the word that joins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from app.lexicon import Lexicon
from app.types import Term
from index import Word, words

Sides: TypeAlias = tuple[tuple[Term, ...], tuple[Term, ...]]


class _Joint(NamedTuple):
    """Where a joint stands, and the places of the words on either side, those beside it first."""

    at: int
    left: tuple[int, ...]
    right: tuple[int, ...]


def two_sides(question: str, terms: Sequence[Term], lists: Lexicon) -> Sides | None:
    """Return the terms of the two things that a question compares, each without what both have
    ("an adult ticket and a family ticket"), or None where no word joins two.

    Each side is the run of words with a meaning beside the joint, small words between them and it
    left aside; a name goes on over small words ("the Ministry of Trade and Integration"). Of
    several joints the first that says most is taken ("or" before "and"; "with" before both where
    something is compared "with" it), of those alike the one whose sides share a word. The first
    thing that a question names stands before "than".
    """
    text = _Text(question, terms, lists)
    for joints in _in_order(text, lists):
        found = [joint for at in text.places(joints) if (joint := text.joint(at)) is not None]
        found.sort(key=lambda joint: not text.shared(joint))
        if found:
            return text.sides(found[0])
    return None


def asks_which(question: str, terms: Sequence[Term], lists: Lexicon) -> bool:
    """Say whether a question asks which of two things is more so ("Is the bridge or the tunnel
    longer?"), without a word that says that it compares.

    Its comparative says how they differ, not which are meant ("larger loans or grants") nor from
    how much on ("longer than 12 metres").
    """
    text = _Text(question, terms, lists)
    for at in text.places(lists.side_joints[0]):
        joint = text.joint(at)
        if joint is None or text.is_comparative(at + 1) or text.is_number(at + 1):
            continue
        if text.folded[at] in lists.than:
            if any(text.is_comparative(place) for place in range(max(0, at - 3), at)):
                return True
        elif not text.is_comparative(at - 1) and any(
            text.is_comparative(place)
            and not text.is_threshold(place)
            and not text.tells_which(place, joint)
            for place in range(len(text.found))
        ):
            return True
    return False


def _in_order(text: _Text, lists: Lexicon) -> list[frozenset[str]]:
    first, *others = lists.side_joints
    if any(lists.compares.fullmatch(word) for word in text.folded):
        others = [*others[1:], *others[:1]]
    return [first, *others]


class _Text:
    """A question's words, and which of them carry a term."""

    def __init__(self, question: str, terms: Sequence[Term], lists: Lexicon) -> None:
        self.question, self.lists = question, lists
        self.found: list[Word] = list(words(question))
        self.folded = [word.folded.removesuffix("'s") for word in self.found]
        known = {
            word.folded.removesuffix("'s"): term for term in terms for word in words(term.text)
        }
        self.terms = [
            None if lists.comparatives.fullmatch(word) else known.get(word) for word in self.folded
        ]

    def places(self, joints: frozenset[str]) -> list[int]:
        return [at for at, word in enumerate(self.folded) if word in joints]

    def is_comparative(self, at: int) -> bool:
        return 0 <= at < len(self.folded) and (
            self.lists.comparatives.fullmatch(self.folded[at]) is not None
        )

    def is_number(self, at: int) -> bool:
        return at < len(self.folded) and (
            self.folded[at][:1].isdigit() or self.folded[at] in self.lists.number_words
        )

    def tells_which(self, at: int, joint: _Joint) -> bool:
        """Say whether a comparative stands with a side ("larger loans"), and not for what is said
        of both ("which is larger, loans …").
        """
        if at + 1 not in (*joint.left, *joint.right) or self._is_parted(at, at + 1):
            return False
        asking = self.lists.question_words
        return not any(word in asking for word in self.folded[max(0, at - 2) : at])

    def is_threshold(self, at: int) -> bool:
        """Say whether a comparative is one of an amount ("more than 5")."""
        after = range(at + 1, min(at + 4, len(self.folded)))
        return any(self.folded[place] in self.lists.than for place in after) and any(
            self.is_number(place) for place in after
        )

    def joint(self, at: int) -> _Joint | None:
        """Return the joint there, or None where it joins nothing."""
        before = range(at) if self.folded[at] in self.lists.than else range(at - 1, -1, -1)
        joint = _Joint(at, self._run(before), self._run(range(at + 1, len(self.found))))
        return joint if all(self.sides(joint)) else None

    def _run(self, places: Sequence[int]) -> tuple[int, ...]:
        taken: list[int] = []
        for nth, at in enumerate(places):
            term = self.terms[at]
            if term is not None:
                if taken and self._is_parted(at, taken[0]):
                    break
                taken.append(at)
            elif not self._is_light(at) or (taken and not self._name_goes_on(taken, places[nth:])):
                break
        return tuple(taken)

    def _name_goes_on(self, taken: Sequence[int], places: Sequence[int]) -> bool:
        """Say whether small words stand within a name, names being on either side of them."""
        last = self.terms[taken[-1]]
        after = next((one for at in places[:3] if (one := self.terms[at]) is not None), None)
        return bool(last and last.is_name and after and after.is_name)

    def _is_light(self, at: int) -> bool:
        return self.folded[at] in self.lists.function_words or self.is_comparative(at)

    def _is_parted(self, one: int, other: int) -> bool:
        """Say whether a sign stands between two words."""
        first, last = sorted((one, other))
        between = self.question[self.found[first].end : self.found[last].start]
        return any(sign in between for sign in ",;:?!")

    def _side(self, places: Sequence[int]) -> list[Term]:
        return [term for at in places if (term := self.terms[at]) is not None]

    def shared(self, joint: _Joint) -> set[str]:
        left, right = ({one.folded for one in self._side(places)} for places in joint[1:])
        return left & right

    def sides(self, joint: _Joint) -> Sides:
        both = self.shared(joint)
        left, right = (
            tuple(one for one in self._side(places) if one.folded not in both)
            for places in (joint.left, joint.right)
        )
        return left, right
