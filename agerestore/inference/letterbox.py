"""Letterboxing: images of any size in the square that a model takes, and back.

An image a little smaller than the square is padded (28-pixel digits to 32); any other is scaled so that its longer side
fits, and then padded. Padding mirrors the image where it is wide enough, so that noise stays noise.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation

PAD_ONLY = 0.75  # share of the square from which on a smaller image is padded instead of enlarged


@dataclass(frozen=True)
class Letterbox:
    """Where an image lies in the square, in pixels."""

    height: int
    width: int
    scaled_height: int
    scaled_width: int
    size: int

    @classmethod
    def of(cls, height: int, width: int, size: int) -> "Letterbox":
        """The letterbox of a ``height`` x ``width`` image in a ``size`` x ``size`` square."""
        longest = max(height, width)
        scale = 1.0 if PAD_ONLY * size < longest <= size else size / longest
        return cls(height, width, max(1, round(height * scale)), max(1, round(width * scale)), size)

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """Padding on the left, right, top and bottom."""
        x, y = self.size - self.scaled_width, self.size - self.scaled_height
        return x // 2, x - x // 2, y // 2, y - y // 2

    def letterbox(self, observation: Observation) -> Observation:
        """Scale and pad (B, C, H, W) to (B, C, S, S); missing pixels do not bleed into known ones."""
        if observation.mask is None:
            return Observation(self._pad(self._scale(observation.image)))
        known = observation.known
        share = self._scale(known)
        image = self._scale(observation.filled()) / share.clamp_min(1e-3)
        mask = (share < 0.5).to(image.dtype)
        framed = Observation(self._pad(image), self._pad(mask))
        return Observation(fill_masked(framed), framed.mask)

    def unletterbox(self, image: Tensor) -> Tensor:
        """(B, C, S, S) in [0, 1] -> (B, C, H, W) in [0, 1]."""
        left, _, top, _ = self.margins
        image = image[:, :, top : top + self.scaled_height, left : left + self.scaled_width]
        if (self.scaled_height, self.scaled_width) == (self.height, self.width):
            return image
        return _resize(image, self.height, self.width).clamp(0, 1)

    def _scale(self, image: Tensor) -> Tensor:
        if (self.scaled_height, self.scaled_width) == (self.height, self.width):
            return image
        return _resize(image, self.scaled_height, self.scaled_width)

    def _pad(self, image: Tensor) -> Tensor:
        left, right, top, bottom = self.margins
        if not any(self.margins):
            return image
        mirrored = max(left, right) < image.shape[3] and max(top, bottom) < image.shape[2]
        return F.pad(image, self.margins, mode="reflect" if mirrored else "replicate")


def _resize(image: Tensor, height: int, width: int) -> Tensor:
    """Bilinear and antialiased: no overshoot, so that shares of known pixels stay shares."""
    return F.interpolate(image, (height, width), mode="bilinear", antialias=True)
