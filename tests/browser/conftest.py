"""A whole Pixo, a Chromium with its page open, and a photo to send."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import PATIENCE, free_port, running
from tests.waiting import until

FLAGS = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a running Pixo with two workers."""
    folder = tmp_path_factory.mktemp("pixo")
    port = free_port()
    # Small photos, which would be one tile each, have several.
    command = ["env", "PIXO_TILE_SIZE=500", sys.executable, "-m", "services.cli", "up", "--workers", "2"]
    command += ["--port", str(port), "--data", str(folder)]
    with running(command, port, folder / "log"):
        until(lambda: b"Pixo is ready" in (folder / "log").read_bytes(), "all have joined")
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a Chromium that speaks to nobody else."""
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", *FLAGS])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """Give the open page; anything that it asks of another host, or leaves as an exception, fails the test."""
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(PATIENCE * 1000)
    page.on("request", lambda request: request.url.startswith((site, "blob:")) or wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(error.message))
    page.goto(site)
    yield page
    page.close()
    assert wrong == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Give a picture of 1600x1200 in colour."""
    path = tmp_path / "hills.jpg"
    gradient = Image.linear_gradient("L").resize((1600, 1200))
    Image.merge("RGB", (gradient, gradient.rotate(90).resize((1600, 1200)), gradient.rotate(180))).save(path)
    return path
