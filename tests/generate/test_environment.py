from __future__ import annotations

import pytest

from brie import versions
from brie.errors import UsageError
from brie.generate import detect_environment


def test_a_cpu_computes_in_float32_and_says_why() -> None:
    environment, reason = detect_environment("cpu")
    assert (environment.device, environment.dtype) == ("cpu", "float32")
    assert environment.sampler == versions.SAMPLER
    assert reason.startswith("float32: on cpu")


def test_a_dtype_can_be_asked_for() -> None:
    assert detect_environment("cpu", dtype="bfloat16")[0].dtype == "bfloat16"
    with pytest.raises(UsageError, match="did you mean 'float16'"):
        detect_environment("cpu", dtype="flaot16")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no device 'tpu' on this machine"):
        detect_environment("tpu")
