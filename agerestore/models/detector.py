"""The network that finds defects of prints: a residual U-Net (Ronneberger et al., 2015) from an image to probabilities.

It is fully convolutional, and no layer normalizes or pools over the image in use: a pixel depends on its neighborhood
alone, so that tiles with enough overlap equal the whole. Batch norms (Ioffe and Szegedy, 2015) are fused into the
convolutions before it is used.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.config.networks import DetectorConfig
from agerestore.models.base import ModelNetworks, Task
from agerestore.models.layers.activations import relu

RARE = -3.0  # logit of a defect where training starts: most pixels are sound


def convolution(inputs: int, outputs: int, side: int, stride: int = 1, gain: float = 1.0) -> nn.Sequential:
    """A convolution and its batch norm, whose scale starts at ``gain``."""
    layer = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2 if stride == 1 else 0, bias=False)
    norm = nn.BatchNorm2d(outputs, momentum=0.02)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.constant_(norm.weight, gain)
    return nn.Sequential(layer, norm)


class DetectorBlock(nn.Module):
    """(B, C, H, W) -> the same: relu(x + conv(relu(conv(x)))), the second convolution starting small."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3)
        self.second = convolution(channels, channels, 3, gain=0.2)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return relu(x + self.second(relu(self.first(x))))


class UNet(nn.Module):
    """Image (B, 3, H, W) in [0, 1], sides multiples of its stride -> logits (B, 1 + K, H, W).

    The first is the logit of "any defect"; the softmax of the others, which are constant over 2x2 pixels, says which of
    the K kinds it is.

    Args:
        widths: channels at strides 2, 4, 8 and so on.
        blocks: residual blocks there on the way down; one each on the way up.
        kinds: names of the K kinds.
    """

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...], kinds: tuple[str, ...]) -> None:
        super().__init__()
        self.kinds = kinds
        pairs = list(pairwise(widths))
        self.entry = convolution(12, widths[0], 3)  # of 2x2 pixels of 3 colors
        self.down = nn.ModuleList(convolution(fine, coarse, 2, 2) for fine, coarse in pairs)
        self.encode = nn.ModuleList(
            nn.Sequential(*(DetectorBlock(width) for _ in range(count)))
            for width, count in zip(widths, blocks, strict=True)
        )
        self.up = nn.ModuleList(convolution(coarse, fine, 1) for fine, coarse in pairs)
        self.decode = nn.ModuleList(
            nn.Sequential(convolution(width, width, 3), nn.ReLU()) if level == 0 else DetectorBlock(width)
            for level, width in enumerate(widths[:-1])
        )
        self.head = nn.Conv2d(widths[0], 4 + len(kinds), 3, padding=1)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.zero_()  # type: ignore[union-attr]
            self.head.bias[:4] = RARE  # type: ignore[index]

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        x = F.pixel_unshuffle(2 * image - 1, 2).contiguous(memory_format=torch.channels_last)
        x = self.encode[0](relu(self.entry(x)))
        skips = [x]
        for down, encode in zip(self.down, self.encode[1:], strict=True):
            x = encode(relu(down(x)))
            skips.append(x)
        for up, decode, skip in zip(self.up[::-1], self.decode[::-1], skips[-2::-1], strict=True):
            x = decode(relu(skip + F.interpolate(up(x), scale_factor=2.0, mode="nearest")))
        out = self.head(x).float()
        kinds = F.interpolate(out[:, 4:], scale_factor=2.0, mode="nearest")
        return torch.cat([F.pixel_shuffle(out[:, :4], 2), kinds], 1)


class DefectDetector(ModelNetworks):
    """The detector of defects.

    Attributes:
        detector: image -> logits, see `UNet`.
    """

    task: ClassVar[Task] = "detection"
    memory_format: ClassVar[torch.memory_format] = torch.channels_last

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__(config)
        self.detector = UNet(config.widths, config.blocks, config.defects)

    @property
    def stride(self) -> int:
        """Sides are padded to a multiple of it; tiles begin at one."""
        return int(2 ** len(self.config.widths))

    @property
    def halo(self) -> int:
        """Pixels on each side that a pixel of the answer depends on: half of the receptive field."""
        blocks, last = self.config.blocks, len(self.config.blocks) - 1
        reach = 2 * (3 + 2 * blocks[0])  # entry, last convolution and head, at stride 2
        for level in range(1, last + 1):
            reach += 2 ** (level + 1) * (2 * blocks[level] + 2 * (level < last))
        return int(reach + self.stride - 1)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """Image (B, 3, H, W) in [0, 1], of any size -> probability of each kind of defect (B, K, H, W).

        Their sum over the kinds is the probability that a pixel belongs to a defect. ``mask`` is not used.
        """
        height, width = image.shape[2:]
        padding = (0, -width % self.stride, 0, -height % self.stride)
        logits = self.detector(F.pad(image, padding, mode="replicate"))[:, :, :height, :width]
        return torch.sigmoid(logits[:, :1]) * torch.softmax(logits[:, 1:], 1)
