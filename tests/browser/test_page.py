"""The page as a person uses it, in a real Chromium, on a whole Pixo."""

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.steps import process, refuse_once
from tests.conftest import PATIENCE


def test_a_proxy_may_show_it_under_a_path(page: Page, site: str, photo: Path) -> None:
    """Nothing is asked for beside that path, from the style sheet to the download."""
    beside: list[str] = []
    page.route("**/images/**", lambda route: route.continue_(url=route.request.url.replace("/images/", "/", 1)))
    page.goto(f"{site}images/")
    page.on(
        "request", lambda request: request.url.startswith((f"{site}images/", "blob:")) or beside.append(request.url)
    )
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)

    expect(page.locator("#after")).to_have_js_property("naturalWidth", 1600)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.url.startswith(f"{site}images/api/v1/")
    assert beside == []


def test_a_proxy_may_show_it_under_a_path_and_ask_for_a_token(
    page: Page, site: str, photo: Path, tmp_path: Path
) -> None:
    """A result that was not shown is fetched with the token when it is asked for, from where the page is."""
    tiff = tmp_path / "hills.tif"
    with Image.open(photo) as opened:
        opened.save(tiff)
    beside: list[str] = []
    page.route("**/images/**", lambda route: route.continue_(url=route.request.url.replace("/images/", "/", 1)))
    page.evaluate("sessionStorage.setItem('pixo-token', 'secret')")
    page.goto(f"{site}images/")
    page.on(
        "request", lambda request: request.url.startswith((f"{site}images/", "blob:")) or beside.append(request.url)
    )
    page.get_by_label("Select Image File").set_input_files(tiff)
    process(page)

    expect(page.get_by_text("the download is the full image")).to_be_visible()
    with page.expect_request("**/result") as request, page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert request.value.headers["authorization"] == "Bearer secret"
    assert download.value.suggested_filename == "hills-grayscale.tif"
    assert beside == []


def test_a_photo_goes_in_and_comes_out(page: Page, photo: Path, tmp_path: Path) -> None:
    """Select Image File, Process Image: tiles are done, both pictures are seen, the download is gray."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)

    expect(page.locator("#figures")).to_contain_text("1600 × 1200")
    # The picture is shown last.
    expect(page.locator("#after")).to_have_js_property("naturalWidth", 1600)
    assert page.locator("#tiles i").count() == page.locator("#tiles i.done").count() > 1
    expect(page.locator("#before")).to_have_js_property("naturalWidth", 1600)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    download.value.save_as(tmp_path / "out")
    with Image.open(tmp_path / "out") as result:
        assert (result.mode, result.size) == ("L", (1600, 1200))


def test_what_browsers_do_not_show(page: Page, photo: Path, tmp_path: Path) -> None:
    """A TIFF is shown small, as source and as result, made a JPEG; where even that cannot be had there is a note."""
    tiff = tmp_path / "hills.tif"
    with Image.open(photo) as opened:
        opened.resize((3200, 2400)).save(tiff)
    page.get_by_label("Select Image File").set_input_files(tiff)
    process(page)
    for picture in ("#before", "#after"):
        expect(page.locator(picture)).to_be_visible()
        expect(page.locator(picture)).to_have_js_property("naturalWidth", 1600)
    expect(page.get_by_text("the download is the full image")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.suggested_filename == "hills-grayscale.tif"

    page.route("**/preview?*", lambda route: route.fulfill(status=422, json={"detail": "Too large."}))
    process(page)
    for note in ("The original cannot be shown here", "The result cannot be shown here"):
        expect(page.get_by_text(note)).to_be_visible()
    expect(page.locator("#after")).to_be_hidden()

    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    expect(page.locator("#before")).to_be_visible()
    expect(page.locator("#before")).to_have_js_property("naturalWidth", 1600)
    for note in ("cannot be shown", "the download is the full image"):
        expect(page.get_by_text(note).first).to_be_hidden()


def test_a_file_dropped_beside_the_zone(page: Page, photo: Path, site: str) -> None:
    """The browser does not open it, and nothing is chosen; dropped into the zone it is."""

    def drop(place: str) -> None:
        box = page.locator(place).bounding_box()
        assert box
        data = {"items": [], "files": [str(photo)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            where = {"x": box["x"] + 5, "y": box["y"] + 5}
            devtools.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})

    devtools = page.context.new_cdp_session(page)
    drop("aside")
    expect(page.locator("#chosen")).to_be_hidden()
    drop("#drop")
    expect(page.locator("#chosen")).to_contain_text("hills.jpg")
    assert [each.url for each in page.context.pages] == [site]


def test_tiles_are_told_and_not_asked_for(page: Page, photo: Path) -> None:
    """The page asks for a job when it begins to watch and when it has ended; what is between it hears."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(re.sub(r".*/jobs/\w{16}", "", request.url)))
    page.get_by_label("Add a filter").select_option("median")
    page.get_by_label("radius").fill("25")

    def work_on(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "status": "processing"})

    # Or it may be over before the page, on a busy machine, has begun to listen.
    page.route(re.compile(r"/jobs/\w{16}$"), work_on, times=1)
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)

    expect(page.locator("#after")).to_be_visible()
    assert page.locator("#tiles i").count() == page.locator("#tiles i.done").count() > 1
    assert (asked.count(""), asked.count("/tiles"), asked.count("/events")) == (2, 2, 1)


def test_a_job_whose_events_cannot_be_had(page: Page, photo: Path) -> None:
    """The page asks for the job from time to time instead."""
    page.route("**/events", lambda route: route.fulfill(status=503, json={"detail": "Too many listen."}))
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)

    expect(page.locator("#after")).to_have_js_property("naturalWidth", 1600)


def test_a_job_that_is_opened_again_is_heard_once(page: Page, photo: Path) -> None:
    """Who presses on a job in the list again and again does not take more and more of the server's places."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    heard: list[Route] = []

    def work_on(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "status": "processing"})

    page.route(re.compile(r"/jobs/\w{16}$"), work_on)
    page.route("**/events", lambda route: heard.append(route))  # noqa: PLW0108 - playwright looks at its signature
    for _ in range(3):
        with page.expect_request("**/events"):
            page.locator("#jobs button").first.click()
    with page.expect_request("**/jobs?limit=8"):  # some seconds later
        pass

    assert len(heard) == 3


def test_filters_are_chained_in_the_order_chosen(page: Page, photo: Path) -> None:
    """Adding, setting, moving and removing filters gives the chain that the job shows."""
    page.get_by_label("Add a filter").select_option("blur")
    page.locator("#chain li[data-name=blur] input[name=sigma]").fill("4.5")
    page.get_by_label("Add a filter").select_option("invert")
    page.get_by_label("move blur up").click()
    page.get_by_label("remove invert").click()
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)

    expect(page.locator("#figures")).to_contain_text("blur:sigma=4.5,grayscale")


def test_a_sample_needs_no_photo(page: Page) -> None:
    """Try a sample gives a picture that can be processed, and has more tiles to be watched than others of its size."""
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator("#chosen")).to_contain_text("sample.jpg")
    process(page)
    expect(page.locator("#figures")).to_contain_text("32 of 32 tiles")


def test_what_is_no_image_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    """A text file named .jpg: the page says why, and stays usable."""
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture\n" * 100)
    page.get_by_label("Select Image File").set_input_files(text)
    page.get_by_role("button", name="Process Image").click()

    expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#trouble")).to_contain_text(re.compile("format|image", re.IGNORECASE))
    expect(page.get_by_role("button", name="Process Image")).to_be_enabled()


def test_what_is_sent_again_is_what_was_sent(page: Page, photo: Path, tmp_path: Path) -> None:
    """Another image chosen while the first one waits for room is not sent in its place."""
    other = tmp_path / "other.jpg"
    Image.new("RGB", (64, 64)).save(other)
    refuse_once(page, 429, "Full.")
    page.get_by_label("Select Image File").set_input_files(photo)
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#state")).to_have_text("waiting for room")
    page.get_by_label("Select Image File").set_input_files(other)
    expect(page.get_by_role("button", name="Process Image")).to_be_disabled()
    expect(page.locator("#state")).to_have_text("done", timeout=PATIENCE * 1000)

    expect(page.locator("#figures")).to_contain_text("1600 × 1200")
    expect(page.get_by_role("button", name="Process Image")).to_be_enabled()


def test_a_kafka_that_is_away_is_told(page: Page) -> None:
    """Without being asked, until it is back: workers, which nobody hears then, look dead without it."""
    page.route("**/api/v1/cluster", lambda route: route.fulfill(json={"kafka": False, "roles": []}))
    expect(page.locator("#trouble")).to_contain_text("Kafka is unreachable")
    page.unroute("**/api/v1/cluster")
    expect(page.locator("#trouble")).to_be_hidden()


def test_an_image_waits_for_what_is_away(page: Page, photo: Path) -> None:
    """The page says what it waits for, which is not room, and sends the image when it may."""
    refuse_once(page, 503, "kafka is unreachable.")
    page.get_by_label("Select Image File").set_input_files(photo)
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#state")).to_have_text("waiting")
    expect(page.locator("#figures")).to_contain_text("kafka is unreachable.")
    expect(page.locator("#state")).to_have_text("done", timeout=PATIENCE * 1000)


def test_the_keyboard_stays_where_it_is(page: Page, photo: Path) -> None:
    """The list of jobs is drawn anew every few seconds, and filters move: the focus stays."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    page.get_by_label("Add a filter").select_option("blur")
    page.get_by_label("move blur up").press("Enter")
    expect(page.get_by_label("move blur up")).to_be_focused()
    page.get_by_label("remove blur").press("Enter")
    expect(page.get_by_label("move grayscale up")).to_be_focused()
    page.locator("#jobs button").first.focus()
    before = page.locator("#jobs button").first.element_handle()
    page.wait_for_function("old => !old.isConnected", arg=before)
    expect(page.locator("#jobs button").first).to_be_focused()


def test_a_wrong_field_that_is_folded_away_is_shown(page: Page, photo: Path) -> None:
    """Who has set a quality that cannot be sees it when nothing is sent for it."""
    page.get_by_label("Select Image File").set_input_files(photo)
    page.evaluate("document.getElementById('quality').value = 500")
    expect(page.locator("#quality")).to_be_hidden()
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#quality")).to_be_visible()


def test_filters_that_did_not_come_are_asked_for_again(page: Page, photo: Path) -> None:
    """A page that was loaded while web was restarted gets its filters later, and sends nothing without them."""
    page.route("**/api/v1/filters", lambda route: route.abort(), times=1)
    page.reload()
    page.get_by_label("Select Image File").set_input_files(photo)
    expect(page.get_by_role("button", name="Process Image")).to_be_disabled()
    expect(page.get_by_role("button", name="Process Image")).to_be_enabled(timeout=20_000)
    expect(page.locator("#trouble")).to_be_hidden()


def test_recent_jobs_and_workers_are_listed(page: Page, photo: Path) -> None:
    """The job just done and both workers are shown; an old job opens again."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)

    expect(page.locator("#workers li")).to_have_count(2)
    page.locator("#jobs").get_by_role("button", name="hills.jpg").first.click()
    expect(page.locator("#after")).to_be_visible()


def test_the_page_fits_a_phone(page: Page, photo: Path) -> None:
    """At 360 pixels nothing is cut off at the right, and who opens a job from the list, further down, sees it."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    expect(page.locator("#after")).to_be_visible()
    page.locator("#jobs").get_by_role("button", name="hills.jpg").first.click()

    expect(page.locator("#state")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
