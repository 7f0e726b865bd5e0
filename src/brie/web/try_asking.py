"""What somebody typed, asked of both sides: the answers as they come, open or blind, and the vote.

Blind, the texts stand under letters in an order that `blinding` draws anew each time, and nothing that
goes to the browser before the vote names a side, an order or a time.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import count

from pydantic import JsonValue

from brie.blinding import Choice, Presentation, drawn, judge_input
from brie.errors import BrieError, UsageError
from brie.evaluation.side_keys import prompt_digest
from brie.generate.engine import Draft, Request
from brie.number_format import plural
from brie.project import Project
from brie.provenance import now
from brie.records import Completion, Message, Prompt, Side
from brie.report.clean import clip, without_paths
from brie.web.tried import TriedVote, keep_vote, read_votes
from brie.web.try_pair import SIDES, LocalPair

Event = dict[str, JsonValue]
LONGEST = 50_000
"""Characters of one answer on the page."""
_PACE = 0.05
"""Seconds between two looks at answers under way."""
_PATIENCE = 5
"""Seconds for which an answer under way is waited for at the end."""
_WAITING = 20
"""Blind pairs that can still be voted on."""


@dataclass(frozen=True)
class Asked:
    """One question to both sides."""

    messages: tuple[Message, ...]
    requests: Mapping[Side, Request]
    presentation: Presentation | None
    """Order and letters; None where the sides are named."""

    @property
    def keys(self) -> tuple[str, str]:
        """Keys of the answers, in the order they stand on the page."""
        candidate, baseline = (self.requests[side].key for side in SIDES)
        if self.presentation is None:
            return candidate, baseline
        return self.presentation.in_order(candidate=candidate, baseline=baseline)

    @property
    def each(self) -> list[Request]:
        """What is asked, each key once, in the order of the page."""
        by_key = {request.key: request for request in self.requests.values()}
        return [by_key[key] for key in dict.fromkeys(self.keys)]

    def heads(self, names: Mapping[Side, str]) -> list[str]:
        """What stands over the answers: the sides' names, or letters where it is blind."""
        if self.presentation is None:
            return [names[side] for side in SIDES]
        prompt, nothing = Prompt(id="typed", messages=self.messages), dict.fromkeys(self.keys, "")
        shown = judge_input(self.presentation, prompt, self.messages, nothing)
        return [letter for letter, _ in shown.answers]


@dataclass(frozen=True)
class _Whole:
    """A blind pair whose answers are there."""

    asked: Asked
    answers: Mapping[str, Completion]


class Asking:
    """A pair of models, one question at a time, and the votes on their answers."""

    def __init__(
        self, pair: LocalPair, project: Project, ending: Callable[[], bool] = lambda: False
    ) -> None:
        """Nothing is loaded before the first question.

        Args:
            pair: who answers.
            project: where votes are kept.
            ending: whether the viewer is being stopped; asked at every token.
        """
        self.pair = pair
        self._project = project
        self._ending = ending
        self._engine = pair.engine(project)
        self._busy = threading.Lock()
        self._whole: OrderedDict[str, _Whole] = OrderedDict()
        self._named = {key for vote in read_votes(project) for key in vote.answers}
        """Keys of answers that were shown with their sides."""

    def close(self) -> None:
        """Free the models."""
        self._busy.acquire(timeout=_PATIENCE)  # an answer under way ends at its next token
        self._engine.close()

    def ask(self, text: str, *, blind: bool) -> Generator[Event, None, None]:
        """Both answers as they come.

        Events: `heads`, two letters or the sides' names; `note`; `answers`, two texts so far, with
        whether each still thinks; `problem`, a sentence, and the end; `done`, the end, with `facts` of
        named answers, or the number to `vote` by, or that blind answers are the `same`.

        Args:
            text: what was typed.
            blind: letters instead of sides.
        """
        if not self._busy.acquire(blocking=False):
            yield {"problem": "Another question is being answered here; wait for it, or stop it."}
            return
        try:
            yield from self._answered(self._asked(text, blind=blind))
        except BrieError as error:
            yield {"problem": without_paths(str(error))}
        finally:
            self._busy.release()

    def vote(self, number: str, choice: Choice) -> TriedVote:
        """Keep a vote on a blind pair. Each is voted on once, and its sides may be named then.

        Raises:
            UsageError: there is no such pair, it was voted on before, or its answers were shown with
                their sides meanwhile.
        """
        whole = self._whole.pop(number, None)
        if whole is None or whole.asked.presentation is None:
            raise UsageError("these answers cannot be voted on: ask again.")
        if not self._named.isdisjoint(whole.answers):
            raise UsageError("you have seen these answers with their sides meanwhile: ask again.")
        asked, shown = whole.asked, whole.asked.presentation
        vote = TriedVote(
            created=now(),
            evaluation=self.pair.evaluation,
            pins={side: self.pair.sides[side].pin.digest for side in SIDES},
            names=dict(self.pair.names),
            messages=asked.messages,
            sampling=self.pair.sampling,
            environment=self.pair.environment,
            answers=dict(whole.answers),
            presentation=shown,
            letter=choice,
        )
        keep_vote(self._project, vote)
        self._named.update(whole.answers)
        return vote

    def votes(self) -> list[TriedVote]:
        """The votes on these two models, newest first."""
        pins = {side: self.pair.sides[side].pin.digest for side in SIDES}
        return [vote for vote in read_votes(self._project) if vote.pins == pins][::-1]

    def _asked(self, text: str, *, blind: bool) -> Asked:
        messages = self.pair.messages(text)
        requests = self._unseen(messages, blind=blind)
        if not blind:
            self._named.update(request.key for request in requests.values())
            return Asked(messages, requests, None)
        candidate, baseline = (requests[side].key for side in SIDES)
        presentation = drawn(
            secrets.token_hex(16),
            prompt=prompt_digest(messages),
            candidate=candidate,
            baseline=baseline,
        )
        return Asked(messages, requests, presentation)

    def _unseen(self, messages: tuple[Message, ...], *, blind: bool) -> dict[Side, Request]:
        """The first sample that nobody has seen with its sides.

        Raises:
            UsageError: there is none, and a vote would not be blind.
        """
        greedy = self.pair.sampling.temperature == 0
        for sample in count():
            requests = self.pair.requests(messages, sample)
            seen = any(request.key in self._named for request in requests.values())
            if not seen or (greedy and not blind):
                return requests
            if greedy:
                break
        raise UsageError(
            "You have seen these answers with their sides, and at temperature 0 there are no others: "
            "ask something else."
        )

    def _answered(self, asked: Asked) -> Iterator[Event]:
        yield {"heads": list(asked.heads(self.pair.names))}
        if not self._engine.loaded:
            yield {"note": "Loading the models…"}
        # Two models that load in turn would tell by their order and time which is which, and so would
        # one that thinks before it answers: no judge sees that.
        hidden = asked.presentation is not None and not self._engine.in_one
        drafts: dict[str, Draft] = {}
        told = 0.0
        with closing(self._engine.watch(asked.each)) as coming:
            for draft in coming:
                if self._ending():
                    raise UsageError("the viewer was stopped.")
                drafts[draft.key] = draft
                shown = asked.presentation is None or (not hidden and _all_answer(asked, drafts))
                if shown and time.monotonic() - told > _PACE:
                    told = time.monotonic()
                    yield _so_far(asked, drafts)
        yield _so_far(asked, drafts)
        whole = {key: draft.completion for key, draft in drafts.items() if draft.completion is not None}
        yield self._end(asked, whole)

    def _end(self, asked: Asked, whole: Mapping[str, Completion]) -> Event:
        """What is said when both answers are there; blind, nothing that tells the sides apart."""
        first, second = (whole[key] for key in asked.keys)
        if asked.presentation is None:
            return {"done": True, "facts": [_facts(first), _facts(second)]}
        if first.text == second.text:
            return {"done": True, "same": True}
        number = secrets.token_hex(8)
        self._whole[number] = _Whole(asked, whole)
        while len(self._whole) > _WAITING:
            self._whole.popitem(last=False)
        return {"done": True, "vote": number}


def _all_answer(asked: Asked, drafts: Mapping[str, Draft]) -> bool:
    """Whether every answer has begun and none is being thought about."""
    return len(drafts) == len(asked.each) and not any(draft.thinking for draft in drafts.values())


def _so_far(asked: Asked, drafts: Mapping[str, Draft]) -> Event:
    """Both texts as far as they are there, in the order of the page."""
    both = [drafts.get(key) for key in asked.keys]
    blind = asked.presentation is not None
    return {"answers": [_answer(d, blind=blind) if d is not None else {"text": ""} for d in both]}


def _answer(draft: Draft, *, blind: bool) -> Event:
    text, cut = clip(draft.text, LONGEST)
    return {"text": text, "cut": cut, "thinking": draft.thinking and not blind}


def _facts(whole: Completion) -> str:
    """How long an answer is, and how it ended."""
    ends = {"length": ", cut off at the limit", "thinking": ", cut off while it thought"}
    return f"{plural(whole.tokens, 'token')} in {whole.seconds:.1f} s{ends.get(whole.finish_reason, '')}"
