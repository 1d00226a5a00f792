"""Rewrite transposed convolutions as sub-pixel convolutions, which are faster in bf16 on a CPU.

A transposed convolution of 4x4 pixels with stride 2 makes a block of 2x2 output pixels for each input pixel. Each of
the four is an ordinary convolution of 2x2 input pixels (Shi et al., "Is the deconvolution layer the same as a
convolutional layer?", 2016), so one convolution with four times the channels computes all of them:

    input (H, W)            four phases, each (H + 1, W + 1)          output (2H, 2W)
                            p0: even row, even column
    conv 2x2, padding 1     p1: even row, odd column                  p0 p1 p0 p1
                            p2: odd row, even column                  p2 p3 p2 p3
                            p3: odd row, odd column

Pointwise layers that follow (ReLU, 1x1 convolutions, tanh) are computed on the phases, and the phases are interleaved
last, when few channels are left. Results are equal up to rounding.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from agerestore.models.layers.activations import relu

CHUNK = 5_000_000  # numbers computed at once between two layers; more of them leave the processor's cache

Network = TypeVar("Network", bound=nn.Module)


def rewrite_transposed(network: Network) -> Network:
    """A copy of a fused network (`agerestore.models.fuse`) with sub-pixel convolutions; it gives no gradients.

    For bf16: in fp32 the transposed convolutions themselves are faster.
    """
    rewritten = copy.deepcopy(network)
    for layers in [each for each in rewritten.modules() if isinstance(each, nn.Sequential)]:
        rest = [layer for layer in layers if not isinstance(layer, nn.Identity)]
        for _ in range(len(layers)):
            del layers[-1]
        while rest:
            layers.append(_next_layer(rest))
    return rewritten.requires_grad_(False).to(memory_format=torch.channels_last)


def with_bf16_weights(network: Network) -> Network:
    """The network, changed: weights of convolutions and matrices in bf16, so that autocast need not convert them."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.to(torch.bfloat16)
    return network


def _next_layer(rest: list[nn.Module]) -> nn.Module:
    """Take the next layer off ``rest``, rewritten, with the pointwise layers after it if it is transposed."""
    layer = rest.pop(0)
    if isinstance(layer, nn.ReLU):
        return _ReLU()
    if not isinstance(layer, nn.ConvTranspose2d):
        return layer
    if (layer.kernel_size, layer.stride, layer.padding) != ((4, 4), (2, 2), (1, 1)):
        return _FromOnePixel(layer) if layer.stride == (1, 1) and layer.padding == (0, 0) else layer
    pointwise = nn.Sequential()
    while rest and _is_pointwise(rest[0]):
        following = _next_layer(rest)
        if isinstance(following, nn.Conv2d):
            following = _linear(following.weight.flatten(1), following.bias)
        pointwise.append(following)
    return _SubPixel(layer, pointwise)


def _is_pointwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.ReLU | nn.Tanh) or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1))


class _ReLU(nn.Module):
    """ReLU that is fast in bf16 on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        return relu(x)


class _FromOnePixel(nn.Module):
    """A transposed convolution of a single pixel, (B, C, 1, 1) -> (B, D, S, S), as a matrix product."""

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.shape = (*layer.kernel_size, layer.out_channels)
        rows = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (S S D, C)
        self.matrix = _linear(rows, None if layer.bias is None else layer.bias.repeat(rows.shape[0] // len(layer.bias)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.matrix(x.flatten(1))
        return out.view(-1, *self.shape).movedim(3, 1)


class _SubPixel(nn.Module):
    """A transposed convolution of 4x4 pixels with stride 2 and padding 1, then pointwise layers.

    (B, C, H, W) -> (B, D, 2H, 2W). Output pixel (2 i + a, 2 j + c) depends on the 2x2 input pixels from
    (i + a - 1, j + c - 1) on, by the weights at rows (3 - a, 1 - a) and columns (3 - c, 1 - c).
    """

    def __init__(self, layer: nn.ConvTranspose2d, pointwise: nn.Sequential) -> None:
        super().__init__()
        phases = [layer.weight[:, :, [3 - a, 1 - a]][:, :, :, [3 - c, 1 - c]] for a in (0, 1) for c in (0, 1)]
        weight = torch.stack(phases).transpose(1, 2).flatten(0, 1)  # (4 D, C, 2, 2)
        self.phases = nn.Conv2d(layer.in_channels, 4 * layer.out_channels, 2, padding=1, bias=layer.bias is not None)
        self.phases.weight = nn.Parameter(weight)
        if layer.bias is not None:
            self.phases.bias = nn.Parameter(layer.bias.repeat(4))
        self.pointwise = pointwise

    def forward(self, x: Tensor) -> Tensor:
        numbers = self.phases.out_channels * (x.shape[2] + 1) * (x.shape[3] + 1)  # of the phases of one image
        return torch.cat([self._interleave(self._phases_of(part)) for part in x.split(max(1, CHUNK // numbers))])

    def _phases_of(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, H + 1, W + 1, 4, D'), where D' channels are left by the pointwise layers."""
        phases: Tensor = self.phases(x).movedim(1, 3)
        out: Tensor = self.pointwise(phases.view(*phases.shape[:3], 4, -1))
        return out.contiguous()

    @staticmethod
    def _interleave(phases: Tensor) -> Tensor:
        """(B, H + 1, W + 1, 4, D) -> (B, D, 2H, 2W).

        Output row 2 i + a is row i + a of phases 2 a and 2 a + 1, output column 2 j + c column j + c of phases c and
        2 + c: from one row to the next the phase moves by 2 a, and so does the row by a. As a view with these strides
        the phases are read once.
        """
        batch, height, width, _, channels = phases.shape
        of_batch, row, column, phase, channel = phases.stride()
        strides = (of_batch, row, row + 2 * phase, column, column + phase, channel)
        pixels = phases.as_strided((batch, height - 1, 2, width - 1, 2, channels), strides).contiguous()
        return pixels.view(batch, 2 * (height - 1), 2 * (width - 1), channels).movedim(3, 1)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.contiguous())
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    return layer
