"""`Photo`: the pixels, alpha and metadata of one image file."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.images.formats import gray_profile, jpeg
from agerestore.images.formats.catalog import is_of_gray
from agerestore.images.formats.metadata import Metadata
from agerestore.images.pixels import Samples

Mask = NDArray[np.bool_]  # (H, W), True where a pixel is missing


@dataclass(frozen=True)
class Photo:
    """One upright image.

    Attributes:
        pixels: (H, W, C) uint8 or uint16, C = 1 gray or 3 RGB.
        alpha: (H, W) of the same dtype, 0 where transparent; None without transparency.
        metadata: Everything else the file stores: EXIF, ICC profile, resolution, compression.
    """

    pixels: Samples
    alpha: Samples | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def peak(self) -> int:
        """Largest value of the dtype: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    @classmethod
    def of_samples(cls, samples: Samples, metadata: Metadata) -> "Photo":
        """Make a photo of what `agerestore.images.formats.decode.decode` gives: (H, W, S), S = 2 or 4 with alpha."""
        if samples.shape[2] in (1, 3):
            return cls(samples, None, metadata)
        return cls(np.ascontiguousarray(samples[..., :-1]), np.ascontiguousarray(samples[..., -1]), metadata)

    def samples(self) -> Samples:
        """Return pixels and alpha as one array (H, W, S), S = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
        return self.pixels if self.alpha is None else np.dstack([self.pixels, self.alpha])

    @property
    def is_opaque(self) -> bool:
        """True without an alpha channel or where all of it is at its peak."""
        return self.alpha is None or bool((self.alpha == self.peak).all())

    def on_white(self) -> Samples:
        """Return the pixels as a white page shows them, (H, W, C): color under transparent ones does not count."""
        if self.alpha is None:
            return self.pixels
        opacity = self.alpha[..., None] / np.float64(self.peak)
        blended: Samples = np.rint(self.peak + opacity * (self.pixels - np.float64(self.peak))).astype(
            self.pixels.dtype
        )
        return blended

    def with_default_quality(self) -> "Photo":
        """Return the photo with JPEG tables no coarser than quality 95: saving it does not undo a restoration."""
        tables = jpeg.finer(self.metadata.jpeg_tables)
        return replace(self, metadata=replace(self.metadata, jpeg_tables=tables))

    def in_srgb_gray(self) -> "Photo":
        """Return the photo without an ICC profile for gray, its pixels converted so that they look as before.

        An RGB file cannot have such a profile.
        """
        profile = self.metadata.icc_profile
        if profile is None or not is_of_gray(profile):
            return self
        one_channel = self.pixels.shape[2] == 1  # else the profile is not that of these pixels, and programs ignore it
        pixels = gray_profile.to_srgb(self.pixels, profile) if one_channel else self.pixels
        return replace(self, pixels=pixels, metadata=replace(self.metadata, icc_profile=None))

    def as_rgb(self) -> "Photo":
        """Return the photo with three channels, of which gray ones are views, in sRGB instead of a profile for gray."""
        gray = self.in_srgb_gray()
        return replace(gray, pixels=np.broadcast_to(gray.pixels, (*gray.pixels.shape[:2], 3)))

    def recolored(self, pixels: Samples) -> "Photo":
        """Return the photo with other colors, (H, W, 3) of its size and dtype, fit for an RGB file.

        Alpha and metadata stay, and JPEG tables are made fine in chroma.

        Raises:
            ValueError: The photo has a profile for gray; the colors are to be made of `in_srgb_gray`.
        """
        if is_of_gray(self.metadata.icc_profile):
            raise ValueError("colors for a photo with a profile for gray")
        tables = jpeg.colored(self.metadata.jpeg_tables)
        return replace(self, pixels=pixels, metadata=replace(self.metadata, jpeg_tables=tables))

    def replace_pixels(self, pixels: Samples) -> "Photo":
        """Return the photo with other pixels (H, W, C) of its shape and dtype; alpha and metadata stay.

        Raises:
            ValueError: Another shape or dtype.
        """
        if (pixels.shape, pixels.dtype) != (self.pixels.shape, self.pixels.dtype):
            raise ValueError(f"pixels of shape {pixels.shape} and {pixels.dtype} for those of {self.pixels.shape}")
        return replace(self, pixels=pixels)

    def to_tensor(self) -> Tensor:
        """Return the pixels as (1, C, H, W) float32 in [0, 1], without alpha."""
        scaled = self.pixels.astype(np.float32) / np.float32(self.peak)
        return torch.from_numpy(scaled).permute(2, 0, 1)[None].contiguous()
