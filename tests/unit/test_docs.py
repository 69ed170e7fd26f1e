"""The docs say what the code does."""

import pytest

from tests import tables


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_tables_are_the_code_s(page) -> None:
    """The tables of settings, filters and metrics are those that the code gives."""
    text = page.read_text()

    assert text == tables.PAGES[page](text), "run python -m tests.tables"
