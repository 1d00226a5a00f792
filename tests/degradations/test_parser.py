"""The language of degradations: what is read and what is refused."""

import subprocess
import sys

import pytest

from agerestore.degradations import parse
from agerestore.errors import UsageError


def test_parse_reads_kinds_parameters_and_order():
    noise, holes = parse(" noise:sigma=50 , holes:count=2:size=14 ")
    assert (noise.kind, noise.ranges["sigma"], noise.ranges["clip"]) == ("noise", (50, 50), (0, 0))
    assert (holes.kind, holes.ranges) == ("holes", {"count": (2, 2), "size": (14, 14)})


def test_parse_takes_defaults_and_ranges():
    assert parse("noise")[0].ranges["sigma"] == (0, 55)
    assert parse("noise:sigma=0.5..2.5")[0].ranges["sigma"] == (0.5, 2.5)


def test_every_kind_takes_a_chance():
    steps = parse("noise:chance=0.25:sigma=5,blur")
    assert [step.chance for step in steps] == [0.25, 1]
    assert "chance" not in steps[0].ranges


def test_parse_numbers_the_alternatives_and_spells_out_aliases():
    steps = parse("noise,jpeg|hole|old-photo")
    assert [step.alternative for step in steps[:4]] == [0, 0, 1, 2]
    assert [step.kind for step in steps[3:]] == ["grain", "fading", "blur", "scratches", "dust", "jpeg"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nose", "unknown degradation 'nose'; there are: blur, border, cracks"),
        ("", "unknown degradation ''"),
        ("noise|", "unknown degradation ''"),
        ("noise:sigm=3", "'noise' has no parameter 'sigm'; it has: sigma, clip"),
        ("noise:sigma", "noise:sigma=.nothing. is not valid"),
        ("noise:sigma=much", "noise:sigma=much is not valid; it takes a number from 0 to 255"),
        ("noise:sigma=nan", "is not valid"),
        ("noise:sigma=-1", "is not valid"),
        ("noise:sigma=5..", "is not valid"),
        ("noise:sigma=50..5", "runs backwards; write 5..50"),
        ("noise:sigma=5:sigma=6", "twice"),
        ("holes:count=1.5", "a whole number from 0 to 1000"),
        ("jpeg:quality=inf", "is not valid"),
        ("noise:chance=2", "noise:chance=2 is not valid; it takes a number from 0 to 1"),
        ("noise:chance=0:chance=1", "twice"),
        ("old-photo:sigma=3", "takes no parameters"),
    ],
)
def test_parse_says_what_is_wrong_in_one_line(text, says):
    with pytest.raises(UsageError, match=says) as raised:
        parse(text)
    assert "\n" not in str(raised.value)


def test_the_language_needs_no_kornia():
    script = (
        "import sys; from agerestore import degradations\n"
        "degradations.parse('old-photo'); degradations.describe()\n"
        "heavy = {'kornia', 'torchvision', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
