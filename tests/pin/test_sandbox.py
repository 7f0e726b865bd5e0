"""A template that asks for too much, or fails, is one sentence; a long conversation is neither."""

from __future__ import annotations

import time

import pytest

from brie.errors import PinError
from brie.pin import render

TALK = ({"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes"})
_GROWING = (
    "{%% set ns = namespace(s=%s) %%}{%% for i in range(60) %%}{%% set ns.s = %s %%}{%% endfor %%}"
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 10 ** 100000000 }}",
        "{{ 'x' * 3000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 'ab' | slice(1000000000) | list }}",
        "{{ 'x'.center(3000000000) }}",
        "{{ 'x' | center(3000000000) }}",
        "{{ '%3000000000d' % 1 }}",
        "{{ '%*d' % (3000000000, 1) }}",
        "{{ '{:>3000000000}'.format(1) }}",
        "{{ strftime_now('%Y' * 10000000) }}",
        "{{ ('a' * 100000).replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 100000) | replace('a', 'b' * 1000000) }}",
        "{{ ([('a' * 100000)] * 100000) | join }}",
        "{{ range(99999) | join('b' * 1000000) }}",
        "{{ range(99999) | map('string') | map('center', 90000) | join }}",
        _GROWING % ("'xxxxxxxx'", "ns.s ~ ns.s"),
        _GROWING % ("'xxxxxxxx'", "ns.s + ns.s"),
        _GROWING % ("['x']", "[ns.s, ns.s]") + "{{ ns.s }}",
        _GROWING % ("3", "ns.s * ns.s"),
        "{% set x %}{% for i in range(99999) %}{% for j in range(999) %}"
        + "a" * 60
        + "{% endfor %}{% endfor %}{% endset %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ 1 / 0 }}",
        "{{ messages + 1 }}",
        "{{ none.a.b }}",
        "{% for tool in tools %}{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "{% if %}",
    ],
)
def test_a_hostile_or_broken_template_is_one_sentence(template: str) -> None:
    with pytest.raises(
        PinError, match=r"^the chat template cannot render this conversation: ."
    ) as caught:
        render(template, TALK, {})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_loops_without_end_are_stopped_by_the_time_they_take() -> None:
    began = time.thread_time()
    with pytest.raises(PinError, match=r"longer than a conversation can need|more text"):
        render(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", TALK, {}
        )
    assert time.thread_time() - began < 30


def test_a_conversation_of_millions_of_characters_is_rendered() -> None:
    template = "{% for m in messages %}{{ '<' + m.role + '>' + (m.content | trim) + '\n' }}{% endfor %}"
    talk = [{"role": "user", "content": "word " * 400_000}, *TALK * 500]
    assert len(render(template, talk, {})) > 2_000_000


def test_counting_changes_nothing_that_a_template_says() -> None:
    template = (
        "{% macro say(m) %}{{ m.role ~ ': ' ~ m.content }}{% endmacro %}"
        "{% for a, b in [(1, 'x'), (2, 'y')] %}{{ a }}{{ b }}{% endfor %}"
        "{{ {'k': [1, (2, 3)]} | tojson }}{{ messages | map(attribute='role') | join('-') }}"
        "{{ 1234567 | string }}{{ 7654321 | tojson }}{{ missing | default('d') }}"
        "{{ {'a': 1}.get('b', 8888888) }}{{ '%s of %d' % ('one', 2) }}"
        "{{ '{:>4}'.format('r') }}{{ 'a' in ['a', 'b'] }}{{ 2 ** 10 }}"
        "{% for m in messages %}{{ say(m) }}{% if not loop.last %};{% endif %}{% endfor %}"
    )
    assert render(template, TALK, {}) == (
        '1x2y{"k": [1, [2, 3]]}user-assistant12345677654321d8888888one of 2   rTrue1024'
        "user: Hello;assistant: Yes"
    )
