"""What people expect around a job: a reload, a wrong file, the clipboard, a list in which they find it again."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.steps import process
from tests.conftest import PATIENCE


def choose_what_takes_long(page: Page, folder: Path) -> None:
    """Choose an image that takes half a minute to be sent."""
    Image.effect_noise((1600, 1200), 100).save(folder / "noise.png")
    send_slowly(page)
    page.get_by_label("Select Image File").set_input_files(folder / "noise.png")


def send_slowly(page: Page) -> None:
    """Let the page send 50 kB a second."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    speed = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 50_000}
    network.send("Network.emulateNetworkConditions", speed)


def test_a_reload_shows_the_job_again(page: Page, photo: Path, site: str) -> None:
    """The address names the job: it is shown after a reload, and to whom it is sent; one that is no more is said."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    page.reload()
    expect(page.locator("#title")).to_have_text("hills.jpg")
    expect(page.locator("#after")).to_have_js_property("naturalWidth", 1600)
    expect(page).to_have_title("done, hills.jpg – Pixo")

    page.goto(f"{site}#0123456789abcdef")
    expect(page.locator("#trouble")).to_contain_text("No such job")
    expect(page.locator("#work")).to_be_hidden()
    expect(page).to_have_url(site)


def test_an_upload_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    """Who has taken the wrong large image need not wait until it is sent, and is not told of a fault."""
    choose_what_takes_long(page, tmp_path)
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#figures")).to_contain_text(re.compile(r"^[\d.]+ [kM]B of [\d.]+ MB$"))
    expect(page.locator("#tiles")).to_be_hidden()
    page.get_by_role("button", name="Cancel").click()

    expect(page.locator("#work")).to_be_hidden()
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.get_by_role("button", name="Process Image")).to_be_enabled()


def test_a_page_that_is_sending_asks_before_it_is_left(page: Page, tmp_path: Path) -> None:
    """A reload would cut the upload off."""
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    choose_what_takes_long(page, tmp_path)
    page.get_by_role("button", name="Process Image").click()
    expect(page.locator("#state")).to_have_text("uploading")
    page.reload()

    assert asked == ["beforeunload"]


def test_a_pasted_image_is_taken(page: Page) -> None:
    """From the clipboard, as a screenshot is; several as well."""
    paste = """count => {
        const data = new DataTransfer();
        for (let n = 0; n < count; n += 1) data.items.add(new File(["x"], `shot${n}.png`, { type: "image/png" }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    }"""
    page.evaluate(paste, 0)
    expect(page.locator("#chosen")).to_be_hidden()
    page.evaluate(paste, 1)
    expect(page.locator("#chosen")).to_have_text("shot0.png, 1 kB")
    page.evaluate(paste, 3)
    expect(page.locator("#chosen")).to_have_text("3 images, 1 kB: shot0.png, …")


def test_many_images_are_sent_one_after_the_other(page: Page, photo: Path, tmp_path: Path) -> None:
    """Each is a job in the list, with its result; a file that is no image keeps no other from being sent."""
    files = [tmp_path / f"{n}.jpg" for n in range(9)]
    for file in files:
        file.write_bytes(photo.read_bytes())
    (tmp_path / "notes.jpg").write_text("no image")
    page.get_by_label("Select Image File").set_input_files([*files[:4], tmp_path / "notes.jpg", *files[4:]])
    expect(page.locator("#chosen")).to_contain_text("10 images, ")
    page.get_by_role("button", name="Process 10 Images").click()
    expect(page.locator("#state")).to_contain_text(re.compile(r"uploading \d+ of 10"))

    expect(page.locator("#title")).to_have_text("8.jpg")
    expect(page.locator("#state")).to_have_text("done", timeout=PATIENCE * 1000)
    expect(page.locator("#trouble")).to_contain_text("1 of 10 files were not taken.\nnotes.jpg: ", use_inner_text=True)
    for file in files:
        expect(page.get_by_role("link", name=f"Download {file.name}")).to_be_visible(timeout=PATIENCE * 1000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 3.jpg").click()
    with Image.open(download.value.path()) as result:
        assert (result.mode, result.width) == ("L", 1600)
    expect(page.get_by_role("button", name="Process 10 Images")).to_be_enabled()


def test_cancel_keeps_the_rest_from_being_sent(page: Page, tmp_path: Path) -> None:
    """What has been sent goes on; the rest is still chosen."""
    choose_what_takes_long(page, tmp_path)
    small = tmp_path / "small.png"
    Image.new("RGB", (9, 9)).save(small)
    page.get_by_label("Select Image File").set_input_files([small, tmp_path / "noise.png", small])
    page.get_by_role("button", name="Process 3 Images").click()
    expect(page.locator("#state")).to_have_text("uploading 2 of 3")
    page.get_by_role("button", name="Cancel").click()

    expect(page.locator("#work")).to_be_hidden()
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.get_by_role("button", name="Process 2 Images")).to_be_enabled()
    expect(page.locator("#chosen")).to_have_text(re.compile("^2 images, .*: noise.png, …$"))
    expect(page.get_by_role("link", name="Download small.png").first).to_be_visible(timeout=PATIENCE * 1000)


@pytest.mark.parametrize("taken", [True, False])
def test_a_job_that_is_opened_meanwhile_stays(page: Page, photo: Path, tmp_path: Path, *, taken: bool) -> None:
    """Whoever looks at another job is not torn away from it when all are sent, or none is taken."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    slow = tmp_path / "slow.jpg"
    Image.effect_noise((400, 300), 100).save(slow, "png")
    if not taken:
        slow.write_bytes(slow.read_bytes()[20:])
    (tmp_path / "notes.jpg").write_text("no image")
    send_slowly(page)
    page.get_by_label("Select Image File").set_input_files([slow, tmp_path / "notes.jpg"])
    page.get_by_role("button", name="Process 2 Images").click()
    expect(page.locator("#state")).to_have_text("uploading 1 of 2")
    page.get_by_role("button", name="hills.jpg").first.click()
    expect(page.locator("#state")).to_have_text("done")

    expect(page.locator("#trouble")).to_contain_text("notes.jpg: ")
    expect(page.get_by_role("button", name="Process 2 Images")).to_be_enabled()
    expect(page.locator("#title")).to_have_text("hills.jpg")
    expect(page.locator("#work")).to_be_visible()


def test_sending_is_stopped_while_another_job_is_shown(page: Page, photo: Path, tmp_path: Path) -> None:
    """Cancel belongs to the job that is shown; what is on its way has a button of its own meanwhile."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    choose_what_takes_long(page, tmp_path)
    page.get_by_label("Select Image File").set_input_files([tmp_path / "noise.png", photo])
    page.get_by_role("button", name="Process 2 Images").click()
    expect(page.locator("#state")).to_have_text("uploading 1 of 2")
    stop = page.get_by_role("button", name="Stop sending 1 of 2")
    expect(stop).to_be_hidden()
    page.get_by_role("button", name="hills.jpg").first.click()
    expect(page.locator("#state")).to_have_text("done")
    stop.click()

    expect(stop).to_be_hidden()
    expect(page.get_by_role("button", name="Process 2 Images")).to_be_enabled()
    expect(page.locator("#title")).to_have_text("hills.jpg")
    expect(page.locator("#trouble")).to_be_hidden()


def test_refused_files_are_named_when_the_rest_cannot_be_sent(page: Page, photo: Path, tmp_path: Path) -> None:
    """The server goes away after it has refused one: both are said."""
    (tmp_path / "notes.jpg").write_text("no image")
    sent: list[Route] = []

    def break_off(route: Route) -> None:
        sent.append(route)
        if len(sent) == 1:
            route.continue_()
        else:
            route.abort()

    page.route(re.compile("/api/v1/jobs$"), break_off)
    page.get_by_label("Select Image File").set_input_files([tmp_path / "notes.jpg", photo])
    page.get_by_role("button", name="Process 2 Images").click()
    expect(page.locator("#trouble")).to_contain_text("The upload was cut off.")
    expect(page.locator("#trouble")).to_contain_text("notes.jpg: ")


def test_a_late_answer_does_not_undo_the_list(page: Page, photo: Path) -> None:
    """A list that was asked for before a newer one, and comes after it, is old."""
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    with page.expect_request(re.compile(r"/jobs\?limit="), timeout=PATIENCE * 1000):
        page.route(re.compile(r"/jobs\?limit="), hold_first)
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    expect(page.locator("#jobs")).to_contain_text("hills.jpg")
    held[0].fulfill(json={"jobs": []})
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    expect(page.locator("#jobs")).to_contain_text("hills.jpg", timeout=1)


def test_jobs_of_one_name_are_told_apart(page: Page, photo: Path) -> None:
    """The list says when each was sent and what was done; the job, how large the image was and has become."""
    page.get_by_label("Select Image File").set_input_files(photo)
    process(page)
    page.get_by_label("Add a filter").select_option("invert")
    process(page)

    expect(page.locator("#jobs li").nth(0)).to_contain_text(re.compile(r"\d:\d\d.*, grayscale, invert"))
    expect(page.locator("#jobs li").nth(1)).to_contain_text(re.compile(r"\d:\d\d.*, grayscaleDownload$"))
    expect(page.locator("#figures")).to_contain_text(re.compile(r"[km]B → [\d.]+ [km]B", re.IGNORECASE))
