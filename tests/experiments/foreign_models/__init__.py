"""Public torch VAEs, attached as their authors wrote them.

    python -m tests.experiments.foreign_models --clone    # fetches them first
    python -m tests.experiments.foreign_models            # the table
    python -m tests.experiments.foreign_models --only pytorch/examples --verbose

The repositories lie in a folder outside of this one (``--folder``, by default in the user's cache folder);
one that is not there is skipped, and named. Their code runs in this experiment alone, never under pytest.
"""
