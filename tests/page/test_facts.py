"""What is said of a file, and proposed."""

from dataclasses import replace

import pytest
from agerestore_cli.page.facts import findings

from agerestore.analysis.report import Report

SOUND = Report(
    width=64, height=64, depth=8, channels=3, alpha=False, format="PNG", profile=None, orientation=None, document=None,
    color_mode="color", faded=False, noise_sigma=1.0, grain_sigma=None, grain_size=None, impulse_share=0.0,
    jpeg_quality=None, jpeg_quality_from=None, blur_sigma=None, scratch_share=0.0, missing=0.0, model="photo",
)  # fmt: skip
NOTHING = {"verb": "none", "settings": {}, "label": "Nothing to do"}


def test_of_a_sound_image_nothing_is_proposed():
    found = findings(SOUND, 0.0)
    assert found["findings"] == ["nothing wrong was found"]
    assert found["proposal"] == NOTHING
    assert found["domain"] == {"restore": None, "colorize": "has colors already, which would be replaced"}


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"noise_sigma": 20.0}, {"model": "photo"}),
        ({"faded": True}, {"model": "auto", "tones": 1.0}),
        ({"faded": True, "noise_sigma": 20.0}, {"model": "photo", "tones": 1.0}),
        ({"defect_share": 0.02, "defect_kinds": ("cracks",)}, {"model": "auto"}),
    ],
)
def test_what_helps_is_proposed_as_inspect_does(changes, settings):
    assert findings(replace(SOUND, **changes), 0.0)["proposal"] == {
        "verb": "restore", "settings": settings, "label": "Restore",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "score", "warning"),
    [
        ("gray", 0.9, None),
        ("gray", 1.51, "is unlike anything this model was trained on (1.5 x its limit)"),
        ("sepia", 0.0, "is toned, as sepia is, and would be taken for gray"),
        ("toned", 1.51, "is toned, as sepia is, and would be taken for gray"),
    ],
)
def test_a_gray_image_is_to_be_colored_unless_there_is_a_warning(mode, score, warning):
    found = findings(replace(SOUND, color_mode=mode), score)
    assert found["domain"]["colorize"] == warning
    assert found["proposal"]["verb"] == ("colorize" if warning is None else "none")


def test_a_drawing_is_left_alone():
    found = findings(replace(SOUND, document="a document or drawing", color_mode="gray"), 0.0)
    assert found["proposal"] == NOTHING
    assert found["findings"] == ["looks like a document or drawing"]
    assert found["domain"]["restore"].startswith("looks like a document or drawing, whose thin strokes")
