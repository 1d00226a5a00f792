"""Metadata describe the pixels as they are: XMP and EXIF of turned images, and what a file also held."""

import io
import struct

import numpy as np
import pytest
from pictures import exif_block, noise, stored
from PIL import Image

from agerestore.images import io as image_io
from agerestore.images.formats import exif, xmp

RDF = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{}</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
)
TIFF, EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"


def packet(inside):
    return RDF.format(inside).encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"<rdf:Description xmlns:tiff='{TIFF}' tiff:Orientation = '6' tiff:Make='A&amp;B'/>", 'tiff:Orientation="1"'),
        (f'<rdf:Description xmlns:q="{TIFF}"><q:Orientation> 8 </q:Orientation></rdf:Description>', ">1<"),
        (f'<rdf:Description><Orientation xmlns="{TIFF}">3</Orientation></rdf:Description>', ">1<"),
        (f'<rdf:Description xmlns:t="{TIFF}"><t:Orientation rdf:parseType="Resource"><rdf:value>7</rdf:value>'
         "</t:Orientation></rdf:Description>", "<rdf:value>1</rdf:value>"),
        ('<rdf:Description tiff:Orientation="6"/>', 'tiff:Orientation="1"'),
    ],
)  # fmt: skip
def test_the_orientation_of_any_form_is_set(before, after):
    found, promised = xmp.describing(packet(before), (9, 5), turned=True)
    assert (after in found.decode(), promised) == (True, frozenset())
    assert not any(number in found.decode().partition("<rdf:RDF")[2] for number in ("'6'", '"6"', "8", ">3<", "7<"))
    assert ("A&amp;B" in before) == (b"A&amp;B" in found)
    assert found.startswith(RDF[:30].encode())
    assert found.endswith(b'<?xpacket end="w"?>')
    assert xmp.describing(packet(before), (9, 5), turned=False) == (packet(before), frozenset())  # as it is shown


def test_sizes_become_those_of_the_pixels():
    inside = (f'<rdf:Description xmlns:e="{EXIF}" xmlns:t="{TIFF}" e:PixelXDimension="9" t:ImageLength="5">'
              "<e:PixelYDimension>5</e:PixelYDimension></rdf:Description>")  # fmt: skip
    found = xmp.describing(packet(inside), (9, 5), turned=True)[0].decode()
    for each in ('e:PixelXDimension="5"', 't:ImageLength="9"', "<e:PixelYDimension>9<"):
        assert each in found
    assert xmp.describing(packet(inside), (5, 9), turned=False)[0] == packet(inside)


OTHER_PROPERTIES = (
    ('xmlns:Q="http://ns.google.com/photos/1.0/camera/"', "Q:BurstID"),
    ('xmlns:P="http://ns.google.com/photos/1.0/panorama/"', "P:ProjectionType"),
    ('xmlns:dc="http://purl.org/dc/elements/1.1/"', "dc:source"),
)


@pytest.mark.parametrize(
    ("space", "inside", "promised"),
    [
        ("http://ns.adobe.com/hdr-gain-map/1.0/", "<p:Version>1.0</p:Version>", {"gain map (HDR)"}),
        ("http://ns.apple.com/HDRGainMap/1.0/", "<p:HDRGainMapVersion>65536</p:HDRGainMapVersion>", {"gain map (HDR)"}),
        ("http://ns.google.com/photos/1.0/camera/", "<p:MicroVideo>1</p:MicroVideo>", {"motion video"}),
        ("http://ns.google.com/photos/1.0/container/", "<p:Directory><rdf:Seq><rdf:li rdf:parseType='Resource'>"
         "<p:Item/></rdf:li></rdf:Seq></p:Directory>", set()),
        ("http://ns.adobe.com/xmp/note/", "<p:HasExtendedXMP>5D</p:HasExtendedXMP>", {"extended XMP"}),
        ("http://ns.adobe.com/xap/1.0/", "<p:Thumbnails><rdf:Alt/></p:Thumbnails>", set()),
        ("http://purl.org/dc/terms/", "<p:provenance>self#jumbf=c2pa</p:provenance>", {"content credentials (C2PA)"}),
    ],
)  # fmt: skip
def test_what_is_gone_is_promised_no_more_and_all_else_stays(space, inside, promised):
    for name, attribute in OTHER_PROPERTIES:
        text = f'<rdf:Description {name} xmlns:p="{space}" {attribute}="kept">{inside}</rdf:Description>'
        found, said = xmp.describing(packet(text), (9, 5), turned=False)
        assert said == promised
        assert f'{attribute}="kept"' in found.decode()
        assert not any(mark in found for mark in (b"<p:", b" p:"))


@pytest.mark.parametrize("broken", [b"<x", b"", b"\0" * 50, packet("<a:b>" * 3000), packet("&bomb;")])
def test_what_is_no_xml_stays_as_it_is(broken):
    data = broken + b"http://ns.adobe.com/hdr-gain-map/"
    assert xmp.describing(data, (9, 5), turned=True) == (data, frozenset())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_exif_gives_the_size_of_the_upright_pixels(order, kind):
    def entry(tag, kind, value):
        number = struct.pack(order + ("H" if kind == 3 else "I"), value).ljust(4, b"\0")
        return struct.pack(order + "HHI", tag, kind, 1) + number

    first = [entry(0x0100, kind, 9), entry(0x0101, kind, 5), entry(0x0112, 3, 6), entry(0x8769, 4, 62)]
    inner = [entry(0xA002, kind, 9), entry(0xA003, kind, 5)]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    block = (head + struct.pack(order + "H", 4) + b"".join(first) + struct.pack(order + "I", 92)
             + struct.pack(order + "H", 2) + b"".join(inner) + bytes(4))  # fmt: skip
    assert exif.orientation(block) == 6
    tags = exif.loaded(exif.describing(block, (9, 5)))
    assert {tag: tags[tag] for tag in (0x0100, 0x0101, 0x0112)} == {0x0100: 5, 0x0101: 9, 0x0112: 1}
    assert dict(tags.get_ifd(0x8769)) == {0xA002: 5, 0xA003: 9}
    assert len(exif.describing(block, (9, 5))) == len(block)
    for cut in range(len(block)):  # a truncated block is patched as far as it goes, and never longer
        assert len(exif.describing(block[:cut], (9, 5))) == cut


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_turned_file_says_the_size_it_has(suffix, tmp_path):
    tags = Image.Exif()
    tags.load(exif_block(6))
    tags.get_ifd(0x8769)[0xA002], tags.get_ifd(0x8769)[0xA003] = 9, 5
    file = io.BytesIO()
    Image.fromarray(noise(5, 9, 3)).save(file, "JPEG", exif=tags.tobytes())
    photo = image_io.read(stored(tmp_path / "a.jpg", file.getvalue()))
    image_io.write(tmp_path / f"b{suffix}", photo)
    with Image.open(tmp_path / f"b{suffix}") as again:
        inner = again.getexif().get_ifd(0x8769)
        assert (again.size, inner[0xA002], inner[0xA003]) == ((5, 9), 5, 9)


FILM = b"\0\0\0\x18ftypmp42" + bytes(40)


@pytest.mark.parametrize(
    ("frames", "after", "lost"),
    [
        (0, b"", ()),
        (0, FILM, ("motion video",)),
        (1, b"", ("further image",)),
        (2, b"", ("2 further images",)),
        (1, b"urn:iso:std:iso:ts:21496:-1\0", ("gain map (HDR)",)),
    ],
)
def test_what_a_file_also_holds_is_known(frames, after, lost, tmp_path):
    image, file = Image.fromarray(noise(16, 24, 3)), io.BytesIO()
    if frames:
        image.save(file, "MPO", save_all=True, append_images=[image] * frames)
    else:
        image.save(file, "JPEG")
    photo = image_io.read(stored(tmp_path / "a.jpg", file.getvalue() + after))
    assert photo.metadata.lost == lost
    assert len(image_io.lost_remarks(photo)) == bool(lost)
    assert all(each in "".join(image_io.lost_remarks(photo)) for each in lost)
    image_io.write(tmp_path / "b.jpg", photo)
    assert image_io.read(tmp_path / "b.jpg").metadata.lost == ()
    np.testing.assert_array_equal(image_io.read(tmp_path / "a.jpg").pixels, photo.pixels)
