"""Decoded sets: read once, and anew when a file has changed."""

import os

import cv2
import numpy as np
import pytest
import torch
from published_sets import mnist

from agerestore.data import sources
from agerestore.images import io


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were decoded."""
    names, read = [], io.read_pixels
    monkeypatch.setattr(io, "read_pixels", lambda path: (names.append(path.name), read(path))[1])
    return names


def write(path, value):
    cv2.imwrite(str(path), np.full((40, 40, 3), value, np.uint8))


def test_files_are_decoded_once_and_anew_when_one_has_changed(tmp_path, decoded):
    folder = tmp_path / "set" / "7"
    folder.mkdir(parents=True)
    for number in range(3):
        write(folder / f"{number}.png", number)
    (folder / "notes.txt").write_text("left out")

    def load(size=32):
        return sources.load_images(tmp_path / "set", size, 3, cache=tmp_path / "cache")

    first = load()
    decoded.clear()
    again = load()
    assert not decoded
    assert torch.equal(again.images, first.images)
    assert (again.labels.tolist(), again.skipped, again.found) == ([7] * 3, first.skipped, 3)
    load(64)
    assert len(decoded) == 3  # another size is another set
    decoded.clear()
    write(folder / "1.png", 99)
    os.utime(folder / "1.png", ns=(1, 1))
    assert load().images[1].unique().tolist() == [99]
    assert len(decoded) == 3
    decoded.clear()
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"damaged")
    assert load().images[1].unique().tolist() == [99]
    assert len(decoded) == 3
    assert all(file.suffix == ".safetensors" for file in (tmp_path / "cache").iterdir())


def test_a_set_that_is_no_files_is_not_kept(tmp_path):
    mnist(tmp_path, np.random.default_rng(0), 5)
    assert len(sources.load_images(tmp_path / "mnist", 32, 1, cache=tmp_path / "cache")) == 5
    assert not (tmp_path / "cache").exists()
