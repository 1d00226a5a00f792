"""Black-and-white photographs made of color ones: emulsions, tone curves, softness and grain.

A print of 1920 is not the lightness of a color photograph: its emulsion hardly saw red, its paper has a curve of its
own, and it is grainy and soft. A colorizer that never saw that takes lips for black and the sky for white.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.color import lightness, to_encoded, to_linear

AS_IT_IS = 0.4  # share of the images whose lightness is that of Lab, before curve and grain
RED, GREEN, BLUE = (0.02, 0.6), (0.2, 1.0), (0.1, 1.0)  # sensitivities of an emulsion; low red is orthochromatic
GAMMA = (0.75, 1.35)  # of the curve of tones
BLACK, WHITE = 0.12, 0.88  # at most, and at least: where black and white end on faded paper
GRAIN = 0.035  # standard deviation at most, of [0, 1]
CHANGED = 0.6  # share of the images for each of curve, fading and grain; half as many are soft


def black_and_white(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Color images (B, 3, H, W) in [0, 1] -> their lightness (B, 1, H, W) in [0, 100] as on a black-and-white print.

    Args:
        rgb: sRGB.
        generator: on the device of the images.
    """

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(rgb), 1, 1, 1, generator=generator, device=rgb.device)

    def chosen(share: float) -> Tensor:
        return draw(0, 1) < share

    weights = torch.cat([draw(*each) for each in (RED, GREEN, BLUE)], 1)
    exposed = (to_linear(rgb) * weights / weights.sum(1, keepdim=True)).sum(1, keepdim=True)
    gray = torch.where(
        chosen(AS_IT_IS), lightness(rgb) / 100, lightness(to_encoded(exposed).expand(-1, 3, -1, -1)) / 100
    )
    gray = torch.where(chosen(CHANGED), gray.clamp(0, 1).pow(draw(*GAMMA)), gray)
    black, white = draw(0, BLACK), draw(WHITE, 1)
    gray = torch.where(chosen(CHANGED), black + (white - black) * gray, gray)
    soft = F.avg_pool2d(F.pad(gray, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    gray = torch.where(chosen(CHANGED / 2), torch.lerp(gray, soft, draw(0, 1)), gray)
    noise = torch.randn(gray.shape, generator=generator, device=rgb.device)
    gray = torch.where(chosen(CHANGED), gray + draw(0, GRAIN) * noise, gray)
    return gray.clamp(0, 1) * 100
