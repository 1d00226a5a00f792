"""Working through a folder: its files, and results under the contract of batches."""

import json
import shlex

import filelock
import numpy as np
import pytest
from agerestore_cli.page.folder import Folder
from agerestore_cli.page.service import Options, Service
from command import run, tree
from pages import image_file, serving

from agerestore.batch.manifest import LOCK, NAME
from agerestore.images import io as files
from agerestore.images.photo import Photo


def mask_file():
    missing = np.zeros((48, 48, 1), np.uint8)
    missing[10:20, 8:40] = 255
    return files.encode(Photo(missing), ".png")


@pytest.fixture
def folder(tmp_path):
    """Three files in a tree, of which one has a mask next to it."""
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "sub/c.png")):
        (source / name).write_bytes(image_file(48, seed=number))
    (source / "a.mask.png").write_bytes(mask_file())
    return source


@pytest.fixture
def client(loaded, folder):
    """A client of a server that works through the folder."""
    service = Service(Options(device="cpu"), Folder(folder))
    for held in service.folder.search():
        service.store.add(held)
    service._seconds = loaded._seconds
    with serving(service) as client:
        yield client
    service.worker.close()


def listed(client):
    return {each["name"]: each for each in client.http.get("/api/pictures").json()}


def restore_all(client, **settings):
    response = client.http.post("/api/folder/restore", json=settings)
    assert response.status_code == 202, response.text
    return client.end(response.json()["job"])


def test_files_are_listed_and_nothing_begins_before_a_click(client, folder):
    files = listed(client)
    assert list(files) == ["a.png", "b.png", "sub/c.png"]
    assert {(each["state"], each["in_folder"], each["width"]) for each in files.values()} == {("new", True, None)}
    state = client.http.get("/api/state").json()["folder"]
    assert state == {"name": str(folder), "out": f"{folder}.restored", "locked": None, "left_out": []}
    assert client.get(files["a.png"]["id"]).json()["mask"] == "given"  # the one next to it
    assert not folder.with_name("in.restored").exists()


def test_a_result_made_by_hand_is_known_to_the_command_with_its_mask(client, folder):
    out = folder.with_name("in.restored")
    id = listed(client)["b.png"]["id"]
    client.http.put(f"/api/pictures/{id}/mask.png", content=mask_file())
    job = client.do(id, "restore", mask="given", model="photo")
    assert job["command"] == shlex.join(
        ["agerestore", "restore", f"{folder}/b.png", f"{out}/b.png", "-m", "photo", "--mask", f"{out}/b.mask.png"]
    )
    assert tree(out) == ["b.mask.png", "b.png"]
    assert client.get(id, "/file").content == (out / "b.png").read_bytes()
    before = (out / "b.png").stat().st_mtime_ns

    again = run("restore", folder, out, "-m", "photo", "--mask", out, "--json")
    rows = {row["input"]: row["status"] for row in map(json.loads, again.stdout.splitlines())}
    assert rows == {f"{folder}/a.png": "done", f"{folder}/b.png": "skipped", f"{folder}/sub/c.png": "done"}
    assert (out / "b.png").stat().st_mtime_ns == before


def test_restoring_all_is_the_command_and_keeps_what_was_made_by_hand(client, folder, tmp_path):
    out = folder.with_name("in.restored")
    id = listed(client)["b.png"]["id"]
    client.do(id, "restore", strength=0.5, mask="none")
    by_hand = (out / "b.png").read_bytes()

    job = restore_all(client)
    assert (job["state"], job["done"], job["total"]) == ("done", 3, 3)
    assert job["remarks"] == ["2 done, 1 kept, as made otherwise"]
    assert (out / "b.png").read_bytes() == by_hand
    assert {each["state"] for each in listed(client).values()} == {"done"}

    expected = tmp_path / "expected"
    assert run(*shlex.split(job["command"])[1:3], expected).exit_code == 0
    for name in ("a.png", "sub/c.png"):
        assert (out / name).read_bytes() == (expected / name).read_bytes()
    assert restore_all(client)["remarks"] == ["2 skipped, 1 kept, as made otherwise"]
    assert run("restore", folder, out).stderr.endswith("2 skipped (done before), 1 failed\n")
    assert restore_all(client, overwrite=True)["remarks"] == ["2 skipped, 1 done"]


def test_results_are_there_again_when_the_server_starts_again(client, folder):
    id = listed(client)["sub/c.png"]["id"]
    client.do(id, "restore", mask="none", uncertainty=True, model="photo")
    found = {held.name: held.results for held in Folder(folder).search()}
    assert {name: list(results) for name, results in found.items()} == {
        "a.png": [], "b.png": [], "sub/c.png": ["after", "uncertainty"],
    }  # fmt: skip
    assert found["sub/c.png"]["after"].read() == client.get(id, "/file").content


def test_what_was_made_here_is_replaced_and_what_is_foreign_is_not(client, folder):
    out = folder.with_name("in.restored")
    files = listed(client)
    first = client.do(files["b.png"]["id"], "restore", mask="none", samples=1)
    second = client.do(files["b.png"]["id"], "restore", mask="none", strength=0.1)
    assert [len(job["results"]) for job in (first, second)] == [2, 1]
    assert tree(out) == ["b.png"]  # without the sample of the result that was replaced
    (out / "a.png").write_bytes(b"mine")
    failed = client.do(files["a.png"]["id"], "restore", mask="none")
    said = "exists, and was not made here; pass --overwrite to replace it"
    assert (failed["state"], failed["error"]) == ("failed", f"{out}/a.png: {said}")
    assert (out / "a.png").read_bytes() == b"mine"
    assert client.do(files["a.png"]["id"], "restore", mask="none", overwrite=True)["state"] == "done"


def test_a_folder_that_another_run_writes_to_is_said_in_one_line(client, folder):
    out = folder.with_name("in.restored")
    out.mkdir()
    line = f"{out}: another run is writing to this folder; wait for it or choose another output"
    with filelock.FileLock(out / LOCK):
        assert client.http.get("/api/state").json()["folder"]["locked"] == line
        response = client.http.post("/api/folder/restore", json={})
        assert (response.status_code, response.json()) == (422, {"error": line})
        assert client.do(listed(client)["b.png"]["id"], "restore")["error"] == line
    assert client.http.get("/api/state").json()["folder"]["locked"] is None
    assert not (out / NAME).exists()


def test_without_a_folder_there_is_nothing_to_restore_all_of(loaded, folder):
    with pytest.raises(Exception, match="no folder was given"):
        loaded.submit_folder({})
