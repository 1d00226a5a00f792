"""XMP packets (ISO 16684-1): properties that describe what the pixels are no more are changed or removed.

A property is an attribute or an element, under any prefix that is bound to its namespace. A packet in which nothing is
to be changed stays byte for byte, and so does one that is no XML.
"""

from collections.abc import Iterator
from typing import NamedTuple
from xml.dom import expatbuilder, minidom
from xml.parsers.expat import ExpatError

TIFF, EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
GOOGLE = "http://ns.google.com/photos/"
HEIGHTS, WIDTHS = ((TIFF, "ImageLength"), (EXIF, "PixelYDimension")), ((TIFF, "ImageWidth"), (EXIF, "PixelXDimension"))
GAIN_MAP, MOTION, EXTENDED, DEPTH = "gain map (HDR)", "motion video", "extended XMP", "depth map"
CREDENTIALS = "content credentials (C2PA)"
USUAL = {"tiff": TIFF, "exif": EXIF}  # prefixes that some programs forget to bind


class _Promise(NamedTuple):
    """Properties that say what a file holds besides its photograph, or describe it.

    Attributes:
        namespace: theirs, or what it begins with.
        start: what their names begin with.
        of: what is promised; None for what only describes it, or for a preview, which shows the old pixels.
    """

    namespace: str
    start: str
    of: str | None


HAS_EXTENDED = _Promise("http://ns.adobe.com/xmp/note/", "HasExtendedXMP", EXTENDED)
PROMISES = (
    HAS_EXTENDED,
    _Promise("http://ns.adobe.com/hdr-gain-map/", "", GAIN_MAP),
    _Promise("http://ns.apple.com/HDRGainMap/", "", GAIN_MAP),
    _Promise(GOOGLE + "1.0/camera/", "MotionPhoto", MOTION),
    _Promise(GOOGLE + "1.0/camera/", "MicroVideo", MOTION),
    _Promise(GOOGLE + "1.0/container/", "", None),
    _Promise(GOOGLE + "dd/1.0/", "", DEPTH),
    _Promise("http://purl.org/dc/terms/", "provenance", CREDENTIALS),
    _Promise("http://ns.adobe.com/xap/1.0/", "Thumbnails", None),
)
EXTENDED_PROMISES = tuple(  # their data are in the extended part
    _Promise(GOOGLE + f"1.0/{name}/", "", DEPTH if name == "depthmap" else None)
    for name in ("depthmap", "image", "audio")
)
KNOWN = tuple(promise.namespace.encode() for promise in PROMISES)


def describing(packet: bytes, size: tuple[int, ...], turned: bool) -> tuple[bytes, frozenset[str]]:
    """Let a packet describe the pixels of one upright photograph.

    Args:
        packet: The packet, of any encoding.
        size: (H, W) of the pixels; the sizes that the packet gives become these.
        turned: Whether the pixels were turned upright by the EXIF orientation: that of the packet then becomes 1.

    Returns:
        The packet, and what it promised besides the photograph, such as `GAIN_MAP`.
    """
    if not (turned or any(name in packet for name in (*KNOWN, b"ImageWidth", b"PixelXDimension"))):
        return packet, frozenset()
    try:
        document = expatbuilder.parseString(packet, namespaces=False)
        changed, promised = _correct(document, size, turned)
        return (_written(document) if changed else packet), promised
    except (ExpatError, ValueError, LookupError, RecursionError):  # no XML: programs do not read it either
        return packet, frozenset()


def _correct(document: minidom.Document, size: tuple[int, ...], turned: bool) -> tuple[bool, frozenset[str]]:
    """Change the properties of a document; return whether any was, and what they promised."""
    values = dict.fromkeys(HEIGHTS, str(size[0])) | dict.fromkeys(WIDTHS, str(size[1]))
    if turned:
        values[TIFF, "Orientation"] = "1"
    found = list(_properties(document))
    is_extended = any(_promise(each, (HAS_EXTENDED,)) for each in found)
    promises = PROMISES + EXTENDED_PROMISES if is_extended else PROMISES
    changed, promised = False, set()
    for each in found:
        if promise := _promise(each, promises):
            each.remove()
            promised.add(promise.of)
            changed = True
        elif (value := values.get((each.namespace, each.name))) and each.text.strip() != value:
            changed = each.replace(value) or changed
    if promised:
        _unbind(document, promises)
    return changed, frozenset(what for what in promised if what)


def _unbind(document: minidom.Document, promises: tuple[_Promise, ...]) -> None:
    """Remove the prefixes of promises that are bound and no longer used."""
    used = {each.namespace for each in _properties(document)}
    for element in _elements(document):
        for name, space in list(element.attributes.items()):
            is_theirs = any(space.startswith(promise.namespace) for promise in promises)
            if name.startswith("xmlns") and is_theirs and space not in used:
                element.removeAttribute(name)


def _promise(each: "_Property", promises: tuple[_Promise, ...]) -> _Promise | None:
    return next((p for p in promises if each.namespace.startswith(p.namespace) and each.name.startswith(p.start)), None)


class _Property(NamedTuple):
    """An attribute, or an element where `attribute` is empty."""

    namespace: str
    name: str
    element: minidom.Element
    attribute: str

    @property
    def text(self) -> str:
        """The value, of an element its own text."""
        if self.attribute:
            return self.element.getAttribute(self.attribute)
        return "".join(node.data for node in self.element.childNodes if isinstance(node, minidom.Text))

    def replace(self, value: str) -> bool:
        """Set the value; return false, and change nothing, where an element holds others."""
        if self.attribute:
            self.element.setAttribute(self.attribute, value)
            return True
        texts = [node for node in _descendants(self.element) if isinstance(node, minidom.Text) and node.data.strip()]
        for node in texts[:1]:
            node.data = value
        return len(texts) == 1

    def remove(self) -> None:
        """Take it out of the document."""
        if self.attribute:
            self.element.removeAttribute(self.attribute)
        elif self.element.parentNode is not None:
            self.element.parentNode.removeChild(self.element)


def _properties(document: minidom.Document) -> Iterator[_Property]:
    """Every attribute and element of a document, with its namespace."""
    elements = _elements(document)
    spaces = dict(USUAL)
    for element in elements:
        for name, value in element.attributes.items():
            if name == "xmlns" or name.startswith("xmlns:"):
                spaces[name.partition(":")[2]] = value
    for element in elements:
        for attribute in ("", *element.attributes.keys()):
            prefix, _, name = (attribute or element.tagName).rpartition(":")
            if prefix != "xmlns" and not (attribute and not prefix):  # an attribute without prefix has no namespace
                yield _Property(spaces.get(prefix, ""), name, element, attribute)


def _elements(document: minidom.Document) -> list[minidom.Element]:
    return [node for node in _descendants(document) if isinstance(node, minidom.Element)]


def _descendants(node: minidom.Node) -> Iterator[minidom.Node]:
    """All nodes below one; not by recursion, which hostile files would exhaust."""
    waiting = list(node.childNodes)
    while waiting:
        child = waiting.pop()
        yield child
        waiting += child.childNodes


def _written(document: minidom.Document) -> bytes:
    """The document as UTF-8, with its packet wrapper."""
    parts = [node.toxml() for node in document.childNodes]
    return "\n".join(parts).encode()
