"""Transposed convolutions computed as what a processor computes sooner in bf16: convolutions, and a matrix.

A transposed convolution of 4x4 pixels with stride 2 gives four pixels for one. Each of the four is an ordinary
convolution of 2x2 pixels (Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016), so that
one convolution gives all four side by side; what follows pixel by pixel is applied to them there, and they are woven
into each other last, when few channels are left. Nothing but rounding differs.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from agerestore.models.layers.activations import relu

AT_ONCE = 5_000_000  # numbers between two layers; more of them do not stay near the processor

Network = TypeVar("Network", bound=nn.Module)


def rewrite_transposed(network: Network) -> Network:
    """A copy of a `folded` network that answers the same up to rounding; it is for bf16, and gives no gradients.

    In fp32 the transposed convolutions themselves are faster.
    """
    quick = copy.deepcopy(network)
    for layers in [each for each in quick.modules() if isinstance(each, nn.Sequential)]:
        run = [layer for layer in layers if not isinstance(layer, nn.Identity)]
        for _ in range(len(layers)):
            del layers[-1]
        while run:
            layers.append(_taken(run))
    return quick.requires_grad_(False).to(memory_format=torch.channels_last)


def with_bf16_weights(network: Network) -> Network:
    """The network, changed: autocast finds the weights of its convolutions and matrices in bf16 already."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.to(torch.bfloat16)
    return network


def _taken(run: list[nn.Module]) -> nn.Module:
    """The next layer of those in ``run``, which loses it, with all that it can take along."""
    layer = run.pop(0)
    if isinstance(layer, nn.ReLU):
        return _Positive()
    if not isinstance(layer, nn.ConvTranspose2d):
        return layer
    if (layer.kernel_size, layer.stride, layer.padding) != ((4, 4), (2, 2), (1, 1)):
        return _OfOnePixel(layer) if layer.stride == (1, 1) and layer.padding == (0, 0) else layer
    along = nn.Sequential()
    while run and _is_pointwise(run[0]):
        following = _taken(run)
        if isinstance(following, nn.Conv2d):
            following = _linear(following.weight.flatten(1), following.bias)
        along.append(following)
    return _Woven(layer, along)


def _is_pointwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.ReLU | nn.Tanh) or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1))


class _Positive(nn.Module):
    """ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return relu(x)


class _OfOnePixel(nn.Module):
    """A transposed convolution of a single pixel, which is a matrix: (B, C, 1, 1) -> (B, D, S, S)."""

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.shape = (*layer.kernel_size, layer.out_channels)
        rows = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (S S D, C)
        self.matrix = _linear(rows, None if layer.bias is None else layer.bias.repeat(rows.shape[0] // len(layer.bias)))

    def forward(self, x: Tensor) -> Tensor:
        drawn: Tensor = self.matrix(x.flatten(1))
        return drawn.view(-1, *self.shape).movedim(3, 1)


class _Woven(nn.Module):
    """A transposed convolution of 4x4 pixels with stride 2 and padding 1, then pointwise layers.

    (B, C, H, W) -> (B, D, 2H, 2W). Output pixel (2 i + a, 2 j + c) sees the 2x2 pixels from (i + a - 1, j + c - 1) on,
    through the weights at (3 - a, 1 - a) x (3 - c, 1 - c).
    """

    def __init__(self, layer: nn.ConvTranspose2d, pointwise: nn.Sequential) -> None:
        super().__init__()
        picks = [layer.weight[:, :, [3 - a, 1 - a]][:, :, :, [3 - c, 1 - c]] for a in (0, 1) for c in (0, 1)]
        weight = torch.stack(picks).transpose(1, 2).flatten(0, 1)  # (4 D, C, 2, 2)
        self.four = nn.Conv2d(layer.in_channels, 4 * layer.out_channels, 2, padding=1, bias=layer.bias is not None)
        self.four.weight = nn.Parameter(weight)
        if layer.bias is not None:
            self.four.bias = nn.Parameter(layer.bias.repeat(4))
        self.pointwise = pointwise

    def forward(self, x: Tensor) -> Tensor:
        numbers = self.four.out_channels * (x.shape[2] + 1) * (x.shape[3] + 1)  # of one picture, before the weaving
        return torch.cat([self._weave(piece) for piece in x.split(max(1, AT_ONCE // numbers))])

    def _weave(self, x: Tensor) -> Tensor:
        batch, height, width = len(x), *x.shape[2:]
        four: Tensor = self.four(x).movedim(1, 3)  # (B, H + 1, W + 1, 4 D)
        four = self.pointwise(four.view(*four.shape[:3], 4, -1)).contiguous()
        of_batch, row, column, pixel, channel = four.stride()
        # Output row 2 i + a is row i + a of the pixels that are numbered 2 a and 2 a + 1; columns likewise.
        strides = (of_batch, row, row + 2 * pixel, column, column + pixel, channel)
        pixels = four.as_strided((batch, height, 2, width, 2, four.shape[4]), strides).contiguous()
        return pixels.view(batch, 2 * height, 2 * width, -1).movedim(3, 1)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.contiguous())
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    return layer
