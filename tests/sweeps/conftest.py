"""The fixtures of the tests of runs: an own cache, and no thread left behind."""

from tests.runs.conftest import _no_thread_stays, _own_cache  # noqa: F401
