"""Every table of a model card names the weights that it measured, and how; they are those that ship."""

import re
from pathlib import Path

import pytest

from agerestore.models import zoo
from agerestore.models.weights import sha256

ROOT = Path(__file__).parents[2]
CARDS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "pretrained").glob("*.md"))}
DIGITS = 12
MEASURED = re.compile(r"Weights: (?P<weights>(?:`[a-z0-9-]+` [0-9a-f]{12}(?:, )?)+)\.\s+Command: ?(?:`|\n```\n)")
WEIGHTS = re.compile(r"`([a-z0-9-]+)` ([0-9a-f]{12})")


def tables(card):
    """Each table under the heading Scores, and the text after it up to the next table."""
    scores = card.partition("\n## Scores\n")[2].partition("\n## ")[0]
    parts = re.split(r"((?:^\|.*\n)+)", scores, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def problems(name, card, hashes):
    """What is wrong with the weights that the tables of a card name."""
    found = []
    for table, text in tables(card):
        head = table.split("\n")[0]
        measured = MEASURED.match(text.lstrip("\n"))
        if measured is None:
            found.append(f"{head}: no line 'Weights: `{name}` ...' with a command after it")
            continue
        weights = dict(WEIGHTS.findall(measured["weights"]))
        compared = {other for other in hashes if other in re.findall(r"[a-z0-9-]+", head)} | {name}
        found += [f"{head}: {other} is compared, and its weights are not named" for other in compared - weights.keys()]
        found += [
            f"{head}: measured with {other} {digest}, which is {hashes.get(other)} now"
            for other, digest in weights.items()
            if hashes.get(other) != digest
        ]
    return found


@pytest.fixture(scope="module")
def hashes():
    return {path.stem: sha256(path)[:DIGITS] for path in sorted((ROOT / "pretrained").glob("*.safetensors"))}


EXAMPLE = """# own
| | |
|---|---|
| Networks | none |

## Scores
| noise | **own** | `photo` |
|---|---|---|
| 5 | 30 | 31 |

Weights: `own` 0123456789ab, `photo` ba9876543210. Command: `agerestore evaluate -m own DIR`

## Where it fails
| what | how |
|---|---|
"""
SHIPPED = {"own": "0123456789ab", "photo": "ba9876543210", "other": "0" * 12}


def test_a_table_with_the_weights_and_the_command_is_in_order():
    assert len(tables(EXAMPLE)) == 1
    assert problems("own", EXAMPLE, SHIPPED) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0123456789ab", "1123456789ab", "measured with own 1123456789ab, which is 0123456789ab now"),
        (", `photo` ba9876543210", "", "photo is compared, and its weights are not named"),
        (" Command: `agerestore evaluate -m own DIR`", "", "no line"),
        ("Weights: ", "Measured with ", "no line"),
        ("`own` 0123456789ab, ", "", "own is compared"),
    ],
)
def test_what_is_missing_or_older_is_named(old, new, words):
    (problem,) = problems("own", EXAMPLE.replace(old, new), SHIPPED)
    assert words in problem


@pytest.mark.parametrize("name", zoo.names())
def test_the_tables_of_a_card_are_of_the_weights_that_ship(name, hashes):
    assert tables(CARDS[name])
    assert problems(name, CARDS[name], hashes) == []


def test_the_scripts_that_cards_name_are_there():
    named = {path for card in CARDS.values() for path in re.findall(r"python ((?:benchmarks|examples)/\w+\.py)", card)}
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []
