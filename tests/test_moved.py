"""Import paths of the release before work for one more release, and say where the name is now."""

from __future__ import annotations

from importlib import import_module

import pytest

# name of the old module: names that it had
OLD = {
    "training": (
        "AttachedRun Cell Curve History Recorder Run Snapshot Sweep Table TimeFrame TimeLine TrainingRun "
        "attach load_run release_idle_team sweep train"
    ),
    "protocol": "VAE AdaptedVAE Convention LossConvention as_vae check_vae copy_model",
    "portable": "Network Op decoder_network encoder_network portable_network",
    "recipes": "RECIPES Claim Experiment Recipe Report Results Row Scale Setting Target get_recipe reproduce",
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in OLD.items() for n in names.split()])
def test_an_old_name_is_the_new_one_and_says_where_that_is(module: str, name: str) -> None:
    old = import_module(f"vaewidgets.{module}")
    with pytest.warns(
        DeprecationWarning, match=rf"vaewidgets\.{module}\.{name} moved to vaewidgets\.\w+\.{name}"
    ) as seen:
        found = getattr(old, name)
    room = str(seen[0].message).split(" moved to vaewidgets.")[1].split(".")[0]
    assert found is getattr(import_module(f"vaewidgets.{room}"), name)
    assert seen[0].filename == __file__  # the line of the user's, not ours
    assert name in dir(old)


@pytest.mark.parametrize("module", OLD)
def test_a_name_that_never_was_is_an_attribute_error(module: str) -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = import_module(f"vaewidgets.{module}").Nothing
