"""What can be measured of a damaged picture without the clean one.

Pixels are (H, W, 1 or 3) on the scale 0..255, uint8 or float32. None means too small or too noisy to say. On 20
held-out photographs (docs/inspect.md): `tint.colours` is right on 99 % (of 200: grey, sepia, colour, also noisy, faded,
as JPEG); `blur.blur_sigma` is 0.2 pixels too low on the average after a blur of 1.5 to 3 pixels, and 0.5 where there is
noise of sigma 10, too; `lines.line_share` tells all that were scratched on 3 to 6 % of their pixels from 85 % of those
that were not.
"""
