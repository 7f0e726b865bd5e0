"""The small random model of the generation tests."""

from tests.generate.conftest import adapter, base, cpu  # noqa: F401
