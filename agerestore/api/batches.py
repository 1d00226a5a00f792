"""`agerestore.restore_files`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from agerestore.api.models import AnyModel, is_auto
from agerestore.api.processors import restore_processor
from agerestore.batch import planning, runner
from agerestore.batch.executors import ExecutorOptions, open_executor
from agerestore.batch.mask_source import MaskSource, with_masks
from agerestore.batch.outcome import Outcome, Summary
from agerestore.batch.parts import Part
from agerestore.batch.worker_processes import Workers
from agerestore.config.limits import MAX_PIXELS
from agerestore.config.options import FileOptions, RestoreFileSettings, RestoreSettings
from agerestore.images.arrays import AnyPath


def restore_files(
    inputs: AnyPath | Sequence[AnyPath],
    out: AnyPath,
    *,
    model: AnyModel = "auto",
    mask: AnyPath | None = None,
    resize_mask: bool = False,
    tones: float = 0.0,
    neutral: bool = False,
    colorize: bool = False,
    max_pixels: int = MAX_PIXELS,
    strength: float = 1.0,
    sigma: float | None = None,
    samples: int = 0,
    seed: int = 0,
    ensemble: int = 1,
    latent_steps: int = 0,
    uncertainty: bool = False,
    sensitivity: float = 0.5,
    fill_large: bool = False,
    save_mask: bool = False,
    always: bool = False,
    compare: bool = False,
    tile: int | None = None,
    suffix: str = "",
    ext: str | None = None,
    quality: int | None = None,
    in_place: bool = False,
    backup: bool = False,
    overwrite: bool = False,
    fail_fast: bool = False,
    dry_run: bool = False,
    workers: Workers = 0,
    cluster: str | None = None,
    shared_disk: bool = False,
    part: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Restore image files and folders, as the command does: no original is lost, and no work is done twice.

    ``out`` remembers what was made of a folder: a second call only does what is missing or has changed. What goes wrong
    with one file does not stop the others. Masks called NAME.mask.png are found next to their images.

    Args:
        inputs: an image file or a folder, which is searched with all below it; or several of them.
        out: the restored file, or the folder for them.
        model: ``auto`` selects a shipped model for each image; else a name, a path, or what `agerestore.load` gave.
        mask: the mask file of all images, or a folder of masks, instead of those next to the images; ``auto`` finds the
            defects of images without a mask next to them; ``none`` takes no masks. None is ``auto`` where the model is.
        resize_mask: resize masks to the size of their images, instead of refusing others.
        tones: see `agerestore.restore`.
        neutral: see `agerestore.restore`.
        colorize: also colorize the restored images, black-and-white photographs.
        max_pixels: refuse files of more pixels.
        strength: see `agerestore.restore`.
        sigma: see `agerestore.restore`.
        samples: also write so many other plausible images, NAME.sample-1.png and so on.
        seed: of the samples.
        ensemble: see `agerestore.restore`.
        latent_steps: see `agerestore.restore`.
        uncertainty: also write NAME.uncertainty.png, four times the expected error in gray levels.
        sensitivity: see `agerestore.restore`.
        fill_large: see `agerestore.restore`.
        save_mask: with ``mask="auto"``, also write the defects that were found, NAME.mask.png. It is there to be
            edited, and given as mask again.
        always: see `agerestore.restore`.
        compare: also write NAME.compare.png, damaged and restored side by side.
        tile: see `agerestore.restore`.
        suffix: comes between name and ending of each result.
        ext: ending of the results, such as ".png"; None for that of each source.
        quality: of lossy formats, 1 to 100.
        in_place: replace the images themselves; ``out`` must be ``inputs``, and ``backup`` true.
        backup: keep each original as NAME.EXT.orig.
        overwrite: replace existing files that differ.
        fail_fast: begin no file after one that failed.
        dry_run: count what would be done; nothing is decoded and nothing written.
        workers: process the files in so many processes of one thread each; ``auto`` for one for each core; 0 for this
            process itself. Files and reports are the same, but for rounding where the number of threads differs.
        cluster: process them on a cluster of Ray that this machine is part of, HOST:PORT; ``auto`` for the one that
            runs here, or else a new one. Needs the extra ``ray``.
        shared_disk: the machines of the cluster see the files under the same paths, and read them themselves.
        part: process a part of a folder alone, such as ``3/8``; run each part in a process of its own, on any machine.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; a model that was loaded stays where it is.
        precision: ``fp32``, ``bf16`` or ``auto``.
        progress: called with the numbers of files done and in all; what it raises ends the batch, once the file that is
            being written is whole.

    Returns:
        How many files are done, skipped and failed, and why, and which files of a folder are no images.

    Raises:
        UsageError: options that do not go together, or that the model does not support.
        NothingReadableError: an input that does not exist, or without images.
    """
    settings = RestoreSettings(
        latent_steps=latent_steps, strength=strength, sigma=sigma, tones=tones, neutral=neutral, ensemble=ensemble,
        tile=tile, samples=samples, seed=seed, uncertainty=uncertainty, sensitivity=sensitivity, fill_large=fill_large,
        always=always, precision=precision,
    )  # fmt: skip
    extras = RestoreFileSettings(compare, colorize, resize_mask, max_pixels, save_mask)
    files = FileOptions(suffix, ext, quality, in_place, backup, overwrite, fail_fast)
    paths = [Path(each) for each in ([inputs] if isinstance(inputs, str | PathLike) else inputs)]
    masks = MaskSource.of(mask, selects=is_auto(model))
    left_out: list[str] = []
    jobs = with_masks(planning.plan(paths, Path(out), files, exclude=masks.path, notify=left_out.append), masks)
    of_parts = None if part is None else Part.of(part)
    jobs = jobs if of_parts is None else of_parts.select(jobs)
    processor = restore_processor(model, masks, settings, extras, files, device)
    single = len(paths) == 1 and not paths[0].is_dir()
    done: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        done.append(outcome)
        if progress is not None:
            progress(len(done), len(jobs))

    gpu = next(iter(processor.models.values())).device.type == "cuda"
    options = ExecutorOptions(workers, cluster, shared_disk, gpu=gpu)
    with open_executor(processor, options, len(jobs)) as executor:
        summary = runner.run_files(
            jobs, processor, None if single else Path(out), processor.key,
            overwrite=overwrite, fail_fast=fail_fast, dry_run=dry_run, report=report, executor=executor,
            part=of_parts,
        )  # fmt: skip
    return replace(summary, left_out=left_out)
