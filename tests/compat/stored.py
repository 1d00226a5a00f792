"""How the tests here call commands and read files, in the spelling of commit e02587b.

What e02587b left on disk is in e02587b/; `make_fixtures` says how, and it is never made anew. Commands are stored and
written in the tests as that commit spelled them. What is called otherwise now stands in the tables below.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from PIL import Image
from typer.testing import CliRunner

FIXTURES = Path(__file__).parent / "e02587b"
MANIFEST, LOCK = ".agerestore.jsonl", ".agerestore.lock"
EXACT = ("--device", "cpu", "--precision", "fp32", "--threads", "1")
RUNS = ("age", "photo-estimate", "photo-game", "color", "aae-semi", "vae")  # that were interrupted

# ------------------------------------------------------------------------------------------------ what changed since

VERBS: dict[str, str] = {}  # as e02587b spelled it -> as it is spelled now
OPTIONS = {
    "--kind": "--degradation", "--degrade": "--degradation", "--like": "--reference", "--refine": "--latent-steps",
    "--terms": "--data-license", "--beside": "--compare-with",
}  # fmt: skip
SETTINGS = {  # keys of --set
    "settle.steps": "finetune.steps", "paints.steps": "code_prior.steps", "damage": "degradation",
    "robust.damage": "robust.degradation", "network.paints": "network.prior_components",
    "network.game_widths": "network.sampler_widths",
}  # fmt: skip
TENSORS = {  # parts of names of tensors now -> as they were
    "stem": "enter", "downsample": "shrink", "upsample": "grow", "head": "leave", "class_embeddings": "heads",
    "code_prior": "paints",
}  # fmt: skip
PRESETS = {"cars-color": "color", "cars-color-regression": "color-regression"}
RETRAINED: set[str] = {"cars-color"}  # shipped weights that have been trained anew
OTHERWISE = {"old-photo"}  # values of --preset whose results are others now: tones are corrected in another way


def agerestore(*arguments: object) -> Any:
    """Run a command that is spelled as e02587b did."""
    from agerestore_cli.app import app

    verb, *rest = map(str, arguments)
    words = [VERBS.get(verb, verb)]
    for before, word in zip((verb, *rest), rest, strict=False):
        if before == "--set":
            key, equals, value = word.partition("=")
            word = SETTINGS.get(key, key) + equals + value
        if before == "--preset":
            word = PRESETS.get(word, word)
        words.append("--saturation" if (verb, word) == ("colorize", "--strength") else OPTIONS.get(word, word))
    if verb == "restore" and "old-photo" in words:
        number = words.index("old-photo")
        words[number - 1 : number + 1] = ["--tones", "1"]  # it was --preset old-photo
    return CliRunner().invoke(app, words)


def statuses(result: Any) -> dict[str, str]:
    """What `--json` says became of each image of a batch: path -> done, planned, skipped or failed."""
    return {row["input"]: row["status"] for row in map(json.loads, result.stdout.splitlines())}


def weights_of(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a weights file, under the names that e02587b gave them."""
    with safetensors.safe_open(path, framework="np") as file:
        return {_former(name): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary


def state_of(run: Path) -> dict[str, np.ndarray]:
    """The tensors of the last state of a training run, under the names that e02587b gave them."""
    data = b"".join(shard.read_bytes() for shard in sorted((run / "state").glob("shard-*")))
    types = {"F32": np.float32, "I64": np.int64}
    return {
        _former(name): np.frombuffer(each["data"], types[each["dtype"]]).reshape(each["shape"])
        for name, each in safetensors.deserialize(data)
    }


def header_of(name: str | Path) -> dict[str, object]:
    """What `models info` says of weights."""
    said: dict[str, object] = json.loads(agerestore("models", "info", name, "--json").stdout)
    return said


def _former(name: str) -> str:
    return ".".join(TENSORS.get(part, part) for part in name.split("."))


# ------------------------------------------------------------------------------------------------ files and arrays


def unpack(name: str, folder: Path) -> None:
    """Unpack an archive of the fixtures."""
    with zipfile.ZipFile(FIXTURES / name) as archive:
        archive.extractall(folder)


def shipped_then() -> dict[str, dict]:
    """What the shipped weights were: name -> header, dtypes and shapes of tensors, SHA-256 of these and of the file."""
    with zipfile.ZipFile(FIXTURES / "shipped.zip") as archive:
        rows: dict[str, dict] = json.loads(archive.read("shipped.json"))
    return rows


def digest(tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 of the bytes of tensors in the order of their names, which do not count themselves."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(tensors[key]).tobytes() for key in sorted(tensors))).hexdigest()


def processor() -> dict[str, str]:
    """What the last bits of a result depend on: the version of torch and the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    said = {key.strip(): value for key, _, value in (line.partition(": ") for line in lines)}
    model = " ".join(said.get(key, "?") for key in ("model name", "cpu family", "model", "stepping"))
    return {"torch": torch.__version__, "cpu": f"{model} {torch.backends.cpu.get_cpu_capability()}"}


def pixels(path: Path | str) -> np.ndarray:
    """The pixels of a file, as they are stored."""
    with Image.open(path) as image:
        return np.asarray(image)


def assert_near(found: np.ndarray, expected: np.ndarray, tolerance: int = 1) -> None:
    """Equal up to what the rounding of another processor may change."""
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= tolerance
