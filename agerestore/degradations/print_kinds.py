"""The table of the kinds that make an old print of a photograph: how it looks, and its defects."""

from functools import partial

from agerestore.degradations import cracks, prints, specks, tears
from agerestore.degradations.kind import Kind, Parameter
from agerestore.degradations.layers import lay

_KNOWN = Parameter(0, 0, 0, 1, "1 marks them as missing pixels", whole=True, optional=True)
_OPACITY = Parameter(0.4, 1, 0, 1, "0 is invisible, 1 hides what is below")


def _dark(high: float) -> Parameter:
    return Parameter(0, high, 0, 1, "fraction that is dark as dirt; the others are light as paper")


def _width(low: float, high: float, where: str = "") -> Parameter:
    return Parameter(low, high, 0.5, 100, f"pixels{where}", logarithmic=True)


def _coverage(low: float, high: float) -> Parameter:
    return Parameter(low, high, 0, 0.5, "fraction of the pixels", logarithmic=True)


def _count(high: int) -> Parameter:
    return Parameter(1, high, 0, 100, "how many", whole=True)


PRINT_KINDS: dict[str, Kind] = {
    "border": Kind(
        "a border of paper or black on two to four sides, straight or deckled, a little turned",
        {
            "width": Parameter(3, 40, 0, 10000, "pixels", logarithmic=True),
            "bed": Parameter(0, 12, 0, 10000, "pixels of the scanner's bed around the print"),
            "deckle": Parameter(0, 4, 0, 100, "pixels by which the outer edge waves"),
        },
        partial(lay, prints.border),
    ),
    "cracks": Kind(
        "branching cracks in the emulsion, from the border or inside",
        {
            "width": _width(0.6, 6, ", where a crack is widest on average"),
            "coverage": _coverage(0.003, 0.05),
            "wander": Parameter(0.05, 0.45, 0, 2, "how much they turn: radians from one node to the next"),
            "branches": Parameter(0, 0.05, 0, 0.3, "probability of a branch at each node"),
            "flaking": Parameter(0, 0.2, 0, 1, "fraction of the nodes where the emulsion has come off"),
            "relief": Parameter(0, 0.25, 0, 1, "how far their edges are lit and in shadow"),
            "opacity": _OPACITY,
            "dark": _dark(0.5),
            "known": _KNOWN,
        },
        partial(lay, cracks.cracks),
        defect=True,
    ),
    "craquelure": Kind(
        "a net of fine cracks",
        {
            "width": _width(0.5, 2),
            "cell": Parameter(18, 90, 4, 10000, "pixels from crack to crack"),
            "opacity": _OPACITY,
            "known": _KNOWN,
        },
        partial(lay, cracks.craquelure),
        defect=True,
    ),
    "creases": Kind(
        "creases: one side lit, the other in shadow, the fold worn to the paper",
        {
            "count": _count(3),
            "width": _width(0.8, 5, " of light or shadow on each side"),
            "shade": Parameter(0.06, 0.35, 0, 1, "how much lighter and darker"),
            "wear": Parameter(0, 0.8, 0, 1, "how far the fold is worn"),
            "known": _KNOWN,
        },
        partial(lay, tears.creases),
        defect=True,
    ),
    "film-grain": Kind(
        "film grain, strongest in the middle tones",
        {
            "sigma": Parameter(
                3, 25, 0, 255, "standard deviation at middle gray, on the scale 0..255", logarithmic=True
            ),
            "size": Parameter(0.3, 1.5, 0, 20, "size of a grain in pixels"),
        },
        prints.film_grain,
    ),
    "mottling": Kind(
        "uneven fading: soft lighter and darker places all over",
        {
            "strength": Parameter(0.01, 0.06, 0, 1, "standard deviation"),
            "size": Parameter(6, 30, 1, 1000, "size of a place in pixels"),
        },
        partial(lay, prints.mottling),
    ),
    "scuffs": Kind(
        "fine scratches with soft edges, straight or bent, alone or side by side",
        {
            "width": _width(0.5, 2.2),
            "coverage": _coverage(0.001, 0.02),
            "length": Parameter(0.1, 1, 0, 2, "fraction of the image's longer side"),
            "bend": Parameter(0, 0.2, 0, 2, "how far a scratch is bent, of its length"),
            "bundled": Parameter(0, 1, 0, 1, "fraction that lies side by side in one place"),
            "opacity": _OPACITY,
            "dark": _dark(0.8),
            "known": _KNOWN,
        },
        partial(lay, cracks.scuffs),
        defect=True,
    ),
    "specks": Kind(
        "specks of uneven outline, and hairs",
        {
            "radius": Parameter(0.6, 2.2, 0.35, 100, "median radius in pixels", logarithmic=True),
            "spread": Parameter(0.2, 0.7, 0, 2, "standard deviation of the radius's logarithm"),
            "coverage": _coverage(0.0005, 0.015),
            "hairs": Parameter(0, 0.4, 0, 1, "fraction of these pixels that hairs have"),
            "clustered": Parameter(0, 0.6, 0, 1, "fraction of the specks that lies around three places"),
            "opacity": _OPACITY,
            "dark": _dark(1),
            "known": _KNOWN,
        },
        partial(lay, specks.specks),
        defect=True,
    ),
    "stains": Kind(
        "soft stains, brown or bleached, some with a tide line",
        {
            "count": _count(4),
            "size": Parameter(0.05, 0.4, 0, 2, "largest radius, of the image's longer side"),
            "strength": Parameter(0.05, 0.5, 0, 1, "how dark, or how bleached"),
        },
        partial(lay, prints.stains),
    ),
    "tears": Kind(
        "missing corners, tears from the side, patches of lost emulsion",
        {
            "count": _count(3),
            "reach": Parameter(8, 90, 1, 10000, "pixels that a tear reaches into the print", logarithmic=True),
            "roughness": Parameter(0.02, 0.22, 0, 1, "how ragged its edge is, of the reach"),
            "rim": Parameter(0, 5, 0, 1000, "pixels of bare paper along its edge"),
            "behind": Parameter(0, 1, 0, 1, "brightness of what is behind the print"),
            "known": _KNOWN,
        },
        partial(lay, tears.tears),
        defect=True,
    ),
    "toning": Kind(
        "a print of one tone, or of faded colors, with its contrast",
        {
            "color": Parameter(0, 0.6, 0, 1, "fraction of the color that is left"),
            "warmth": Parameter(-0.4, 1, -1, 1, "above 0 sepia, below 0 blue"),
            "contrast": Parameter(0.6, 1.3, 0, 10, "factor of the contrast"),
            "gamma": Parameter(0.6, 1.7, 0.1, 10, "exponent of the brightness", logarithmic=True),
        },
        prints.toning,
    ),
    "vignetting": Kind(
        "edges that are darker, or bleached",
        {"strength": Parameter(-0.3, 0.8, -1, 1, "above 0 darker, below 0 lighter")},
        partial(lay, prints.vignetting),
    ),
}
