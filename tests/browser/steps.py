"""What a person does on the page again and again."""

from playwright.sync_api import Page, expect

from tests.conftest import PATIENCE


def process(page: Page) -> None:
    """Press the button and wait for the end."""
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#state")).to_have_text("done", timeout=PATIENCE * 1000)


def refuse_once(page: Page, status: int, detail: str) -> None:
    """Let the next image be refused so, and sent again two seconds later; what comes after it is taken."""
    answer = {"status": status, "headers": {"Retry-After": "2"}, "json": {"detail": detail}}
    page.route("**/api/v1/jobs", lambda route: route.fulfill(**answer), times=1)
