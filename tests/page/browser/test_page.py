"""The page in a browser: what people do with it, and that the files they get are those of the command."""

import base64
import json
import re
import shlex
import shutil
import threading
import time
import zipfile

import numpy as np
import pytest
from agerestore_cli.page.folder import Folder
from agerestore_cli.page.service import Service
from agerestore_cli.page.worker import Task
from command import EXAMPLES, run
from pages import SECRET, serving
from pictures import SRGB, exif_block, facts, noise
from PIL import Image
from served import PHONE

from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.inference import any_size

pytestmark = pytest.mark.browser

ASTRONAUT, PRINT = EXAMPLES / "damaged" / "photo-astronaut.png", EXAMPLES / "damaged" / "photo-portrait.png"
NOISY = EXAMPLES / "damaged" / "photo-chelsea.png"
GRAY, SOUND = EXAMPLES / "gray" / "photo-chelsea.png", EXAMPLES / "photographs" / "photo-retina.png"
COMPUTED = 120_000  # ms
CONTROLS = ("button", "checkbox", "radio", "slider", "spinbutton", "textbox", "ColorWell", "link")


def choose(page, *paths):
    page.set_input_files("#files", [str(path) for path in paths])
    page.locator("#about", has_text=paths[0].name).wait_for()
    inspected(page)


def inspected(page):
    page.locator("#findings:not(:has-text('…'))").wait_for(timeout=COMPUTED)


def drag(page, *points):
    """Draw a line through points of the picture, in shares of its width and height."""
    places = [place(page, *point) for point in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for each in places[1:]:
        page.mouse.move(*each, steps=4)
    page.mouse.up()


def place(page, x, y):
    """Where a point of the picture is on the screen."""
    image = page.locator("#before img").first
    image.wait_for()  # it has no box until it is shown
    box = image.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def paste(page, path):
    """Paste a file; it comes to the list, and is opened."""
    page.evaluate(
        """([name, data]) => {
            const given = new DataTransfer();
            given.items.add(new File([Uint8Array.from(atob(data), (each) => each.charCodeAt(0))], name));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given }));
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )
    page.locator("#about", has_text=path.name).wait_for()
    inspected(page)


def action(page):
    return page.locator("#run").text_content()


def do(page):
    """Press the main button, and wait for the result."""
    page.locator("#run").click()
    done(page)


def done(page):
    page.locator("#status", has_text="Done").wait_for(timeout=COMPUTED)
    page.locator("#download").wait_for()


def saved(page, button, path):
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    download.value.save_as(path)
    return path


def by_command(page, source, folder, mask=None):
    """What the command writes that the page shows, in a folder."""
    shown = page.locator("#command").text_content()
    words = shlex.split(shown)
    assert words[0] == "agerestore"
    original, result = folder / f"original{source.suffix}", folder / f"by-command{source.suffix}"
    shutil.copy(source, original)  # away from the mask that is next to it
    named = {source.name: original, words[3]: result}
    if mask is not None:
        named[words[words.index("--mask") + 1]] = mask
    ran = run(*(named.get(word, word) for word in words[1:]), "--threads", 1)
    assert ran.exit_code == 0, (shown, ran.output)
    return result


def marked(path):
    return np.asarray(Image.open(path)) > 0


def test_paint_undo_restore_slide_and_download(page, tmp_path):
    choose(page, ASTRONAUT)
    page.keyboard.press("b")
    drag(page, (0.2, 0.2), (0.5, 0.3))
    assert action(page) == "Fill what is marked"
    page.keyboard.press("Control+z")
    drag(page, (0.6, 0.7), (0.8, 0.7))
    mask = saved(page, "Save mask", tmp_path / "painted.png")
    rows, columns = np.nonzero(marked(mask))
    assert 0.65 < rows.mean() / 320 < 0.75  # the second stroke alone
    assert 0.65 < columns.mean() / 256 < 0.75

    do(page)
    slider = page.get_by_role("slider", name="Before and after")
    before = page.locator("#divider").bounding_box()["x"]
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageDown")
    assert page.locator("#divider").bounding_box()["x"] < before - 10

    assert action(page) == "Fill what is marked"  # which the server has by now
    result = saved(page, "Download", tmp_path / "downloaded.png")
    assert result.read_bytes() == by_command(page, ASTRONAUT, tmp_path, mask).read_bytes()
    changed = (np.asarray(Image.open(result)) != np.asarray(Image.open(ASTRONAUT))).any(axis=2)
    assert changed.any()
    assert not (changed & ~marked(mask)).any()


def test_what_is_painted_while_a_mask_is_sent_is_sent_with_the_next_one(page, tmp_path):
    choose(page, ASTRONAUT)
    page.keyboard.press("b")
    drag(page, (0.2, 0.2), (0.5, 0.2))
    masks = []

    def delay(route):
        if route.request.method == "PUT" and not masks:
            masks.append(route.request.post_data_buffer)
            drag(page, (0.2, 0.8), (0.5, 0.8))
        route.continue_()

    page.route("**/mask.png", delay)
    for name in ("first.png", "second.png"):
        masks.append(marked(saved(page, "Save mask", tmp_path / name)))
    assert not masks[1][200:].any()
    assert masks[2][200:].any()
    np.testing.assert_array_equal(masks[1][:200], masks[2][:200])


def test_another_tool_is_chosen_while_one_paints(page):
    choose(page, ASTRONAUT)
    before = action(page)
    page.keyboard.press("b")
    page.mouse.move(*place(page, 0.2, 0.2))
    page.mouse.down()
    page.mouse.move(*place(page, 0.5, 0.2), steps=4)
    page.keyboard.press("v")
    page.mouse.up()
    assert action(page) == before  # no stroke, and no error
    page.keyboard.press("b")
    drag(page, (0.2, 0.2), (0.5, 0.3))
    assert action(page) == "Fill what is marked"


def a_16_bit_png(folder):
    path = folder / "deep.png"
    fine = noise(288, 288, 3, np.uint16) >> 8  # of which 8 bits would keep nothing
    io.write(path, Photo(io.read(SOUND).pixels.astype(np.uint16) * 256 + fine))
    return path


def a_jpeg_with_metadata(folder):
    path = folder / "Übung 1.jpg"
    with Image.open(SOUND) as image:
        image.crop((0, 0, 288, 200)).save(path, quality=92, exif=exif_block(6), icc_profile=SRGB, dpi=(300, 300))
    return path


@pytest.mark.parametrize("write", [a_16_bit_png, a_jpeg_with_metadata])
def test_files_come_back_whole(page, tmp_path, write):
    source = write(tmp_path)
    choose(page, source)
    page.keyboard.press("b")
    drag(page, (0.3, 0.4), (0.4, 0.4))
    do(page)
    mask = saved(page, "Save mask", tmp_path / "mask.png")
    result = saved(page, "Download", tmp_path / f"downloaded{source.suffix}")
    assert result.read_bytes() == by_command(page, source, tmp_path, mask).read_bytes()

    original, restored = io.read(source), io.read(result)
    assert restored.pixels.dtype == original.pixels.dtype
    assert restored.metadata.icc_profile == original.metadata.icc_profile
    assert restored.metadata.dpi == original.metadata.dpi
    if source.suffix == ".jpg":
        assert "EXIF" in page.locator("#kept").text_content()
        assert facts(restored.metadata.exif)[1:] == facts(original.metadata.exif)[1:]
        assert restored.pixels.shape == original.pixels.shape  # upright, as EXIF says
    else:
        assert (restored.pixels == original.pixels)[~marked(mask)].all()


def test_the_found_mask_is_corrected_by_hand(page, tmp_path):
    choose(page, PRINT)
    assert "defects" in page.locator("#findings").text_content()
    page.get_by_role("button", name="Show found").click()
    page.locator("#mask-note", has_text="what was found").wait_for(timeout=COMPUTED)
    found = saved(page, "Save mask", tmp_path / "found.png")
    page.keyboard.press("e")
    page.locator("#size").fill("60")
    drag(page, (0.4, 0.1), (0.6, 0.4))
    assert page.get_by_role("radio", name="Only what is marked").is_checked()
    mask = saved(page, "Save mask", tmp_path / "corrected.png")
    assert marked(mask).sum() < marked(found).sum()
    assert not (marked(mask) & ~marked(found)).any()

    page.locator("#tones").fill("0")
    do(page)
    result = saved(page, "Download", tmp_path / "downloaded.png")
    assert result.read_bytes() == by_command(page, PRINT, tmp_path, mask).read_bytes()
    same = (np.asarray(Image.open(result)) == np.asarray(Image.open(PRINT))).reshape(*marked(mask).shape, -1)
    assert same.all(axis=2)[~marked(mask)].all()


def test_a_gray_photograph_with_a_hint(page, tmp_path):
    choose(page, GRAY)
    page.keyboard.press("h")
    page.locator("#color").fill("#3060c0")
    page.mouse.click(*place(page, 0.5, 0.5))
    assert page.locator("#hints li").count() == 1
    page.mouse.click(*place(page, 0.1, 0.1))
    page.get_by_role("button", name=re.compile("^Remove Color at")).last.click()
    assert page.locator("#hints li").count() == 1
    page.locator("#colorings").fill("2")
    do(page)
    assert "--hint" in page.locator("#command").text_content()
    by_command(page, GRAY, tmp_path)
    first = saved(page, "Download", tmp_path / "first.png").read_bytes()
    assert first == (tmp_path / "by-command.png").read_bytes()
    second = page.get_by_role("button", name="Version 2")
    second.click()
    page.locator("button[aria-pressed=true]", has_text="Version 2").wait_for()
    assert (
        saved(page, "Download", tmp_path / "second.png").read_bytes()
        == (tmp_path / "by-command.sample-2.png").read_bytes()
    )


def test_the_proposal_is_that_of_inspect(page, tmp_path):
    choose(page, NOISY)
    assert "noise" in page.locator("#findings").text_content()
    do(page)
    shown = shlex.split(page.locator("#command").text_content())
    proposed = json.loads(run("inspect", NOISY, "--json").stdout)["command"]
    assert shown[4:] == [*shlex.split(proposed)[4:], "--mask", "none"]  # nor is one taken that is next to the file
    result = saved(page, "Download", tmp_path / "downloaded.png")
    assert result.read_bytes() == by_command(page, NOISY, tmp_path).read_bytes()

    page.get_by_text("Color", exact=True).click()
    page.get_by_role("checkbox", name="Go on anyway").check()
    page.locator("#run").click()
    page.locator("#command", has_text="colorize").wait_for(state="attached", timeout=COMPUTED)
    assert " -m " not in page.locator("#command").text_content()  # which was proposed for restoring


def test_nothing_to_do_and_a_warning_to_tick(page):
    choose(page, SOUND)
    assert page.locator("#findings li").first.text_content() == "Nothing to do"
    page.get_by_text("Color", exact=True).click()
    assert "colors already" in page.locator("#domain").text_content()
    assert page.locator("#run").is_disabled()
    page.get_by_role("checkbox", name="Go on anyway").check()
    assert page.locator("#run").is_enabled()


def canceled(page, path):
    """Cancel restoring once tiles are done; how many were done then, and were at the end, and are in all."""
    choose(page, path)
    page.get_by_role("radio", name="Nothing").check()
    page.locator("#run").click()
    page.locator("#progress-text", has_text=re.compile(r"[1-9]\d* of")).wait_for(timeout=COMPUTED)
    then = page.evaluate("document.getElementById('cancel').click(), document.getElementById('progress').value")
    page.locator("#status", has_text="Canceled").wait_for(timeout=COMPUTED)
    assert page.locator("#results").is_hidden()
    return then, *page.evaluate("(bar => [bar.value, bar.max])(document.getElementById('progress'))")


def noisy(folder, height, width):
    path = folder / "large.png"
    Image.fromarray(noise(height, width, 3)).save(path, compress_level=0)
    return path


def test_cancel_in_the_middle(page, tmp_path, monkeypatch):
    monkeypatch.setattr(any_size, "tile_side", lambda device: 64)
    original = Task.progress

    def progress(task, done, total):
        original(task, done, total)
        for _ in range(1000):  # the second of six tiles takes until it is canceled
            if (done, total) == (1, 6) and not task.canceled:
                time.sleep(0.03)

    monkeypatch.setattr(Task, "progress", progress)
    assert canceled(page, noisy(tmp_path, 128, 192)) == (1, 1, 6)
    assert page.locator("#run").is_enabled()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_cancel_in_the_middle_of_24_megapixels(page, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "COMPUTED", 1_200_000)
    then, done, of = canceled(page, noisy(tmp_path, 4000, 6000))
    assert done <= then + 1 < of


def test_all_of_it_by_keyboard(page, tmp_path):
    keys = page.keyboard
    page.on("filechooser", lambda chooser: None)  # choosers are caught from now on, not only once one is expected

    def tab_to(selector):
        for _ in range(60):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            keys.press("Tab")
        pytest.fail(f"{selector} is not reached by the Tab key")

    tab_to("#open")
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(ASTRONAUT)
    page.locator("#about", has_text=ASTRONAUT.name).wait_for()
    inspected(page)

    tab_to("#stage")
    keys.press("+")
    keys.press("0")
    keys.press("b")
    keys.press("]")
    for _ in range(5):
        keys.press("Shift+ArrowRight")
    keys.down("Space")
    for _ in range(8):
        keys.press("ArrowDown")
    keys.up("Space")
    assert action(page) == "Fill what is marked"
    keys.press("Control+z")
    keys.press("Control+Shift+z")
    tab_to("#save-mask")
    with page.expect_download() as mask:
        keys.press("Enter")
    mask.value.save_as(tmp_path / "mask.png")
    columns = np.nonzero(marked(tmp_path / "mask.png"))[1]
    assert 128 < columns.min() < columns.max() < 256  # right of the middle, where the cursor began

    tab_to("#run")
    keys.press("Enter")
    done(page)
    tab_to("#slider")
    keys.press("ArrowLeft")
    assert page.locator("#slider").input_value() == "0.495"
    tab_to("#download")
    with page.expect_download() as result:
        keys.press("Enter")
    result.value.save_as(tmp_path / "result.png")
    assert (tmp_path / "result.png").read_bytes() == by_command(
        page, ASTRONAUT, tmp_path, tmp_path / "mask.png"
    ).read_bytes()


def test_a_phone(new_page, address, tmp_path):
    page = new_page(address, **PHONE)
    choose(page, ASTRONAUT)
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    page.locator("#tools button[data-tool=brush]").tap()
    (x, y), width = place(page, 0.5, 0.5), page.locator("#before img").first.bounding_box()["width"]
    touch("Start", (x - 20, y))
    touch("Start", (x - 20, y), (x + 20, y))
    for step in range(1, 6):
        touch("Move", (x - 20 - 8 * step, y), (x + 20 + 8 * step, y))
    touch("End")
    assert action(page) != "Fill what is marked"  # the first finger of a pinch leaves no dot
    assert page.locator("#before img").first.bounding_box()["width"] == pytest.approx(3 * width, rel=0.05)

    touch("Start", (x, y))
    for step in range(1, 6):
        touch("Move", (x + 10 * step, y))
    touch("End")
    assert action(page) == "Fill what is marked"
    page.locator("#undo").tap()
    page.locator("#redo").tap()
    assert marked(saved(page, "Save mask", tmp_path / "mask.png")).any()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    assert page.evaluate("scrollY") == 0


def test_a_desktop_at_200_percent(new_page, address):
    page = new_page(address, viewport={"width": 640, "height": 400})
    choose(page, SOUND)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    for control in ("#stage", "#tones", "#run"):
        page.locator(control).scroll_into_view_if_needed()
        box = page.locator(control).bounding_box()
        assert box["y"] < 400
        assert box["y"] + box["height"] > 0


def test_two_pages_do_not_disturb_each_other(new_page, address, tmp_path):
    first, second = new_page(address), new_page(address)
    choose(first, ASTRONAUT)
    choose(second, ASTRONAUT)
    first.set_input_files("#mask-file", ASTRONAUT.with_suffix(".mask.png"))
    first.locator("#run", has_text="Fill what is marked").wait_for()
    first.locator("#run").click()
    do(second)
    done(first)
    results = []
    for i, page, mask in ((1, first, ASTRONAUT.with_suffix(".mask.png")), (2, second, None)):
        (tmp_path / str(i)).mkdir()
        results.append(saved(page, "Download", tmp_path / f"{i}.png").read_bytes())
        assert results[-1] == by_command(page, ASTRONAUT, tmp_path / str(i), mask).read_bytes()
    assert results[0] != results[1]


def test_several_pictures_and_all_results(page, tmp_path):
    choose(page, ASTRONAUT)
    paste(page, SOUND)
    page.locator("#list li").nth(1).wait_for()
    page.locator("#list button", has_text=ASTRONAUT.name).first.click()
    page.locator("#about", has_text=ASTRONAUT.name).wait_for()
    do(page)
    page.locator("#list button", has_text=SOUND.name).first.click()
    page.locator("#about", has_text=SOUND.name).wait_for()
    assert page.locator("#results").is_hidden()
    with zipfile.ZipFile(saved(page, "Download all results as a ZIP file", tmp_path / "all.zip")) as results:
        assert any(name.startswith(ASTRONAUT.stem) for name in results.namelist())
    inspected(page)  # or the browser's console says that what it waits for is gone
    page.get_by_role("button", name=f"Remove {SOUND.name}").click()
    page.locator("#list li").nth(1).wait_for(state="detached")
    assert page.locator("#error").is_hidden()


def test_marks_that_are_found_behind_another_picture_are_those_of_their_own(page, loaded, tmp_path, monkeypatch):
    may_end, original = threading.Event(), loaded._find

    def find(held, sensitivity, task):
        assert may_end.wait(100)
        original(held, sensitivity, task)

    monkeypatch.setattr(loaded, "_find", find)
    choose(page, PRINT)
    paste(page, SOUND)
    first, second = (page.locator("#list li").nth(i).locator("button").first for i in range(2))
    first.click()
    page.locator("#about", has_text=PRINT.name).wait_for()
    page.get_by_role("button", name="Show found").click()
    page.locator("#cancel").wait_for()
    second.click()
    page.locator("#about", has_text=SOUND.name).wait_for()
    assert action(page) == "Restore anyway"
    with page.expect_response(re.compile("mask.png"), timeout=COMPUTED):
        may_end.set()
    page.wait_for_timeout(200)
    assert action(page) == "Restore anyway"
    assert page.locator("#mask-note").text_content() == ""

    first.focus()
    page.keyboard.press("Enter")
    page.locator("#about", has_text=PRINT.name).wait_for()
    page.locator("#mask-note", has_text="what was found").wait_for()
    assert first.evaluate("button => button === document.activeElement")
    assert marked(saved(page, "Save mask", tmp_path / "found.png")).any()


def test_uncertainty_over_the_result(page):
    choose(page, ASTRONAUT)
    page.get_by_text("More settings").click()
    page.get_by_role("checkbox", name="Map of where it is unsure").check()
    page.locator("#samples").fill("1")
    do(page)
    assert page.locator("#thumbnails button").count() == 2
    page.get_by_role("checkbox", name="Show where it is unsure").check()
    page.locator("#expected-error .sheet[style*='blob:']").wait_for()


def test_a_file_is_dropped(page):
    """As from a file manager, on the empty page and on the picture that is open."""
    mouse = page.context.new_cdp_session(page)
    for path in (SOUND, GRAY):
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            mouse.send("Input.dispatchDragEvent", {"type": kind, "x": 500, "y": 400, "data": data})
        page.locator("#about", has_text=path.name).wait_for()
        inspected(page)
    page.locator("#list li").nth(1).wait_for()


def test_a_folder(new_page, loaded, folder):
    service = Service(loaded.options, Folder(folder))
    service.load()
    with serving(service) as client:
        page = new_page(f"http://127.0.0.1:{client.port}/#{SECRET}")
        page.locator("#list li").nth(1).wait_for()
        page.locator("#list button").first.click()
        page.locator("#about", has_text="digit").wait_for()
        page.get_by_role("button", name="Restore all").click()
        page.locator("#list .done").nth(1).wait_for(timeout=COMPUTED)
        written = [path.name for path in folder.with_name("scans.restored").glob("*.png")]
        assert sorted(written) == ["digit-1.png", "digit-3.png"]
        page.close()  # which else asks on for what inspecting finds
    service.worker.close()


def test_every_control_has_a_name(page):
    choose(page, ASTRONAUT)
    page.get_by_text("More settings").click()
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in tree if node.get("role", {}).get("value") in CONTROLS and not node["ignored"]]
    assert len(controls) > 20
    assert [node for node in controls if not node.get("name", {}).get("value")] == []


def test_errors_are_said_in_one_line(new_page, address, tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no image")
    page = new_page(address, expected=["415"])
    page.set_input_files("#files", path)
    page.locator("#error").wait_for()
    assert path.name in page.locator("#error").text_content()


def test_without_the_token_the_page_says_what_to_do(new_page, address):
    page = new_page(address.split("#")[0])
    page.locator("#error", has_text="agerestore serve").wait_for()
