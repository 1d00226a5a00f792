"""Noise of 25 gray levels removed from pieces of photographs: time and PSNR of ours and of others, in one run.

python benchmarks/denoise_photo.py

The settings of the classical methods are the best of a few against the truth, which favors them; ours has none.
DnCNN (Zhang et al., 2017; 20 layers of 64 channels, for color) has random weights, so that only its time says
anything: as published (fp32, contiguous, with batch norms), and as ours computes (bf16, channels last, norms folded).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import torch
from side_by_side import medians, tell
from torch import Tensor, nn

from agerestore import device as devices
from agerestore.batch import folders
from agerestore.evaluation.baselines.classical import non_local_means, total_variation, wavelet
from agerestore.images import io
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.metrics.image import psnr, quantize
from agerestore.models import zoo
from agerestore.models.fuse import fuse

PHOTOGRAPHS = Path(__file__).parent.parent / "examples" / "photographs"
SIDE, SIGMA, PIECES, ROUNDS = 256, 25, 4, 3
LAYERS, WIDTH = 20, 64

Method = Callable[[Observation], Tensor]


def pieces() -> list[Tensor]:
    """The middle (1, 3, S, S) of some photographs, in [0, 1]."""
    found = []
    for path in folders.search(PHOTOGRAPHS).images:
        image = io.read(path).to_tensor()
        top, left = ((length - SIDE) // 2 for length in image.shape[2:])
        if image.shape[1] == 3 and min(top, left) >= 0:
            found.append(image[:, :, top : top + SIDE, left : left + SIDE].contiguous())
    return found[:PIECES]


def noisy(truth: Tensor, seed: int) -> Observation:
    """Unclipped Gaussian noise, as in the published tables."""
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed))
    return Observation(truth + SIGMA / 255 * noise)


def skimage_means(observation: Observation, h: float) -> Tensor:
    """scikit-image's non-local means, its fast mode, given the noise; h in units of it."""
    from skimage.restoration import denoise_nl_means

    image = observation.image[0].permute(1, 2, 0).numpy()
    sigma = SIGMA / 255
    found = denoise_nl_means(image, patch_size=5, patch_distance=6, h=h * sigma, sigma=sigma, channel_axis=-1)
    return torch.from_numpy(found).permute(2, 0, 1)[None].float()


def dncnn() -> nn.Sequential:
    """The architecture of DnCNN for color, freshly initialized."""
    middle = [
        layer
        for _ in range(LAYERS - 2)
        for layer in (nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
    ]
    enter, leave = nn.Conv2d(3, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, 3, 3, padding=1)
    return nn.Sequential(enter, nn.ReLU(), *middle, leave).eval().requires_grad_(False)


def best(method: Callable[..., Tensor], settings: list[dict[str, float]], truth: Tensor) -> Method:
    """The method with the setting that comes nearest to the truth."""
    observation = noisy(truth, 0)
    found = max(settings, key=lambda setting: float(psnr(quantize(method(observation, **setting)), truth)))
    return partial(method, **found)


def measured(methods: dict[str, Method], truths: list[Tensor]) -> dict[str, float]:
    """Mean PSNR in dB of each method over the pieces."""
    return {
        name: sum(float(psnr(quantize(method(noisy(truth, seed))), truth)) for seed, truth in enumerate(truths))
        / len(truths)
        for name, method in methods.items()
    }


def main() -> None:
    """Print, for each, its time in units of ours, its time for a megapixel, and its PSNR."""
    cv2.setNumThreads(torch.get_num_threads())
    model, truths, network = zoo.load("photo"), pieces(), dncnn()
    methods: dict[str, Method] = {
        "`photo`": lambda observation: restore_observation(model, observation).image,
        "OpenCV non-local means": best(non_local_means, [{"h": h} for h in (14, 20, 28)], truths[0]),
        "scikit-image non-local means": best(skimage_means, [{"h": h} for h in (0.4, 0.6, 0.8)], truths[0]),
        "wavelets (BayesShrink)": wavelet,
        "total variation": best(total_variation, [{"weight": w} for w in (0.07, 0.1, 0.14)], truths[0]),
    }
    levels, observation, cpu = measured(methods, truths), noisy(truths[0], 0), torch.device("cpu")
    quick = fuse(network)

    def run(network: nn.Module, precision: str) -> None:
        with torch.inference_mode(), devices.precision(precision, cpu, auto=devices.fastest(cpu)):
            network(observation.image)

    times = medians(
        {
            **{name: partial(method, observation) for name, method in methods.items()},
            "DnCNN's architecture, as published": lambda: run(network, "fp32"),
            "DnCNN's architecture, computed as ours": lambda: run(quick, "auto"),
        },
        ROUNDS,
    )
    megapixels = SIDE**2 / 1e6
    tell({
        f"noise {SIGMA} removed, {SIDE}x{SIDE}: {name} / `photo`, time": f"{seconds / times['`photo`']:.2f} "
        f"({seconds / megapixels:.2f} s a megapixel"
        + (f", {levels[name]:.2f} dB)" if name in levels else ")")
        for name, seconds in times.items()
    })  # fmt: skip


if __name__ == "__main__":
    main()
