"""The page against the command: seconds from the click to the bytes of the result, by the command's after start-up.

python benchmarks/page.py [ROUNDS] [MEGAPIXELS ...]

The server is a process of its own, and has inspected the image, as it has when a person clicks. The command runs in
this process, with the models loaded. Both compute in one thread; their results must be the same to the byte.
"""

import json
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from agerestore_cli.app import app
from side_by_side import medians, tell

from agerestore.images import io
from agerestore.images.masks import as_photo
from agerestore.images.photo import Photo

EXAMPLES = Path(__file__).parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES.parent / "tests"))
from served import end, serve  # noqa: E402

SIZES = {1: (1000, 1000), 24: (4000, 6000)}
CASES = {  # what is clicked for, and the options of the command
    "a noisy photograph": ({"model": "photo", "mask": "none"}, ["-m", "photo", "--mask", "none"]),
    "defects that are found": ({}, []),
    "a mask": ({"mask": "given"}, ["--mask", "mask.png"]),
}


class Api:
    """The HTTP API of a server, by the address that it prints."""

    def __init__(self, address: str) -> None:
        self._base, self._token = address.split("#")

    def __call__(self, method: str, path: str, body: bytes | None = None) -> Any:
        """What a request is answered with: JSON as an object, and else bytes."""
        headers = {"X-Agerestore-Token": self._token}
        request = urllib.request.Request(f"{self._base}api/{path}", body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            data = answer.read()
            return json.loads(data) if answer.headers["Content-Type"] == "application/json" else data

    def follow(self, job: str) -> dict[str, Any]:
        """A job when it has ended."""
        *_, last = self("GET", f"jobs/{job}/events").decode().strip().split("\n\n")
        state: dict[str, Any] = json.loads(last.removeprefix("data: "))
        return state

    def restore(self, id: str, settings: dict[str, Any]) -> bytes:
        """The bytes of a result, as the page gets them after a click."""
        job = self.follow(self("POST", f"pictures/{id}/restore", json.dumps(settings).encode())["job"])
        if job["state"] != "done":
            raise RuntimeError(f"the job ended as {job['state']}: {job['error']}")
        result: bytes = self("GET", f"pictures/{id}/file?what=after")
        return result


def photograph(height: int, width: int) -> Photo:
    """The old print among the examples, over and over, with noise."""
    pixels = io.read(EXAMPLES / "damaged" / "photo-portrait.png").as_rgb().pixels
    times = -(-height // pixels.shape[0]), -(-width // pixels.shape[1]), 1
    tiled = np.tile(pixels, times)[:height, :width]
    noise = np.random.default_rng(0).normal(0, 12, tiled.shape)
    return Photo((tiled + noise).clip(0, 255).astype(np.uint8))


def hole(height: int, width: int) -> bytes:
    """A mask that marks one pixel in a hundred, in a square."""
    missing = np.zeros((height, width), bool)
    missing[height // 2 : height // 2 + height // 10, width // 2 : width // 2 + width // 10] = True
    return io.encode(as_photo(missing), ".png")


def command(folder: Path, options: list[str]) -> bytes:
    """What the command writes."""
    named = [str(folder / word) if word == "mask.png" else word for word in options]
    words = ["restore", str(folder / "in.png"), str(folder / "out.png"), *named, "--threads", "1", "-q", "--overwrite"]
    app(words, standalone_mode=False)
    return (folder / "out.png").read_bytes()


def clicked(api: Api, id: str, settings: dict[str, Any], mask: bytes) -> bytes:
    """The result of a click; a mask is sent with it."""
    if settings.get("mask") == "given":
        api("PUT", f"pictures/{id}/mask.png", mask)
    return api.restore(id, settings)


def ratio(api: Api, folder: Path, case: str, size: tuple[int, int], rounds: int) -> float:
    """The time of the page by that of the command."""
    image, mask = io.encode(photograph(*size), ".png"), hole(*size)
    (folder / "in.png").write_bytes(image)
    (folder / "mask.png").write_bytes(mask)
    picture = api("POST", "pictures", image)
    api.follow(picture["job"])
    settings, options = CASES[case]
    results: dict[str, bytes] = {}
    times = medians(
        {
            "page": lambda: results.update(page=clicked(api, picture["id"], settings, mask)),
            "command": lambda: results.update(command=command(folder, options)),
        },
        rounds,
    )
    api("DELETE", f"pictures/{picture['id']}")
    if results["page"] != results["command"]:
        raise RuntimeError(f"{case}: the results are not the same")
    return times["page"] / times["command"]


def main(rounds: int = 3, *megapixels: int) -> None:
    """Print the ratio for each size and case."""
    address, process = serve()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for size in megapixels or SIZES:
                for case in CASES:
                    found = ratio(Api(address), Path(folder), case, SIZES[size], rounds)
                    tell({f"{size} megapixels, {case}: page / command": found})
    finally:
        end(process)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
