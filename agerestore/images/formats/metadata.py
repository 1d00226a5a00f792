"""Everything an image file stores besides its pixels."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Metadata:
    """Everything an image file stores besides its pixels.

    Attributes:
        format: "PNG", "JPEG", "TIFF", "WEBP", "BMP", "AVIF" or "HEIF".
        mode: How the file stored a pixel: a Pillow mode, or "L;16", "LA;16", "RGB;16", "RGBA;16".
        orientation: The EXIF orientation the file had, 1 to 8 if valid; None without one. The pixels are upright.
        exif: The EXIF block from its TIFF header on, with orientation 1 and without thumbnail.
        icc_profile: The color profile; None means sRGB.
        dpi: Horizontal and vertical pixels per inch.
        xmp: The XMP packet.
        iptc: The IPTC record.
        lossy: Whether the file's compression is lossy.
        jpeg_tables: Quantization tables of a JPEG, 64 steps in row order for each component, equal ones at the end
            left out.
        jpeg_subsampling: Chroma subsampling of a JPEG: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0, -1 none (gray).
        jpeg_progressive: Whether a JPEG is progressive.
        jpeg_comment: The comment of a JPEG; written to JPEG only.
        png_color_chunks: The chunks gAMA, cHRM, sRGB and cICP of a PNG; written to PNG only. Empty where they say
            something other than sRGB that a color profile can say: then that is in `icc_profile`.
        is_hdr: Whether these chunks describe HDR (PQ or HLG), which is kept in PNG only.
        png_texts: The text chunks of a PNG; written to PNG only.
        lost: What the file holds besides its photograph and is not kept, such as "gain map (HDR)".
    """

    format: str = "PNG"
    mode: str = "RGB"
    orientation: int | None = field(default=None, compare=False)  # of the file that was read, not of the image
    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    lossy: bool = False
    jpeg_tables: tuple[tuple[int, ...], ...] | None = None
    jpeg_subsampling: int = -1
    jpeg_progressive: bool = False
    jpeg_comment: bytes = b""
    png_color_chunks: bytes = b""
    is_hdr: bool = False
    png_texts: bytes = b""
    lost: tuple[str, ...] = field(default=(), compare=False)  # of the file that was read, likewise
