"""Hostile EXIF, XMP, color profiles and Photoshop resources."""

import struct
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fuzz.source import EDGES, Source
from pictures import SRGB, cmyk_profile
from PIL import ImageCms

CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
         16: "Q", 17: "q", 18: "Q"}  # fmt: skip
SIGNED, REAL = (6, 8, 9, 10, 17), (11, 12)
KINDS = (*range(15), 16, 17, 18, 99, 255, 65535)
TEXTS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298, 0x9C9B, 0x9C9F)
POINTERS = (0x8769, 0x8825, 0xA005, 0x014A, 0x0201)
OWN, FIRST = "this directory", "the first directory"


@dataclass
class Entry:
    """A tag: its value in numbers, as bytes, or another directory; `count` and `at` may lie."""

    tag: int
    kind: int
    value: Any
    count: int | None = None
    at: int | None = None


@dataclass
class Directory:
    """Tags, and the directory that follows: one, an offset, or `OWN` or `FIRST`."""

    entries: list[Entry] = field(default_factory=list)
    following: Any = 0
    claimed: int | None = None


@dataclass(frozen=True)
class Layout:
    """How a TIFF writes its numbers: the byte order, and 64-bit offsets in a BigTIFF."""

    order: str = "<"
    big: bool = False

    @property
    def header(self) -> bytes:
        mark = b"II" if self.order == "<" else b"MM"
        return mark + (struct.pack(self.order + "HHH", 43, 8, 0) if self.big else struct.pack(self.order + "H", 42))

    def offset(self, number: int) -> bytes:
        return struct.pack(self.order + ("Q" if self.big else "I"), number % 2 ** (64 if self.big else 32))

    def packed(self, kind: int, value: Any) -> tuple[int, bytes]:
        """Count and bytes of a value."""
        if isinstance(value, bytes):
            return len(value), value
        code = CODES.get(kind, "I")
        size = struct.calcsize("=" + code[0])
        body = b"".join(struct.pack(self.order + code[0], _in_range(each, kind, size)) for each in value)
        return len(value) // len(code), body

    def write(self, directory: Directory, start: int, first: int | None = None) -> bytes:
        """The bytes of a directory and all it refers to, which begin at `start` of the file."""
        first = start if first is None else first
        width, head = (8, 8) if self.big else (4, 2)
        end = start + head + (12 + width * 2 - 8) * len(directory.entries) + width
        table, body = b"", b""
        for entry in directory.entries:
            value = {OWN: start, FIRST: first}.get(entry.value, entry.value) if _is_name(entry.value) else entry.value
            if isinstance(value, Directory):
                value, body = [end + len(body)], body + self.write(value, end + len(body), first)
            count, packed = self.packed(entry.kind, [value] if isinstance(value, int) else value)
            if len(packed) > width or entry.at is not None:
                packed, body = self.offset(end + len(body) if entry.at is None else entry.at), body + packed
            table += struct.pack(self.order + "HH", entry.tag % 65536, entry.kind % 65536)
            table += self.offset(count if entry.count is None else entry.count) + packed.ljust(width, b"\0")
        following = {OWN: start, FIRST: first}.get(directory.following) if _is_name(directory.following) else None
        if isinstance(directory.following, Directory):
            following, body = end + len(body), body + self.write(directory.following, end + len(body), first)
        claimed = len(directory.entries) if directory.claimed is None else directory.claimed
        number = struct.pack(self.order + ("Q" if self.big else "H"), claimed % 65536)
        return number + table + self.offset(directory.following if following is None else following) + body


def _is_name(value: Any) -> bool:
    return isinstance(value, str)


def _in_range(number: int, kind: int, size: int) -> float:
    if kind in REAL:
        return float(number)
    unsigned = number % 256**size
    return unsigned - 256**size if kind in SIGNED and unsigned >= 256**size // 2 else unsigned


def oddly_typed(source: Source, entry: Entry) -> Entry:
    """Mostly the tag as it is; else with another type, number of values, place or value."""
    value = entry.value
    if source.is_odd() and not isinstance(value, Directory):
        value = source.pick([], [0], [1, 2, 3], [2**32 - 1] * 5, b"", b"\0", b"a text\0", b"\xff" * 9, OWN, FIRST)
    kind = source.odd(entry.kind, *KINDS)
    count = source.odd(None, *EDGES) if entry.count is None else entry.count
    return Entry(entry.tag, kind, value, count, source.odd(entry.at, *EDGES))


def orientation(source: Source) -> Entry:
    value = source.pick([1], [3], [6], [8], [0], [9], [255], [65535], [6, 3], [], b"6\0", b"6", [2**32 - 1])
    return Entry(0x0112, source.odd(3, *KINDS), value, source.odd(None, *EDGES), source.odd(None, *EDGES))


def any_tag(source: Source) -> Entry:
    pointed = source.pick(OWN, FIRST, [0], [2**32 - 1], Directory([Entry(1, 2, b"N\0")]))
    return source.pick(
        Entry(source.pick(*TEXTS), 2, source.data() + source.pick(b"\0", b"", b"\0\0", b"\xe4\xb8\xad\0")),
        Entry(source.pick(0x011A, 0x011B), 5, source.pick([300, 1], [0, 0], [1, 0], [2**32 - 1, 1], [72])),
        Entry(0x0128, 3, [source.pick(0, 1, 2, 3, 9)]),
        Entry(source.pick(*POINTERS), 4, pointed),
        Entry(source.number(0, 65535), source.pick(*KINDS), source.data()),
        Entry(0x9286, 7, source.pick(b"ASCII\0\0\0", b"UNICODE\0", b"") + source.data()),
        Entry(source.pick(0xA002, 0xA003), source.pick(3, 4), [source.pick(40, 0, 65535)]),
    )


def exif_directory(source: Source) -> Directory:
    inner = [oddly_typed(source, any_tag(source)) for _ in range(source.number(0, 3))]
    inner.append(Entry(0x927C, 7, b"maker\0" + source.data(40)))
    inner.append(oddly_typed(source, Entry(0x9003, 2, b"1999:12:31 23:59:59\0")))
    place = [Entry(1, 2, b"N\0"), Entry(2, 5, [48, 1, 8, 1, 15, source.odd(1, 0)]), Entry(0, 1, [2, 3, 0, 0])]
    thumbnail = Directory([Entry(0x0201, 4, [source.odd_number(8)]), Entry(0x0202, 4, [source.odd_number(4)])])
    entries = [oddly_typed(source, any_tag(source)) for _ in range(source.number(0, 4))]
    entries += [orientation(source) for _ in range(source.odd(1, 0, 2))]
    entries.append(oddly_typed(source, Entry(0x8769, 4, Directory(inner, source.odd(0, OWN, 1)))))
    entries.append(oddly_typed(source, Entry(0x8825, 4, Directory(place))))
    following = source.odd(thumbnail, 0, OWN, 1, 8, 2**32 - 1)
    return Directory(entries, following, source.odd(None, 0, 1, 200, 65535))


def exif(source: Source) -> bytes:
    """An EXIF block from its TIFF header on, or something before it."""
    layout = Layout(source.pick("<", ">"), source.odd(False, True))
    start = 16 if layout.big else 8
    block = layout.header + layout.offset(source.odd(start, 0, 4, 7, 2**32 - 1))
    block += layout.write(exif_directory(source), start)
    return bytes(source.odd(b"", b"Exif\0\0", b"Exif\0\0" * 2, b"Exif\0", b"II", b"\0") + source.damaged(block))


def xmp(source: Source) -> bytes:
    number = source.pick("6", "1", "8", "0", "9", "-3", "six", "", "9" * 30, "6.0", " 6 ", "&#54;", "&a;")
    form = source.pick('tiff:Orientation="{}"', "tiff:Orientation='{}'", "t:Orientation = '{}'", "{}")
    element = source.odd("", "<tiff:Orientation>{}</tiff:Orientation>", "<tiff:Orientation>{}", "<rdf:Bag/>" * 500)
    described = f"<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' {form.format(number)}>"
    entities = "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    before = source.odd(
        "", f"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>{entities}]>", "<?xml version='9'?>", "\0", "<x>" * 900
    )
    body = described + element.format(number) + source.odd("</rdf:Description>", "", "\ud7ff\uffff", "&j;", "é" * 9)
    text = f"{before}<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF>{body}</rdf:RDF></x:xmpmeta>"
    packet = f"<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>{text}<?xpacket end='w'?>"
    codec = source.odd("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")
    return source.damaged(packet.encode(codec)) + bytes(source.odd(b"", b" " * 70000, b"\0" * 9))


@cache
def sound_profiles() -> tuple[bytes, ...]:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    return SRGB, cmyk_profile((255, 128, 128), (0, 128, 128)), gray_profile(), lab, xyz


def gray_profile() -> bytes:
    """The smallest profile for gray, of gamma 2.2 (ICC.1:2010, section 8.3)."""
    white = struct.pack(">3i", 63190, 65536, 54061)
    tags = {b"wtpt": b"XYZ " + bytes(4) + white, b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, 0x0233) + bytes(2)}
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    return (head + bytes(12) + b"acsp" + bytes(28) + white).ljust(128, b"\0") + table + body


def icc(source: Source) -> bytes:
    profile = bytearray(source.pick(*sound_profiles()))
    if source.is_odd():
        profile[0:4] = struct.pack(">I", source.pick(*EDGES))
    if source.is_odd():
        profile[16:20] = source.pick(b"GRAY", b"CMYK", b"RGB ", b"Lab ", b"XYZ ", b"2CLR", b"FCLR", b"\0\0\0\0")
    if source.is_odd():
        profile[12:16] = source.pick(b"link", b"abst", b"nmcl", b"scnr", b"????")
    if source.is_odd():
        profile[128:132] = struct.pack(">I", source.pick(*EDGES))
    at = 132 + 12 * source.number(0, 3) + 4 * source.number(0, 2)  # name, place or length of a tag
    if source.is_odd():
        profile[at : at + 4] = struct.pack(">I", source.pick(*EDGES))
    return bytes(source.odd(source.damaged(bytes(profile)), b"", b"icc", bytes(128), bytes(profile[:128])))


def resources(source: Source) -> bytes:
    """Photoshop's image resources, an IPTC record among them."""
    record = b"\x1c\x02\x78" + struct.pack(">H", source.odd(3, 0, 32768, 65535)) + b"Ann"
    blocks = b""
    for number in source.pick((0x0404,), (0x0404, 0x0404), (0x040C, 0x0404), (0x03ED, 0x0404), ()):
        name = source.odd(b"\0\0", b"\5title", b"\xff", b"")
        body = struct.pack(">IHHIHH", source.odd_number(72), 1, 1, 72, 1, 1) if number == 0x03ED else record
        length = struct.pack(">I", source.odd_number(len(body)))
        blocks += source.odd(b"8BIM", b"8BIM\0", b"MIB8", b"") + struct.pack(">H", number) + name + length
        blocks += body + bytes(len(body) % 2)
    return source.damaged(blocks)
