"""What a picture file says beside its pixels."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its pixels.

    Attributes:
        format: "PNG", "JPEG", "TIFF", "WEBP", "BMP", "AVIF" or "HEIF".
        mode: The file's own kind of pixels: a Pillow mode, or "L;16", "LA;16", "RGB;16", "RGBA;16".
        exif: The EXIF block from its TIFF header on, with orientation 1 and without thumbnail.
        icc_profile: The color profile; None means sRGB.
        dpi: Horizontal and vertical pixels per inch.
        xmp: The XMP packet.
        iptc: The IPTC record.
        lossy: Whether the file stores its pixels only approximately.
        jpeg_tables: Quantization tables of a JPEG, of its first to last component; they make its quality.
        jpeg_subsampling: Chroma subsampling of a JPEG: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0, -1 none (gray).
        jpeg_progressive: Whether a JPEG builds up from coarse to fine.
        jpeg_comment: The comment of a JPEG; kept in JPEG only.
        png_color_chunks: What a PNG says of its colors beside a profile; kept in PNG only.
        png_texts: The texts of a PNG; kept in PNG only.
    """

    format: str = "PNG"
    mode: str = "RGB"
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
    png_texts: bytes = b""
