"""The one thread that computes: progress, cancel, and what follows what."""

import gc
import threading
import time
import weakref
from functools import partial

import numpy as np
import pytest
from agerestore_cli.page.store import Held
from agerestore_cli.page.worker import ENDED, Canceled, QueueFullError, Task, Worker

from agerestore.images import io as files
from agerestore.images.photo import Photo
from agerestore.inference import any_size


def wait_for(task):
    deadline = time.monotonic() + 20
    while task.state not in ENDED:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_canceling_takes_at_most_one_further_tile(client, monkeypatch):
    monkeypatch.setattr(any_size, "tile_side", lambda device: 64)
    pixels = np.random.default_rng(0).integers(0, 256, (128, 192, 3), np.uint8)  # of six tiles
    id = client.upload(files.encode(Photo(pixels), ".png"))
    client.inspected(id)
    done = []
    original = Task.progress

    def progress(task, *counts):
        original(task, *counts)
        done.append(counts)
        if counts == (2, 6):
            client.http.delete(f"/api/jobs/{task.id}")

    monkeypatch.setattr(Task, "progress", progress)
    job = client.do(id, "restore", mask="none")
    assert (job["state"], job["done"], job["total"]) == ("canceled", 2, 6)
    assert done[-1] == (2, 6)
    assert client.get(id).json()["results"] == []
    assert client.get(id).json()["state"] == "new"


def test_what_was_clicked_for_comes_first():
    order, worker = [], Worker(9, str)
    waiting = [Task(name, lambda task: order.append(task.verb), later=name in "ab") for name in "abcd"]
    with worker._changed:  # so that none is begun
        for task in waiting:
            worker.submit(task)
    for task in waiting:
        wait_for(task)
    assert order == ["c", "d", "a", "b"]
    worker.close()


def test_a_full_queue_refuses_clicks_alone():
    worker = Worker(0, str)
    with pytest.raises(QueueFullError):
        worker.submit(Task("restore", lambda task: None))
    assert worker.submit(Task("inspect", lambda task: None, later=True)).verb == "inspect"
    worker.close()


def test_a_click_cancels_what_was_not_clicked_for():
    worker, begun = Worker(9, str), threading.Event()

    def inspect(task):
        while True:
            begun.set()
            task.progress(0, 1)

    inspecting = worker.submit(Task("inspect", inspect, later=True))
    assert begun.wait(20)
    waiting = worker.submit(Task("inspect", lambda task: None, later=True))
    clicked = worker.submit(Task("restore", lambda task: None))
    for task in (clicked, waiting):
        wait_for(task)
    worker.close()
    assert [task.state for task in (inspecting, clicked, waiting)] == ["canceled", "done", "done"]


def test_what_a_click_has_canceled_is_inspected_when_it_is_asked_for_again(client):
    id = client.upload(files.encode(Photo(np.zeros((64, 64, 3), np.uint8)), ".png"))
    held = client.service.store.get(id)
    client.end(held.inspecting.id)
    held.found, held.inspecting.state = {}, "canceled"
    assert client.inspected(id)["findings"]


def test_errors_are_explained_and_do_not_end_the_thread():
    worker = Worker(9, lambda error: f"explained: {error}")
    failed, done = Task("x", lambda task: 1 / 0), Task("y", lambda task: task.progress(1, 2))
    for task in (failed, done):
        worker.submit(task)
    wait_for(done)
    worker.close()
    assert (failed.state, failed.error) == ("failed", "explained: division by zero")
    assert (done.state, done.done, done.total) == ("done", 1, 2)


def test_what_was_worked_on_is_let_go_of():
    """A task that is remembered does not keep the file in memory."""
    for make_end in (lambda task: task.run(str), lambda task: task.end("canceled")):
        held = Held("x")
        gone, task = weakref.ref(held), Task("x", partial(lambda held, task: None, held))
        del held
        assert gone() is not None
        make_end(task)
        gc.collect()
        assert gone() is None


def test_a_task_that_is_canceled_before_it_begins_does_nothing():
    task = Task("x", lambda task: 1 / 0)
    task.canceled = True
    task.run(str)
    assert task.state == "canceled"
    with pytest.raises(Canceled):
        task.check()


def test_the_time_that_is_left_follows_the_tiles(monkeypatch):
    clock = iter([100.0, 100.0, 110.0, 130.0])
    monkeypatch.setattr("agerestore_cli.page.worker.time.perf_counter", lambda: next(clock))
    task = Task("x", lambda task: None, estimate=30.0, state="running")
    task._began = 100.0
    assert task.as_json(0)["seconds_left"] == 30.0  # by the estimate
    task.progress(0, 4)
    assert task.as_json(0)["seconds_left"] == 20.0
    task.progress(1, 4)
    assert task.as_json(0)["seconds_left"] == 90.0  # three further ones, as the first took 30
