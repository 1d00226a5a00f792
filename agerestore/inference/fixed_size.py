"""Encode-then-generate, by models that take images of one size (`Model.input.size`).

The robust encoder maps a damaged image to a code like those of clean images, and the generator draws the image of that
code (Ulyanov, Vedaldi and Lempitsky, "It takes (only) two", 2018). Images of other sizes are letterboxed.
"""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from agerestore import device as devices
from agerestore.config.options import RestoreSettings
from agerestore.images.color import match_channels
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.images.raster import WHOLE, Raster
from agerestore.inference import ood
from agerestore.inference.letterbox import Letterbox
from agerestore.inference.refine import Degradation, refine_code
from agerestore.models.base import Model

COLOR_LIMIT = 30 / 255  # between the channels of an image that a gray model keeps


@torch.no_grad()
def restore_fixed_size(
    model: Model, observation: Observation, settings: RestoreSettings, degradation: Degradation | None = None
) -> tuple[Tensor, Tensor]:
    """Restore images by an encoder and a generator.

    Args:
        model: one with an encoder of images of one size.
        observation: image (B, 1 or 3, H, W) of any size, on the device of the model, and mask.
        settings: latent_steps, precision.
        degradation: the known degradation, for latent refinement.

    Returns:
        Generated images of the size and channels of the damaged ones, and their OOD score (B,): above 1 an image is
        unlike those the model was trained on.
    """
    # Latent refinement needs gradients, which the networks in bf16 do not give.
    wanted = "fp32" if settings.latent_steps else settings.precision
    precision = devices.resolve_precision(wanted, devices.fastest(model.device))
    networks = model.fused_bf16 if precision == "bf16" and model.device.type == "cpu" else model.fused
    channels = networks.config.channels
    box = Letterbox.of(observation.image.shape[2], observation.image.shape[3], networks.config.image_size)
    with devices.precision(precision, model.device):
        framed = box.letterbox(Observation(match_channels(observation.image, channels), observation.mask))
        code = networks.encode(fill_masked(framed), robust=True)
        code = refine_code(networks, framed, code, settings.latent_steps, degradation)
        generated = networks.generate(code)
        score = ood.score(model.header["domain"], ood.features(networks, framed, code, generated))
    image = match_channels(box.unletterbox(generated), observation.image.shape[1])
    return image, torch.maximum(score, _color_score(observation.image, channels))


def domain_scores(model: Model, raster: Raster, precision: str = "auto") -> Tensor:
    """OOD score (B,) of images; see `restore_fixed_size`."""
    observation = raster.read(WHOLE, model.device)
    return restore_fixed_size(model, observation, RestoreSettings(precision=precision))[1]


def _color_score(image: Tensor, channels: int) -> Tensor:
    """The color (B,) that a gray model cannot keep, in units of `COLOR_LIMIT`.

    Measured on quarters of the image, over which independent noise in the channels averages out.
    """
    if channels == 3 or image.shape[1] == 1:
        return torch.zeros(len(image), device=image.device)
    quarters = adaptive_avg_pool2d(image, 2)  # (B, 3, 2, 2)
    spread = quarters.amax(dim=1) - quarters.amin(dim=1)
    return spread.flatten(1).amax(dim=1) / COLOR_LIMIT
