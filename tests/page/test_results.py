"""What the page gives is to the byte what the command writes, by the command line that the page shows."""

import io
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command import EXAMPLES, run
from pictures import DISPLAY_P3_LIKE, exif_block
from PIL import Image

from agerestore.images import io as files
from agerestore.images.photo import Photo


def photograph(side=96):
    """A part of the old print among the examples, which is scratched."""
    return np.asarray(Image.open(EXAMPLES / "damaged" / "photo-portrait.png").convert("RGB"))[
        60 : 60 + side, 60 : 60 + side
    ]


def deep_png():
    pixels = photograph().astype(np.uint16) * 257
    pixels[::7] += 3  # in the low bytes
    return files.encode(Photo(pixels), ".png")


def camera_jpeg():
    file, image = io.BytesIO(), Image.fromarray(photograph()[:64])
    image.save(file, "JPEG", quality=60, exif=exif_block(6), icc_profile=DISPLAY_P3_LIKE, dpi=(300, 300))
    return file.getvalue()


def gray_png():
    file = io.BytesIO()
    Image.fromarray(photograph()).convert("L").save(file, "PNG")
    return file.getvalue()


def mask_png(height, width):
    missing = np.zeros((height, width, 1), np.uint8)
    missing[10:20, 8:40] = 255
    return files.encode(Photo(missing), ".png")


SOURCES = {"deep.png": deep_png, "camera.jpg": camera_jpeg, "gray.png": gray_png}
CASES = [
    ("deep.png", "restore", {"mask": "given", "samples": 1, "uncertainty": True}),
    ("deep.png", "restore", {"tones": 1, "sensitivity": 0.9}),
    ("camera.jpg", "restore", {"model": "photo", "strength": 0.5}),
    ("camera.jpg", "restore", {"mask": "given"}),
    ("camera.jpg", "restore", {"mask": "none", "always": True}),
    ("gray.png", "restore", {"mask": "none", "sigma": 8, "neutral": True, "colorize": True}),
    ("gray.png", "colorize", {"samples": 2, "seed": 3, "hints": [[30, 40, "#a0522d"]]}),
    ("deep.png", "colorize", {"force": True, "saturation": 0.7}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "verb", "settings"), CASES)
def test_results_are_what_the_shown_command_writes(client, tmp_path, monkeypatch, name, verb, settings):
    data = SOURCES[name]()
    id = client.upload(data, name)
    if settings.get("mask") == "given":
        known = client.get(id).json()
        mask = mask_png(known["height"], known["width"])
        assert client.http.put(f"/api/pictures/{id}/mask.png", content=mask).json()["share"] > 0
        (tmp_path / f"{Path(name).stem}.mask.png").write_bytes(client.get(id, "/mask.png").content)
    job = client.do(id, verb, **settings)
    assert (job["state"], job["error"]) == ("done", None)

    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(data)
    before = set(tmp_path.iterdir())
    words = shlex.split(job["command"])
    assert words[:2] == ["agerestore", verb]
    assert run(*words[1:]).exit_code == 0
    written = {path.name: path.read_bytes() for path in set(tmp_path.iterdir()) - before}
    made = {each["name"]: client.get(id, f"/file?what={each['what']}").content for each in job["results"]}
    assert made == written


def test_a_jpeg_keeps_all_that_its_file_holds(client):
    id = client.upload(camera_jpeg(), "camera.jpg")
    known = client.get(id).json()
    assert (known["width"], known["height"]) == (64, 96)  # upright
    assert known["kept"] == ["P-3X built-in color profile", "EXIF", "300 x 300 dpi", "the quality of the JPEG"]
    client.do(id, "restore", model="photo")
    made = Image.open(io.BytesIO(client.get(id, "/file").content))
    assert made.info["icc_profile"] == DISPLAY_P3_LIKE
    assert made.info["dpi"] == (300, 300)
    assert made.getexif()[0x010F] == "Leica"


def test_what_is_sound_is_left_alone_to_the_byte(client):
    data = files.encode(Photo(np.full((64, 64, 3), 120, np.uint8)), ".png")
    id = client.upload(data)
    assert client.inspected(id)["proposal"]["verb"] == "none"
    assert client.do(id, "restore")["remarks"] == [
        "nothing was found to restore: left as it is; --always restores it anyway"
    ]
    assert client.get(id, "/file").content == data


def test_the_mask_that_was_found_can_be_corrected(client):
    id = client.upload((EXAMPLES / "damaged" / "photo-portrait.png").read_bytes(), "portrait.png")
    job = client.do(id, "find", sensitivity=0.8)
    assert client.get(id).json()["mask"] == "found"
    found = np.asarray(Image.open(io.BytesIO(client.get(id, "/mask.png").content)))
    assert job["results"] == [{"what": "mask", "share": pytest.approx((found > 0).mean())}]
    assert set(np.unique(found)) == {0, 255}

    corrected = found.copy()
    corrected[:, : found.shape[1] // 2] = 0
    client.http.put(f"/api/pictures/{id}/mask.png", content=files.encode(Photo(corrected[..., None]), ".png"))
    assert client.get(id).json()["mask"] == "edited"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(client.get(id, "/mask.png").content))), corrected)

    client.do(id, "restore", mask="given")
    before = np.asarray(Image.open(EXAMPLES / "damaged" / "photo-portrait.png"))
    after = np.asarray(Image.open(io.BytesIO(client.get(id, "/file").content)))
    changed = (before != after).any(axis=2) if before.ndim == 3 else before != after
    assert changed.any()
    assert not changed[corrected == 0].any()

    assert client.http.delete(f"/api/pictures/{id}/mask.png").status_code == 204
    assert client.http.get(f"/api/pictures/{id}/mask.png").status_code == 404


def test_a_second_click_gives_the_same_although_a_mask_was_found_meanwhile(client):
    id = client.upload((EXAMPLES / "damaged" / "photo-portrait.png").read_bytes(), "portrait.png")
    first, once = client.do(id, "restore"), client.get(id, "/file").content
    assert client.get(id).json()["mask"] == "found"
    second, twice = client.do(id, "restore"), client.get(id, "/file").content
    assert first["command"] == second["command"]
    assert once == twice


def test_inspecting_says_what_is_wrong_and_what_would_help(client):
    noisy = np.random.default_rng(0).normal(128, 30, (96, 96, 1)).clip(0, 255).astype(np.uint8)
    found = client.inspected(client.upload(files.encode(Photo(noisy), ".png")))
    assert (found["proposal"]["verb"], found["proposal"]["settings"]["model"]) == ("restore", "photo")
    assert found["findings"][0].startswith("noise of sigma")
    assert found["estimate"]["seconds"] >= 0
    assert found["estimate"]["megabytes"] > 0


def test_what_has_colors_is_colorized_by_force_alone(client):
    pixels = photograph().copy()
    pixels[:, 48:] = pixels[:, 48:, ::-1]  # brown on the left, blue on the right
    id = client.upload(files.encode(Photo(pixels), ".png"))
    assert client.inspected(id)["domain"]["colorize"] == "has colors already, which would be replaced"
    job = client.do(id, "colorize")
    assert (job["state"], job["error"]) == (
        "failed",
        "has colors already; use agerestore colorize --force to replace them",
    )
    assert client.do(id, "colorize", force=True)["state"] == "done"


def test_previews_are_srgb_and_upright_and_never_enlarged(client):
    id = client.upload(camera_jpeg(), "camera.jpg")
    shown = Image.open(io.BytesIO(client.get(id, "/preview").content))
    assert (shown.size, shown.info.get("icc_profile")) == ((64, 96), None)
    assert Image.open(io.BytesIO(client.get(id, "/preview?side=48").content)).size == (32, 48)
    known = deep_png()
    deep = client.upload(known)
    part = Image.open(io.BytesIO(client.get(deep, "/crop?x=5&y=7&width=20&height=1000").content))
    whole = np.rint(files.decode(known, Path("deep.png")).pixels / 257).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(part), whole[7:, 5:25])
    clear = np.dstack([photograph(), np.full((96, 96), 100, np.uint8)])
    transparent = client.upload(files.encode(Photo(clear[..., :3], clear[..., 3]), ".png"))
    response = client.get(transparent, "/preview")
    assert response.headers["content-type"] == "image/webp"
    assert np.asarray(Image.open(io.BytesIO(response.content)).convert("RGBA"))[0, 0, 3] == 100


def test_all_results_come_in_one_archive(client):
    ids = [client.upload(gray_png(), "same.png") for _ in range(2)]
    for id in ids:
        client.do(id, "restore", mask="none", always=True)
    archive = zipfile.ZipFile(io.BytesIO(client.http.get(f"/api/results.zip?ids={','.join(ids)}").content))
    assert archive.namelist() == ["same.restored.png", "same.restored (2).png"]
    assert archive.testzip() is None
    assert archive.read("same.restored.png") == client.get(ids[0], "/file").content


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"strength": 2}, "--strength 2 is not within 0 to 1"),
        ({"strength": "all"}, "--strength must be a number, not 'all'"),
        ({"mask": "given"}, "--mask must be auto, none, or given, once a mask was sent"),
        ({"samples": 17}, "-n 17 are more than 16; draw fewer at a time"),
        ({"model": "/etc/passwd"}, "no model '/etc/passwd'"),
        ({"tile": 64}, "'tile' is no setting of restore"),
        ({"force": 1}, "--force must be true or false"),
        ([], "the settings must be an object of JSON"),
    ],
)
def test_settings_that_are_not_understood_are_refused_in_one_line(client, settings, line):
    id = client.upload(gray_png())
    response = client.http.post(f"/api/pictures/{id}/restore", json=settings)
    assert response.status_code == 422
    assert response.json()["error"].startswith(line)


WHITE = "#ffffff"


@pytest.mark.parametrize(
    "hints",
    [[[1, 2]], [[-1, 2, WHITE]], [{"x": 1, "y": 2, "color": WHITE}], "all", [5], {}, [[900, 2, WHITE]]],
)
def test_hints_that_are_none_are_refused(client, hints):
    id = client.upload(gray_png())
    response = client.http.post(f"/api/pictures/{id}/colorize", json={"hints": hints})
    failed = response.json() if response.status_code == 422 else client.end(response.json()["job"])
    assert "hint" in failed["error"]
