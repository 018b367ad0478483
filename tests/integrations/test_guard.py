"""What fails in an integration stays out of the training, whatever the warnings are set to."""

import warnings

import pytest

from vaewidgets.errors import DivergedError, TrainingStopped
from vaewidgets.integrations.guard import Guard


def fail(guard, error):
    with guard:
        raise error


def test_warnings_that_are_errors_end_no_training(caplog):
    guard = Guard("It")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            fail(guard, ValueError("no disk"))
    said = [record.getMessage() for record in caplog.records]
    assert said == ["It failed, and training goes on without it (ValueError: no disk). This is said once."]


@pytest.mark.parametrize(
    "error", [TrainingStopped("stopped"), DivergedError("kl", step=3, term="kl"), KeyboardInterrupt()]
)
def test_what_was_asked_for_comes_through(error):
    with pytest.raises(type(error)):
        fail(Guard("It"), error)
