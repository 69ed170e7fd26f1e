"""The original beside the result, and under it."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.steps import process


def pixels(page: Page) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Give a pixel of the left and one of the right of what is seen at the place of the comparison."""
    with Image.open(io.BytesIO(page.locator("#before").screenshot())) as seen:
        picture = seen.convert("RGB")
    middle = picture.height // 2
    left, right = picture.getpixel((picture.width // 5, middle)), picture.getpixel((picture.width * 4 // 5, middle))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    return (left[0], left[1], left[2]), (right[0], right[1], right[2])


def test_the_result_is_laid_over_the_original(page: Page, tmp_path: Path) -> None:
    """With the keyboard: on the left of the edge the original is seen, on the right the result."""
    red = tmp_path / "red.png"
    Image.new("RGB", (300, 200), (200, 0, 0)).save(red)
    page.get_by_label("Select Image File").set_input_files(red)
    process(page)
    expect(page.locator("#edge")).to_be_hidden()
    page.get_by_label("Lay the result over the original").press("Space")

    gray = (60, 60, 60)
    assert pixels(page) == ((200, 0, 0), gray)
    page.get_by_label("where the original ends").press("Home")
    assert pixels(page) == (gray, gray)
    page.get_by_label("where the original ends").press("End")
    assert pixels(page) == ((200, 0, 0), (200, 0, 0))
    page.get_by_label("Lay the result over the original").press("Space")
    before, after = page.locator("#before").bounding_box(), page.locator("#after").bounding_box()
    assert before
    assert after
    assert before["x"] + before["width"] < after["x"]


def test_what_is_not_shown_is_not_laid_over(page: Page, photo: Path) -> None:
    """Where one of the two cannot be had there is nothing to compare; the wish stays for the next job."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    page.get_by_label("Lay the result over the original").check()
    page.route("**/result", lambda route: route.abort())
    process(page)
    expect(page.get_by_text("The result cannot be shown here")).to_be_visible()
    expect(page.locator("#lay")).to_be_hidden()
    expect(page.locator("#compare")).not_to_contain_class("over")

    page.unroute("**/result")
    process(page)
    expect(page.locator("#edge")).to_be_visible()
