"""Writes e02587b/, the files that the tests here read: what commit e02587b of this project left on disk.

Later versions must read these files, and make of them what e02587b made; so no later version makes them anew. They
were made with Python 3.11, torch 2.14.1 and one thread, in the folder tests/ by

    git worktree add /tmp/old e02587b && python -m venv /tmp/venv && /tmp/venv/bin/pip install '/tmp/old[test]'
    OMP_NUM_THREADS=1 PYTHONPATH=. /tmp/venv/bin/python compat/make_fixtures.py compat/e02587b /tmp/old/examples

All images are drawn by `drawings`, but for the car, which is in examples/ and drawn as well. The folder holds

training/images.zip         digits/, photographs/, cars/: what the tiny networks of RUNS were trained on
training/NAME.zip           RUN/, the folder of such a run when it was interrupted; END/, the weights that it ended with
training/ends.json          of each run: its command line, and what the fp32 state was at its end; made_on.json: where
answers.npz                 what `restore`, `colorize` and `sample` make with those weights, uint8
batches/images, cars, ...   input folders of batches
batches/CASE/               output folder of a batch (see BATCHES), with its manifest .agerestore.jsonl
batches/settings.json       of each batch: its command line, and the settings whose hash is in its manifest
damage/NAME.damage.json     what each kind of degradation drew; NAME-old: as older versions wrote it
damage/images.npz           the clean images, what became of them, and masks, uint8
shipped.zip                 of each file in pretrained/: header, and dtypes, shapes and a digest of its tensors
shipped.npz                 what `restore` and `colorize` make with them, uint8
"""

import json
import shutil
import sys
import tempfile
import zipfile
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import safetensors
from agerestore.folders import manifest
from agerestore_cli import train as train_command
from agerestore_cli.app import app
from compat import drawings
from compat.stored import EXACT, digest, pixels, processor
from PIL import Image
from typer.testing import CliRunner

from agerestore import checkpoint, train, zoo
from agerestore.config import train_config


def agerestore(*arguments: object, code: int = 0) -> None:
    """Run a command in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exit_code != code:
        raise SystemExit(f"{arguments}: exit code {result.exit_code}\n{result.output}\n{result.exception!r}")


def write_json(path: Path, rows: dict[str, Any]) -> None:
    """Write a dictionary, a line for each entry."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items())
    path.write_text(f"{{\n{lines}\n}}\n")


def pack(path: Path, files: list[Path]) -> None:
    """Write files into an archive that is the same whenever it is made."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for file in sorted(filter(Path.is_file, files)):
            info = zipfile.ZipInfo(file.as_posix(), (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_LZMA
            archive.writestr(info, file.read_bytes())


BRIEF = ("precision=fp32", "validation=0.2", "log_every=1", "sheet_every=1000", "ema=0.9")
PAIR = ("network.width=1", "network.latent_dim=2", "network.channels=1", "batch_size=8", "robust.batch_size=8", *BRIEF)
DAMAGE = "noise:sigma=0..55|jpeg:quality=8..30:top=0..15:left=0..15|holes:count=1..3:size=8..20|grain:color=0..1"
PHOTO = ("network.widths=[1,2,2]", "network.blocks=[1,1,1]", "crop_size=32", "estimate.batch_size=2",
         f"damage={DAMAGE}", *BRIEF)  # fmt: skip
COLOR = ("network.width=1", "network.latent_dim=2", "batch_size=4", "steps=8", *BRIEF)

# name -> images, preset, settings, iterations after which the run was interrupted; None: it never was, nor is it kept
RUNS: dict[str, tuple[str, str, tuple[str, ...], int | None]] = {
    "age": ("digits", "age", (*PAIR, "steps=6", "settle.steps=2", "robust.steps=4"), 3),
    "photo-estimate": ("photographs", "photo", (*PHOTO, "network.latent_dim=0", "steps=0", "estimate.steps=6"), 3),
    "photo-game": ("photographs", "photo", (*PHOTO, "network.latent_dim=2", "network.game_widths=[1,2]", "steps=6",
                                            "batch_size=4", "estimate.steps=2"), 5),
    "color": ("cars", "cars-color", (*COLOR, "network.paints=0"), 4),
    "color-paints": ("cars", "cars-color", (*COLOR, "network.paints=2", "paints.steps=4"), None),
    "aae-semi": ("digits", "aae-mnist-semi", (*PAIR, "network.classes=2", "labels=6", "steps=6", "robust.steps=2"), 3),
    "vae": ("digits", "vae-mnist", (*PAIR, "steps=6", "robust.steps=4"), 8),
}  # fmt: skip


def make_training(out: Path) -> None:
    """Begin each run, interrupt it, keep it, let e02587b end it, and keep its weights."""
    (out / "training").mkdir()
    drawings.training_images(Path())
    pack(out / "training" / "images.zip", list(Path().rglob("*.png")))
    write_json(out / "training" / "made_on.json", processor())
    ends = {}
    Path("END").mkdir()
    for name, (images, preset, settings, after) in RUNS.items():
        run = Path("RUN")
        config = train_config(preset, settings)
        if after is None:
            train.train(config, train_command._images(config, Path(images)), run)
        else:
            _interrupt(config, Path(images), run, after)
            begun = [*run.glob("*.json*"), *run.glob("state/*")]
            kept = {path: path.read_bytes() for path in begun}
            agerestore("train", images, "--out", run, "--resume", "--device", "cpu", "--threads", 1)
        end = Path(shutil.copy(run / "final.safetensors", "END"))
        command = [images, "--preset", preset, *(word for each in settings for word in ("--set", each))]
        ends[name] = {"command": command, **_end(run)}
        if after is not None:
            for path, data in kept.items():
                path.write_bytes(data)
            pack(out / "training" / f"{name}.zip", [*begun, end])
            shutil.copy(end, out.parent / f"{name}.safetensors")
        shutil.rmtree(run)
    write_json(out / "training" / "ends.json", ends)


def _interrupt(config: Any, images: Path, run: Path, after: int) -> None:
    asked = iter(range(1, 1000))
    try:
        train.train(config, train_command._images(config, images), run, stop=lambda: next(asked) == after)
    except KeyboardInterrupt:
        return
    raise SystemExit(f"{run}: was not interrupted")


def _end(run: Path) -> dict[str, Any]:
    """What the last state of a run says: its place, a digest of all it holds, the sum of each averaged network."""
    tensors, index = checkpoint.load_state(run)
    arrays = {key: value.numpy() for key, value in tensors.items()}
    floats = {key: value for key, value in arrays.items() if key.startswith("average.") and value.dtype == np.float32}
    sums: dict[str, float] = {}
    for key, value in floats.items():
        network = key.split(".")[1]
        sums[network] = round(sums.get(network, 0.0) + float(np.abs(value.astype(np.float64)).sum()), 6)
    return {"stage": index["stage"], "step": index["step"], "sha256": digest(arrays), "sums": sums}


PAIRS = ("age", "aae-semi", "vae")


def make_answers(out: Path) -> None:
    """Restore, color and sample with the weights that the runs left."""
    drawings.batch_images(Path())
    answers: dict[str, np.ndarray] = {}
    for name in (*PAIRS, "photo-estimate", "photo-game"):
        for image in ("a", "sub/c"):  # and the mask beside the second
            agerestore("restore", f"images/{image}.png", f"{name}/{image}.png", "-m", f"{name}.safetensors", *EXACT)
            answers[f"{name}/{image}"] = pixels(f"{name}/{image}.png")
    for name in PAIRS:
        agerestore("sample", f"{name}/sample.png", "-m", f"{name}.safetensors", "-n", 2, "--seed", 1, *EXACT)
        answers[f"{name}/sample"] = pixels(f"{name}/sample.png")
    agerestore("colorize", "images/a.png", "color/a.png", "-m", "color.safetensors", "-n", 2, "--seed", 3, *EXACT)
    answers |= {f"color/{name}": pixels(f"color/{name}.png") for name in ("a", "a.sample-2")}
    np.savez_compressed(out / "answers.npz", **answers)


AGE, GAME, COLOR_MODEL = (("-m", f"{name}.safetensors") for name in ("age", "photo-game", "color"))
# case -> verb, input folder, options; where the case is "in" the input folder, results lie in it
BATCHES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "restore": ("restore", "images", AGE),
    "restore-refined": ("restore", "images", (*AGE, "--refine", "2", "--seed", "5", "--precision", "fp32",
                                              "--compare", "--quality", "80")),
    "restore-masks": ("restore", "images", (*AGE, "--mask", "masks", "--ext", ".png")),
    "restore-suffix": ("restore", "restore-suffix", (*AGE, "--suffix", ".restored")),
    "restore-in-place": ("restore", "restore-in-place", (*AGE, "--in-place", "--backup")),
    "restore-broken": ("restore", "broken", AGE),
    "restore-photo": ("restore", "images", (*GAME, "--strength", "0.6", "--sigma", "12", "--ensemble", "2",
                                            "--preset", "old-photo")),
    "restore-samples": ("restore", "images", (*GAME, "--samples", "2", "--uncertainty")),
    "restore-shipped": ("restore", "images", ()),
    "restore-colored": ("restore", "cars", (*GAME, "--colorize")),
    "colorize": ("colorize", "images", COLOR_MODEL),
    "colorize-samples": ("colorize", "images", (*COLOR_MODEL, "-n", "2", "--seed", "7", "--strength", "0.5")),
    "colorize-like": ("colorize", "images", (*COLOR_MODEL, "--like", "reference.png", "--sepia", "--force")),
    "colorize-shipped": ("colorize", "cars", ()),
    "degrade": ("degrade", "images", ("--kind", "holes:count=2:size=6,noise:sigma=0..40", "--seed", "3")),
    "degrade-replayed": ("degrade", "images", ("--replay", "degrade", "--quality", "90")),
}  # fmt: skip


def make_batches(out: Path, examples: Path) -> None:
    """Run every batch once, and keep its input and output folders."""
    drawings.batch_images(Path())
    car = Image.open(examples / "car.jpg").convert("L").resize((48, 22))
    drawings.save(Path("cars") / "car.png", np.asarray(car)[:, :, None])
    for case, (_, source, _) in BATCHES.items():
        if source == case:
            shutil.copytree("images", case)
    rows = {}
    for case, (verb, source, options) in BATCHES.items():
        command = (verb, source, case, *options, "--device", "cpu")
        with mock.patch.object(manifest, "digest_of_settings", wraps=manifest.digest_of_settings) as hashed:
            agerestore(*command, "--threads", 1, code=int(source == "broken"))
        (settings,) = hashed.call_args.args
        rows[case] = {"command": command, "settings": json.loads(json.dumps(settings, default=str))}
    for folder in {"images", "masks", "broken", "cars", *BATCHES}:
        shutil.copytree(folder, out / "batches" / folder)
    shutil.copy("reference.png", out / "batches" / "reference.png")
    write_json(out / "batches" / "settings.json", rows)


KINDS = (
    "noise", "noise:clip=1", "poisson", "saltpepper", "jpeg", "jpeg:quality=20:top=3:left=5", "jpeg:enlarged=2",
    "webp", "webp:quality=10:top=1:left=2:enlarged=1.5", "blur", "motion", "resample", "holes", "hole:size=6",
    "missing", "strokes", "scratches", "scratches:known=1", "dust:coverage=0.02", "fading", "grain", "grain:color=0.7",
    "noise|saltpepper|hole:size=8", "blur,noise,jpeg", "old-photo",
)  # fmt: skip
GRAY = {"noise", "jpeg", "webp", "poisson", "grain", "fading"}  # of which a gray image is damaged as well
# Rows of before there were these parameters: of JPEGs that were enlarged, of those that were cropped, of color grain.
OLDER = {"jpeg-top3-left5": ("enlarged",), "jpeg": ("top", "left", "enlarged"),
         "grain": ("color",), "old-photo": ("top", "left", "enlarged", "color")}  # fmt: skip


def file_name(kind: str) -> str:
    """A name for files from a specification: noise:sigma=5,blur -> noise-sigma5+blur."""
    return kind.replace(":", "-").replace("=", "").replace(",", "+").replace("|", "_").replace("quality20-", "")


def make_damage(out: Path) -> None:
    """Draw and apply every kind; record what was drawn, also as older versions wrote it, and what became of it."""
    folder = out / "damage"
    folder.mkdir()
    clean = {"color": drawings.scene(20, 1)[:16], "gray": drawings.gradient(16, 20, 1, 2)}
    images: dict[str, np.ndarray] = {f"clean/{name}": pixels.squeeze() for name, pixels in clean.items()}
    commands = {}
    for kind in KINDS:
        for color in ("color", "gray") if kind in GRAY else ("color",):
            name = file_name(kind) + ("-gray" if color == "gray" else "")
            drawings.save(Path(f"{name}.png"), clean[color])
            agerestore("degrade", f"{name}.png", "out", "--kind", kind, "--seed", 3)
            rows = json.loads(Path("out", f"{name}.damage.json").read_text())
            shutil.copy(Path("out", f"{name}.damage.json"), folder)
            commands[name] = {"kind": kind, "clean": color}
            if name in OLDER:
                rows = [{key: value for key, value in row.items() if key not in OLDER[name]} for row in rows]
                (folder / f"{name}-old.damage.json").write_text(json.dumps(rows, indent=1))
                commands[f"{name}-old"] = {"kind": None, "clean": color}
    for name, each in commands.items():
        drawings.save(Path(f"{name}.png"), clean[each["clean"]])
        agerestore("degrade", f"{name}.png", "replayed", "--replay", folder / f"{name}.damage.json")
        images[name] = pixels(f"replayed/{name}.png")
        if Path(f"replayed/{name}.mask.png").exists():
            images[f"{name}.mask"] = np.packbits(pixels(f"replayed/{name}.mask.png") > 0, axis=1)
    write_json(folder / "kinds.json", commands)
    np.savez_compressed(folder / "images.npz", **images)


def make_shipped(out: Path) -> None:
    """Say of each shipped file what is in it, and what it makes of an image of the batches."""
    said, images = {}, out / "batches"
    answers = {"photo/unmasked": _restored(images / "reference.png", "photo")}
    for name in zoo.names():
        with safetensors.safe_open(zoo.weights_path(name), framework="np") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dictionary
        said[name] = {
            "file": zoo.fingerprint(name),
            "header": checkpoint.read_header(zoo.weights_path(name)),
            "tensors": {key: [str(value.dtype), list(value.shape)] for key, value in tensors.items()},
            "sha256": digest(tensors),
        }
        if name == "cars-color":
            agerestore("colorize", images / "cars" / "car.png", "car.png", "--seed", 7, *EXACT)
            answers[name] = pixels("car.png")
        elif name == "mnist":
            answers[name] = _restored(images / "images" / "a.png", name, "--refine", 3)
        else:
            mask = ("--mask", images / "images" / "sub" / "c.mask.png") if name == "photo" else ()
            answers[name] = _restored(images / "reference.png", name, *mask)
    write_json(Path("shipped.json"), said)
    pack(out / "shipped.zip", [Path("shipped.json")])
    np.savez_compressed(out / "shipped.npz", **answers)


def _restored(source: Path, name: str, *options: object) -> np.ndarray:
    agerestore("restore", source, "restored.png", "-m", name, "--overwrite", *options, *EXACT)
    return pixels("restored.png")


def main() -> None:
    """Make everything anew."""
    out, examples = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        made = Path("e02587b").resolve()
        made.mkdir()
        for number, make in enumerate((make_training, make_answers, make_batches, make_damage, make_shipped)):
            here = Path(f"step-{number}")
            here.mkdir()
            for weights in Path().glob("*.safetensors"):
                shutil.copy(weights, here)
            with chdir(here):
                make(made, *([examples] if make is make_batches else []))
        shutil.copytree(made, out)


if __name__ == "__main__":
    main()
