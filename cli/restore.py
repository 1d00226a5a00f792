"""``agerestore restore``."""

from pathlib import Path
from typing import Annotated

import typer

from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import UsageError

from . import _completion
from ._files import output_folder, plan_files, run_files
from ._options import IMAGE, MODEL, OUTPUT, SPEED, Compute, Files, Messages, Seed, flag, option, with_groups


@with_groups
def restore(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help="Images, or folders that are searched with all below; - reads stdin."),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The restored image, or the folder for them; - writes to stdout.")
    ],
    mask: Annotated[
        Path | None,
        option(IMAGE, metavar="auto|none|FILE|FOLDER",
               help="auto finds cracks, scratches, specks, tears and creases, and fills them; with -m auto it is the "
                    "default. Or an image that is white where pixels are missing and black elsewhere, or a folder of "
                    "such masks. NAME.mask.png next to an image is its mask; none takes no masks."),
    ] = None,
    sensitivity: Annotated[
        float, option(IMAGE, metavar="0..1", help="Of --mask auto: 0 marks what is nearly certain, 1 also what is "
                                                  "hardly likely.")
    ] = 0.5,
    fill_large: Annotated[
        bool, flag(IMAGE, "--fill-large", help="With --mask auto, also fill what is larger than 40 pixels across.")
    ] = False,
    always: Annotated[
        bool, flag(IMAGE, "--always", help="With -m auto, also restore images in which nothing is found to restore.")
    ] = False,
    resize_mask: Annotated[bool, flag(IMAGE, "--resize-mask", help="Resize masks to the size of their images.")] = (
        False
    ),
    tones: Annotated[
        float, option(IMAGE, "--tones", metavar="0..1", help="Bring back black and white of faded photographs, and "
                                                  "remove casts and brown stains: 0 not at all, 1 wholly.")
    ] = 0.0,
    neutral: Annotated[
        bool, flag(IMAGE, "--neutral", help="Make sepia and yellowed prints gray, and remove all of a color cast.")
    ] = False,
    colorize: Annotated[
        bool, flag(IMAGE, "--colorize", help="Color the restored image, if it is black and white.")
    ] = False,
    max_pixels: Annotated[int, option(IMAGE, min=1, metavar="N", help="Refuse images of more pixels.")] = MAX_PIXELS,
    model: Annotated[
        str, option(MODEL, "-m", "--model", metavar="auto|NAME|FILE", autocompletion=_completion.models_or_auto,
                    help="auto chooses for each image; else a shipped model's name, or a .safetensors file.")
    ] = "auto",
    strength: Annotated[
        float, option(MODEL, metavar="0..1", help="Photographs: 0 keeps known pixels as they are, 1 restores fully.")
    ] = 1.0,
    sigma: Annotated[
        float | None, option(MODEL, metavar="0..255",
                             help="Photographs: standard deviation of their noise, if you know it.")
    ] = None,
    samples: Annotated[
        int, option(OUTPUT, "-n", "--samples", min=0, metavar="N",
                    help="Photographs: also write N other plausible results (experimental).")
    ] = 0,
    seed: Seed = 0,
    ensemble: Annotated[
        int, option(MODEL, metavar="[1|2|4|8]",
                    help="Photographs: average over so many flipped and rotated copies; better, and as much slower.")
    ] = 1,
    latent_steps: Annotated[
        int, option(MODEL, min=0, metavar="N", help="Digits: steps of latent optimization; 100 is a lot.")
    ] = 0,
    uncertainty: Annotated[
        bool, flag(OUTPUT, "--uncertainty", help="Photographs: also write a map of the expected error.")
    ] = False,
    save_mask: Annotated[
        bool, flag(OUTPUT, "--save-mask", help="With --mask auto, also write the defects that were found.")
    ] = False,
    compare: Annotated[
        bool, flag(OUTPUT, "--compare", help="Also write damaged and restored side by side.")
    ] = False,
    tile: Annotated[
        str, option(SPEED, metavar="auto|N", help="Photographs: compute tiles of N pixels a side; auto asks the free "
                                                  "memory.")
    ] = "auto",
    *,
    compute: Compute,
    files: Files,
    messages: Messages,
) -> None:  # fmt: skip
    """Restore damaged images; originals are never changed.

    With a mask only the missing pixels are filled, and all others stay as they are. Without one the whole image is
    restored. With -m auto small images of digits go to the model for digits, all others to the one for photographs;
    defects of prints are found and filled; and an image in which nothing is found to restore is copied as it is.

    Next to NAME.png, --save-mask writes NAME.mask.png, which you can edit and give as --mask, -n writes
    NAME.sample-1.png and so on, --uncertainty NAME.uncertainty.png (four times the expected error in gray levels), and
    --compare NAME.compare.png.
    """
    from agerestore import device as devices
    from agerestore.api.processors import restore_processor
    from agerestore.batch.mask_source import MaskSource, with_masks
    from agerestore.config.options import RestoreFileSettings, RestoreSettings

    sidecars = {"--samples": samples, "--uncertainty": uncertainty, "--compare": compare, "--save-mask": save_mask}
    masks = MaskSource.of(mask, selects=model == "auto")
    jobs = with_masks(plan_files(inputs, out, files, messages, exclude=masks.path, sidecars=sidecars), masks)

    devices.set_threads(compute.threads)
    settings = RestoreSettings(
        latent_steps=latent_steps, strength=strength, sigma=sigma, tones=tones, neutral=neutral, ensemble=ensemble,
        tile=_side(tile), samples=samples, seed=seed, uncertainty=uncertainty, sensitivity=sensitivity,
        fill_large=fill_large, always=always, precision=compute.precision,
    )  # fmt: skip
    extras = RestoreFileSettings(compare, colorize, resize_mask, max_pixels, save_mask)
    processor = restore_processor(model, masks, settings, extras, files.options, compute.device)
    run_files(jobs, processor, files, messages, output_folder(inputs, out), processor.key, compute)


def _side(tile: str) -> int | None:
    """The value of --tile."""
    if tile == "auto":
        return None
    if not tile.isdecimal():
        raise UsageError(f"--tile {tile} is neither auto nor a number of pixels")
    return int(tile)
