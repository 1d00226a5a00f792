"""DCGAN encoder and generator at 32 and 64 pixels, layer for layer as in the official AGE code.

``width`` counts the channels of the first encoder layer: 64 in the paper. Images are in [-1, 1] here.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from agerestore.config.networks import Prior
from agerestore.errors import UsageError
from agerestore.models.latent import Posterior, project


def _down(inputs: int, outputs: int, norm: bool = True) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return [conv, *([nn.BatchNorm2d(outputs)] if norm else []), nn.LeakyReLU(0.2, inplace=True)]


def _up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
    conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=stride, padding=padding, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def initialize(module: nn.Module) -> None:
    """DCGAN initialization: convolutions N(0, 0.02), batch norms N(1, 0.02) with bias 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)


def encoder_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Image (B, channels, S, S) in [-1, 1] -> (B, latent_dim, 1, 1), S = ``image_size`` of 32 or 64."""
    w = width
    trunk = _down(channels, w, norm=False) + _down(w, 2 * w) + _down(2 * w, 4 * w)
    if image_size == 64:
        head: list[nn.Module] = [*_down(4 * w, 8 * w), nn.Conv2d(8 * w, latent_dim, 4)]
    else:
        head = [nn.Conv2d(4 * w, latent_dim, 4, stride=2, padding=1), nn.AvgPool2d(2)]
    return nn.Sequential(*trunk, *head)


def generator_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Code (B, latent_dim, 1, 1) -> image (B, channels, S, S) in [-1, 1], S = ``image_size`` of 32 or 64."""
    w = width
    trunk = _up(latent_dim, 8 * w, stride=1, padding=0) + _up(8 * w, 4 * w) + _up(4 * w, 2 * w)
    if image_size == 64:
        last = nn.ConvTranspose2d(w, channels, 4, stride=2, padding=1, bias=False)
        head: list[nn.Module] = [*_up(2 * w, w), last]
    else:
        head = [*_up(2 * w, 2 * w), nn.Conv2d(2 * w, channels, 1)]
    return nn.Sequential(*trunk, *head, nn.Tanh())


def single(x: Tensor) -> Tensor:
    """In single precision, or in double if it is that already."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Encoder(nn.Module):
    """Image (B, C, S, S) in [-1, 1] -> code (B, K + M) float32: class probabilities, if there are classes, and style.

    Args:
        layers: image -> (B, N, 1, 1): K logits of classes, M means and, of a Gaussian posterior, M log-variances.
        prior: styles are projected onto the unit sphere if it is ``sphere``.
        classes: K.
        latent_dim: M; if not given, all outputs are means.
        logit_scale: standard deviation that a batch norm gives the logits of each class; 0 for no norm.
    """

    compiled_methods: ClassVar[tuple[str, ...]] = ("posterior",)

    def __init__(
        self, layers: nn.Module, prior: Prior = "sphere", classes: int = 0, latent_dim: int = 0, logit_scale: float = 0
    ) -> None:
        super().__init__()
        self.layers = layers
        self.prior = prior
        self.classes = classes
        self.latent_dim = latent_dim
        self.logit_scale = logit_scale
        self.norm = nn.BatchNorm1d(classes, affine=False) if logit_scale else None

    def posterior(self, image: Tensor) -> Posterior:
        """The distribution of codes of each image (B, C, S, S)."""
        out = single(self.layers(image).flatten(1))  # (B, N); projected and compared in fp32 under autocast too
        logits, mean = out[:, : self.classes], out[:, self.classes :]
        if self.norm is not None:
            logits = self.logit_scale * self.norm(logits)
        log_variance = None
        if self.latent_dim and mean.shape[1] > self.latent_dim:
            mean, log_variance = mean.split(self.latent_dim, 1)
        return Posterior(logits, project(mean) if self.prior == "sphere" else mean, log_variance)

    def forward(self, image: Tensor) -> Tensor:
        """See the class; of a Gaussian posterior the mean."""
        return self.posterior(image).code()


class Generator(nn.Module):
    """Code (B, K + M) -> image (B, C, S, S) float32 in [-1, 1].

    Args:
        layers: (B, N, 1, 1) -> image.
        class_embeddings: W, (B, K) -> (B, M), where classes are points among the styles; the layers then see W y + z.
    """

    def __init__(self, layers: nn.Module, class_embeddings: nn.Linear | None = None) -> None:
        super().__init__()
        self.layers = layers
        self.class_embeddings = class_embeddings

    def represent(self, code: Tensor) -> Tensor:
        """What the layers see of a code (B, K + M): the code, or the sum of class embedding and style (B, M)."""
        if self.class_embeddings is None:
            return code
        classes = self.class_embeddings.in_features
        embedded: Tensor = self.class_embeddings(code[:, :classes])
        return embedded + code[:, classes:]

    def embeddings(self) -> Tensor:
        """The point of each class among the styles, (K, M).

        Raises:
            UsageError: the generator has none.
        """
        if self.class_embeddings is None:
            raise UsageError("this generator has no class embeddings: set network.class_embeddings=true")
        return self.class_embeddings.weight.T

    def forward(self, code: Tensor) -> Tensor:
        """See the class."""
        return single(self.layers(self.represent(code)[:, :, None, None]))
