"""What a person does on the page again and again."""

from playwright.sync_api import Page, expect

from tests.conftest import PATIENCE


def process(page: Page) -> None:
    """Press the button and wait for the end."""
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#state")).to_have_text("done", timeout=PATIENCE * 1000)
