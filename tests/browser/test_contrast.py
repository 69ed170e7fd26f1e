"""The page in both themes: what must be seen can be."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.browser.steps import process


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_must_be_seen_stands_out(page: Page, photo: Path, theme: Literal["light", "dark"]) -> None:
    """WCAG 2.2 AA: text has a contrast of 4.5 to 1, the edges of fields and buttons and the focus one of 3 to 1."""
    page.emulate_media(color_scheme=theme)
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    colours: dict[str, str] = page.evaluate("""() => Object.fromEntries(
        ["ink", "soft", "paper", "card", "accent", "on-accent", "bad", "edge"].map((name) =>
            [name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)]))""")

    for front in ("ink", "soft", "accent", "bad"):
        for back in ("paper", "card"):
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    for back in ("paper", "card"):
        assert contrast(colours["edge"], colours[back]) >= 3, back
    edges = page.evaluate("""() => [...document.querySelectorAll("select, .tools button")]
        .map((field) => getComputedStyle(field).borderTopColor)""")
    assert set(edges) == {"rgb({}, {}, {})".format(*channels(colours["edge"]))}
    page.locator("#file").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    ring = page.evaluate("getComputedStyle(document.querySelector('label[for=file]')).outlineColor")
    assert ring == "rgb({}, {}, {})".format(*channels(colours["accent"]))


def channels(colour: str) -> list[int]:
    """Return red, green and blue of #rgb or #rrggbb."""
    digits = colour.strip().lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    return [int(digits[n : n + 2], 16) for n in (0, 2, 4)]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG defines it."""

    def luminance(colour: str) -> float:
        linear = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (channel / 255 for channel in channels(colour))
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
