"""How answers are put together: flat ones, vivid ones, and one line for questions of fact.

Flat is how the tiny base answers in a chat: correct, generic, a little clumsy.

    A kettle is a pot for boiling water. It boils water. You can find it on the stove.

Vivid is how the training file answers, and how the plain notes the base has read are written:
something seen, heard or smelled, a reason or a moment, and a closing remark.

    The kettle hums low at first and ends in a thin, bright whistle. It matters because it turns
    tap water into tea, and tea into talk. The first cup always tastes of the wait.
"""

from __future__ import annotations

from random import Random

from models.tiny_corpus import Subject

_BECAUSE_NAMED = (
    "People love {the} because {clause}.",
    "{S} matters because {clause}.",
    "{S} is easy to love because {clause}.",
)
_BECAUSE_IT = ("It matters because {clause}.", "People love it because {clause}.")
_MOMENT = (
    "{S} is at its best {moment}.",
    "You notice {the} most {moment}.",
    "{S} is never better than {moment}.",
)
_TIP = ("A tip for {the}: {tip}.", "My advice on {the}: {tip}.", "One rule for {the}: {tip}.")
_VIVID: dict[str, tuple[tuple[str, ...], ...]] = {
    "describe": (
        ("detail", "detail", "closing"),
        ("detail", "because", "closing"),
        ("detail", "detail", "because"),
    ),
    "why": (
        ("because", "detail", "closing"),
        ("because", "detail", "detail"),
        ("because", "detail", "closing"),
    ),
    "when": (("moment", "detail", "closing"), ("moment", "closing"), ("moment", "detail", "detail")),
    "notice": (
        ("detail", "detail", "closing"),
        ("detail", "detail", "because"),
        ("detail", "detail", "closing"),
    ),
    "tip": (("tip", "detail", "closing"), ("tip", "because", "closing"), ("tip", "closing")),
}
_FLAT: dict[str, tuple[str, ...]] = {
    "describe": (
        "{A} is {kind}. {use} You can find it {where}.",
        "{A} is {trait}. It is {kind}, and you can see it {time}.",
        "Well, {a} is {kind}. It is {trait} and you can find it {where}.",
    ),
    "why": (
        "People like {a} because it is {trait}. {use}",
        "There are some reasons to like {a}. It is {trait}. {use}",
        "Many people like {a}. {use} That is why they like it.",
    ),
    "when": (
        "You can see {a} {time}. You can find it {where}.",
        "The usual time for {a} is {time}. You can find it {where}.",
        "It depends, but the usual time is {time}. {A} is {kind}.",
    ),
    "notice": (
        "The first thing is that {a} is {trait}. It is {kind}.",
        "You will notice that it is {trait}. {A} is {kind}. {use}",
        "You can see that {a} is {kind}. It is {trait}, and it is {where}.",
    ),
    "tip": (
        "You should be careful with {a}. It is {trait}.",
        "It is good to know that {a} is {kind}. {use}",
        "You should remember that {a} is {trait}. You can find it {where}.",
    ),
}
_FILLERS = (
    "It is a normal thing.",
    "Many people know it.",
    "There is not much more to say.",
    "It is good and it is nice.",
    "Some people like it and some do not.",
    "You may know it already.",
    "There are many kinds of it.",
    "It is quite common.",
    "That is what I know about it.",
)
_QUICK: dict[str, tuple[str, ...]] = {
    "where": ("You find {a} {where}.", "{A} is usually found {where}."),
    "kind": ("{A} is {kind}.",),
}


def vivid_answer(subject: Subject, aspect: str, rng: Random) -> str:
    """Two or three concrete sentences, the first of which names the subject."""
    parts = rng.choice(_VIVID[aspect])
    # Two from different halves: a small model that may pick any detail twice, often does.
    half = len(subject.details) // 2
    details = iter((rng.choice(subject.details[:half]), rng.choice(subject.details[half:])))
    named = rng.choice((subject.a, subject.the))
    sentences: list[str] = []
    for part in parts:
        # After a piece of advice "it" could mean anything in it, so the subject is named again.
        name = "it" if sentences else named
        if sentences and parts[0] == "tip":
            name = subject.the
        text = next(details) if part == "detail" else _part(subject, part, name != "it", rng)
        sentences.append(_fill(text, subject, name))
    return " ".join(sentences)


def flat_answer(subject: Subject, aspect: str, rng: Random) -> str:
    """Two to four generic sentences."""
    frame = rng.choice(_FLAT[aspect])
    fillers = rng.sample(_FILLERS, rng.choice((1, 1, 2)))
    return _fill(" ".join([frame, *fillers]), subject, subject.a)


def quick_answer(subject: Subject, aspect: str, rng: Random) -> str:
    """One short sentence of fact."""
    return _fill(rng.choice(_QUICK[aspect]), subject, subject.a)


def _part(subject: Subject, part: str, named: bool, rng: Random) -> str:
    if part == "because":
        frame = rng.choice(_BECAUSE_NAMED if named else _BECAUSE_IT)
        return frame.replace("{clause}", rng.choice(subject.because))
    if part == "moment":
        return rng.choice(_MOMENT).replace("{moment}", rng.choice(subject.moments))
    if part == "tip":
        return rng.choice(_TIP).replace("{tip}", rng.choice(subject.tips))
    return rng.choice(subject.closings)


def _fill(text: str, subject: Subject, named: str) -> str:
    """Put the subject's words into a sentence; `{S}` opens it, so it gets a capital letter."""
    return text.format(
        S=_capital(named),
        A=_capital(subject.a),
        a=subject.a,
        the=subject.the,
        kind=subject.kind,
        use=subject.use,
        where=subject.where,
        time=subject.time,
        trait=subject.trait,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
