"""`Photo`: the pixels, alpha and metadata of one image file."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.images.formats import jpeg
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

    def as_rgb(self) -> "Photo":
        """Return the photo with three channels, of which gray ones are views, and without an ICC profile for gray."""
        gray = is_of_gray(self.metadata.icc_profile)
        metadata = replace(self.metadata, icc_profile=None) if gray else self.metadata
        return replace(self, pixels=np.broadcast_to(self.pixels, (*self.pixels.shape[:2], 3)), metadata=metadata)

    def recolored(self, pixels: Samples) -> "Photo":
        """Return the photo with other colors, (H, W, 3) of its size and dtype, fit for an RGB file.

        Alpha and metadata stay, but an ICC profile for gray is dropped, and JPEG tables are made fine in chroma.
        """
        rgb = self.as_rgb()
        tables = jpeg.colored(self.metadata.jpeg_tables)
        return replace(rgb, pixels=pixels, metadata=replace(rgb.metadata, jpeg_tables=tables))

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
