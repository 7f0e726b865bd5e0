"""Digests of fixed records, as literals: rows and seals that exist today are found by them."""

from __future__ import annotations

import pytest

from brie.digest import digest, file_digest, short
from brie.generate.keys import completion_key
from brie.judge.interface import Task
from brie.records import Environment, Message, Pin, Plan, Sampling
from tests.records.test_digests import PLAN, RUBRIC, SEAT, SHOWN, SPEC, SUITE


def test_what_is_asked_has_the_digests_it_always_had() -> None:
    assert SUITE.digest() == "sha256:a9141b201697699b64da57ba20cf794c28c514e663f1ab4ac2ad2862cc50d6f5"
    assert SPEC.digest("1") == "sha256:bc99afc068a5ab1e429be344927c1e2dbff756da179966e5b242cf81e08c4432"
    assert RUBRIC.digest() == "sha256:f894541b48f4ae61cb604e877c32a3503db9717508e08d509047a5dac08ad632"
    assert SEAT.rubric_digest == RUBRIC.digest()


def test_a_judge_that_reads_no_rubric_has_the_digest_of_nothing() -> None:
    seat = SEAT.model_copy(update={"rubric": None})
    assert seat.rubric_digest == digest(None)
    assert seat.rubric_digest == (
        "sha256:74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"
    )


def test_a_plan_has_the_seal_it_always_had() -> None:
    assert PLAN.seal() == "sha256:1137d32dfd8fbf4ff0aad5619bd0394aff78fb15c614ca7fe23dcd0686cd3d07"
    assert Plan.model_validate_json(PLAN.model_dump_json()).seal() == PLAN.seal()


def test_what_a_judge_sees_has_the_digest_it_always_had() -> None:
    assert SHOWN.digest() == "sha256:797376b004d6455b6d29fae73b125f21f5fe80effd8b7c27b02a2c98a23d4f83"


@pytest.mark.parametrize(
    ("repeat", "key"),
    [
        (0, "sha256:bbc006d8e5d435551a4d38227a51cf827bbce387dfb8b9ce75c20dc1a2281d06"),
        (2, "sha256:6cc02c80156927180cf4b76a6ca78c4626fd5e21aeedd62c35d11255739d9f16"),
    ],
)
def test_a_verdict_is_stored_under_the_key_it_always_had(repeat: int, key: str) -> None:
    assert Task.plan("main", SEAT, SHOWN, prompt="one", sample=0, repeat=repeat).key == key


def test_a_completion_is_stored_under_the_key_it_always_had() -> None:
    key = completion_key(
        pin_digest="sha256:" + "1" * 64,
        template_digest="sha256:" + "2" * 64,
        messages=(Message(role="system", content="Be brief."), Message(role="user", content="Why?")),
        sampling=Sampling(seed=7),
        sample=3,
        environment=Environment(dtype="bfloat16", device="cuda", sampler="1"),
    )
    assert key == "sha256:4da77bd6e92289945aba764c2fdcdc967b4318dc13594de39d6a7b98c7d5e05b"


def test_a_plan_names_pins_by_content_alone() -> None:
    pin = Pin.model_validate({**PLAN.baseline.model_dump(), "name": "b", "checkpoint": "c", "run": "r"})
    assert PLAN.model_copy(update={"baseline": pin.sealed()}).seal() == PLAN.seal()
    assert short(PLAN.seal()) == "1137d32d"
    assert short(PLAN.seal(), 12) == "1137d32dfd8f"


def test_a_file_has_the_digest_that_sha256sum_prints(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("file") / "x"
    path.write_bytes(b"abc")
    assert file_digest(path) == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_sets_are_sorted_and_records_are_their_fields() -> None:
    message = Message(role="user", content="Why?")
    assert digest({"b": {2, 1}, "a": [message, None, True, 0.5]}) == digest(
        {"a": [{"role": "user", "content": "Why?"}, None, True, 0.5], "b": [1, 2]}
    )
    assert (
        digest({"b": frozenset({"y", "x"}), "a": (1,)})
        == "sha256:a0fb33d6687a27828723cc90e63458dbc736537659a3f7b77170b53549148632"
    )
