"""What is held, by whom, and what is left of it: memory, the queue, the process."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from agerestore_cli.page import service as services
from agerestore_cli.page.guard import TOKEN, Guard
from agerestore_cli.page.service import Options, Service
from agerestore_cli.page.store import Held, Store
from pages import SECRET, Client, image_file, serving

from agerestore.batch.jobs import Job

ROOT = Path(__file__).parents[2]


def test_the_store_is_bounded_and_the_oldest_are_dropped():
    dropped = []
    store = Store(3, 100, dropped.append)
    held = [store.add(Held("x", data=bytes(10))) for _ in range(3)]
    assert store.get(held[0].id) is held[0]  # used last
    store.add(Held("x", data=bytes(10)))
    assert [store.get(each.id) is None for each in held] == [False, True, False]
    assert dropped == [held[1]]
    assert held[1].id in store.dropped
    store.add(Held("x", data=bytes(95)))
    assert sum(each.size for each in store.all()) == 95
    store.add(Held("folder.png", Job(Path("folder.png"), Path("out.png"))))
    store.add(Held("x", data=bytes(95)))
    assert [each.name for each in store.all()] == ["folder.png", "x"]


def test_decoded_images_are_bounded_and_decoded_again_once_they_are_gone(monkeypatch):
    service, decoded, decode = Service(Options(memory=6000)), [], services.io.decode
    monkeypatch.setattr(
        services.io, "decode", lambda data, path, most: decoded.append(path.stem) or decode(data, path, most)
    )
    sides = {"a": 20, "b": 20, "c": 20, "l": 40}
    files = {name: Held(f"{name}.png", data=image_file(side)) for name, side in sides.items()}

    def photos(names):
        decoded.clear()
        for name in names:
            assert service.photo(files[name]).pixels.shape[0] == sides[name]
        return "".join(decoded)

    assert photos("abab") == "ab"  # 1,200 bytes each, of the 3,000 that are kept
    assert photos("c") == "c"  # a goes, as b was used later
    assert photos("ba") == "a"
    assert photos("ll") == "ll"  # 4,800 bytes are never kept
    assert len(service._photos) == 2
    service.worker.close()


def test_what_was_dropped_is_gone(client):
    small = Service(Options(uploads=2))
    small._seconds = client.service._seconds
    with serving(small) as other:
        first, *_ = [other.upload(image_file(seed=seed)) for seed in range(4)]
        assert other.http.get(f"/api/pictures/{first}").status_code == 410
        assert other.http.get(f"/api/pictures/{first}/file").status_code == 410
        assert len(other.http.get("/api/pictures").json()) == 2
        assert other.http.get("/api/pictures/none").status_code == 404
    small.worker.close()


def test_two_clients_do_not_disturb_each_other(client):
    other = Client(client.service, client.port)
    mine, theirs = client.upload(image_file(seed=1), "a.png"), other.upload(image_file(seed=2), "a.png")
    jobs = [
        each.http.post(f"/api/pictures/{id}/restore", json={"mask": "none", "seed": 1}).json()["job"]
        for each, id in ((client, mine), (other, theirs))
    ]
    assert [client.end(job)["state"] for job in jobs] == ["done", "done"]
    assert client.get(mine, "/file").content != client.get(theirs, "/file").content
    assert client.http.delete(f"/api/pictures/{mine}").status_code == 204
    assert other.get(theirs, "/file").status_code == 200
    other.http.close()


@pytest.fixture
def held_up(client, monkeypatch):
    """A task that runs until it is canceled, so that all others wait."""

    def make(held, wanted, task):
        while True:
            task.progress(0, 9)
            time.sleep(0.01)

    monkeypatch.setattr(client.service, "_make", make)
    id = client.upload(image_file())
    job = client.http.post(f"/api/pictures/{id}/restore", json={}).json()["job"]
    yield job, id
    client.http.delete(f"/api/jobs/{job}")
    assert client.end(job)["state"] == "canceled"


def test_the_queue_is_bounded(client, held_up):
    answers = [client.http.post(f"/api/pictures/{client.upload(image_file())}/restore", json={}) for _ in range(4)]
    assert [each.status_code for each in answers] == [202, 202, 503, 503]
    assert answers[-1].headers["retry-after"] == "5"
    waiting = [each.json()["job"] for each in answers[:2]]
    assert [client.http.get(f"/api/jobs/{job}").json()["place"] for job in waiting] == [1, 2]
    assert client.http.delete(f"/api/jobs/{waiting[0]}").status_code == 204
    assert client.end(waiting[0])["state"] == "canceled"
    assert client.http.get(f"/api/jobs/{waiting[1]}").json()["place"] == 1
    client.http.delete(f"/api/jobs/{waiting[1]}")


def test_a_file_is_worked_on_once_at_a_time(client, held_up):
    _, id = held_up
    response = client.http.post(f"/api/pictures/{id}/colorize", json={})
    assert response.status_code == 409
    assert response.json()["error"] == "image.png: is being worked on; wait for that, or cancel it"


def test_dropping_a_file_ends_what_is_done_with_it(client, held_up):
    job, id = held_up
    assert client.http.delete(f"/api/pictures/{id}").status_code == 204
    assert client.end(job)["state"] == "canceled"


def test_a_killed_server_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-m", "agerestore_cli", "serve", "--port", "0", "--token", SECRET]
    here = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=here, stdout=subprocess.PIPE, text=True) as server:
        address = re.search(r"http://127\.0\.0\.1:(\d+)/#" + SECRET, server.stdout.readline())
        base = f"http://127.0.0.1:{address[1]}"
        with httpx.Client(base_url=base, headers={TOKEN: SECRET}, timeout=100) as http:
            id = http.post("/api/pictures", content=image_file(200)).json()["id"]
            assert http.post(f"/api/pictures/{id}/restore", json={"mask": "none"}).status_code == 202
        server.send_signal(signal.SIGKILL)
    assert list(tmp_path.rglob("*")) == []
    socket.create_server(("127.0.0.1", int(address[1]))).close()  # nor a process that holds the port


def test_the_guard_answers_to_nothing_but_http():
    with pytest.raises(RuntimeError, match="websocket"):
        asyncio.run(Guard(None, SECRET, 1)({"type": "websocket"}, None, None))
