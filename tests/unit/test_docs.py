"""The docs say what the code does."""

from tests import tables


def test_the_readme_lists_every_setting() -> None:
    """The README's table is the one that the code gives."""
    text = tables.README.read_text()

    assert text == tables.with_settings(text), "run python -m tests.tables"


def test_the_page_of_filters_lists_every_filter() -> None:
    """The table in ``docs/filters.md`` is the one that the catalogue gives."""
    text = tables.FILTERS.read_text()

    assert text == tables.with_filters(text), "run python -m tests.tables"
