"""The list of operations in the docs is that of the code."""

from docs.operations import PAGE, listing


def test_the_list_is_written_from_the_table():
    assert PAGE.read_text("utf-8") == listing(), "run `python -m docs.operations`"
