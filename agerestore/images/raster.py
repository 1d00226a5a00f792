"""`Raster`: images in their own depth, read and written one rectangle at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.images.observation import Observation
from agerestore.images.pixels import on_8_bit_scale

Rectangle = tuple[slice, slice]  # rows and columns
WHOLE: Rectangle = slice(None), slice(None)
# What was done to an image: masked pixels alone, all pixels, or other colors. A file's compression follows from it.
Change = Literal["filled", "restored", "colored"]


@dataclass(frozen=True)
class Raster:
    """One image or a batch of images of one size, as the caller holds them, and their mask.

    Attributes:
        values: (B, C, H, W), C = 1 gray or 3 RGB, of any integer, bool or float dtype: a view of the caller's memory.
        peak: The value of white: 255 or 65535 for integers, 1 for bool and float.
        mask: (B, 1, H, W) bool, True where a pixel is missing; None if none is.
        alpha: (H, W), 0 where a pixel is wholly transparent; None without transparency.
        orientation: The EXIF orientation that the image was turned upright by; None without one.
        mask_turned: Whether the mask was drawn on the image as it is stored, and turned with it.
        to_original: Makes an image of the caller's type out of other values of this dtype and size, (B, 1 or 3, H, W),
            and what was changed.
        map_to_original: Makes an array or tensor, as the caller holds them, out of a float map (B, 1, H, W).
    """

    values: Tensor
    peak: float = 1.0
    mask: Tensor | None = None
    alpha: NDArray[Any] | None = None
    orientation: int | None = None
    mask_turned: bool = False
    to_original: Callable[[Tensor, Change], Any] = lambda values, change: values
    map_to_original: Callable[[Tensor], Any] = lambda values: values

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.values.shape[2], self.values.shape[3]

    def read(self, rectangle: Rectangle, device: torch.device) -> Observation:
        """Read a rectangle of every image, as float32 on a device, scaled so that white is 1."""
        rows, columns = rectangle
        image = self.values[:, :, rows, columns].to(torch.float32) / self.peak
        mask = None if self.mask is None else self.mask[:, :, rows, columns].to(device, torch.float32)
        return Observation(image.contiguous().to(device), mask)

    def write(self, rectangle: Rectangle, image: Tensor, where: Tensor | None = None) -> None:
        """Write a rectangle of every image; integers are clipped to their range and rounded.

        Args:
            rectangle: Rows and columns.
            image: (B, C, h, w) float on any device, white is 1.
            where: (B or 1, 1, H, W) bool, of the whole raster: pixels elsewhere stay bit for bit.

        Raises:
            ValueError: ``image`` holds NaN or infinite values.
        """
        rows, columns = rectangle
        part = self.values[:, :, rows, columns]
        values = image.detach().to(part.device, torch.float32)
        if not torch.stack(values.aminmax()).isfinite().all():  # faster than isfinite() of every value
            raise ValueError("the new pixels hold values that are not finite")
        if not part.is_floating_point():
            values = (values.clamp(0, 1) * self.peak).round()
        values = values.to(part.dtype)
        part.copy_(values if where is None else torch.where(where[:, :, rows, columns], values, part))

    def copy(self, count: int | None = None) -> Self:
        """Return the same images in memory of their own; with ``count``, that many copies of the one image."""
        values = self.values if count is None else self.values.expand(count, -1, -1, -1)
        return replace(self, values=values.clone())

    def split(self) -> list[Self]:
        """Return each image as a raster of its own, a view."""
        return [replace(self, values=image) for image in self.values.split(1)]

    def pixels(self, index: int = 0) -> NDArray[Any]:
        """Return one image as a NumPy array (H, W, C) of its own dtype; a view where it is on the CPU."""
        image = self.values[index].permute(1, 2, 0)
        return (image.float() if image.dtype == torch.bfloat16 else image).cpu().numpy()

    def with_pixels(self, images: list[NDArray[Any]]) -> Self:
        """Return the raster with other pixels, an array (H, W, 1 or 3) of its dtype for each image."""
        values = [torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1) for image in images]
        stacked = values[0][None] if len(values) == 1 else torch.stack(values)
        return replace(self, values=stacked.to(self.values.device, self.values.dtype))

    def on_8_bit_scale(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Scale pixels of the raster so that white is 255: uint8 as they are, others as float32."""
        if pixels.dtype in (np.uint8, np.uint16):
            return on_8_bit_scale(pixels)
        return pixels.astype(np.float32) * np.float32(255 / self.peak)
