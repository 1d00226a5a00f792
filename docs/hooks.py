"""Pages that are generated before the documentation is built: command line, degradations, presets.

Called by mkdocs (`hooks` in mkdocs.yml); ``python docs/hooks.py`` writes the pages alone. They are made from the
command, the registry of degradations and the table of presets, so that they cannot say what is not there.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
PHOTOGRAPH = DOCS.parent / "examples" / "photographs" / "photo-chelsea.png"
SHOWN = {  # settings under which a kind is seen at a glance; all others are shown as they are drawn by default
    "noise": "sigma=40", "poisson": "peak=20", "saltpepper": "amount=0.15", "jpeg": "quality=8", "webp": "quality=5",
    "blur": "sigma=2.5", "motion": "length=15:angle=30", "resample": "scale=3", "holes": "count=3:size=60",
    "hole": "size=96", "strokes": "count=3:width=12", "fading": "contrast=0.65:lift=0.2:sepia=1",
    "grain": "sigma=16:size=1", "dust": "radius=2:coverage=0.01",
    "cracks": "width=3:coverage=0.04:opacity=1:dark=0", "scuffs": "width=2:coverage=0.02:opacity=1",
    "specks": "radius=1.5:coverage=0.01:opacity=1", "tears": "count=3:reach=70:rim=3", "film-grain": "sigma=22:size=1",
    "creases": "count=2:width=3:shade=0.3", "craquelure": "width=1.5:opacity=1", "mottling": "strength=0.06:size=25",
    "stains": "count=4:strength=0.5", "vignetting": "strength=0.8", "border": "width=25:bed=8",
}  # fmt: skip


def on_pre_build(config: Any) -> None:
    """Write the pages; see https://www.mkdocs.org/user-guide/configuration/#hooks."""
    write_pages()


def write_pages() -> None:
    """Write each generated page, if it would be another one than lies there."""
    REFERENCE.mkdir(exist_ok=True)
    pages = {"cli.md": command_page(), "degradations.md": degradation_page(), "presets.md": preset_page()}
    for name, text in pages.items():
        path = REFERENCE / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def command_page() -> str:
    """Every verb with its arguments and options, by panel, as `--help` has them."""
    import typer
    from agerestore_cli.app import app

    group = typer.main.get_command(app)
    parts = ["# Command line\n\nGenerated from the command itself. `agerestore VERB --help` says the same.\n"]
    parts += [_verb(name, verb) for name, verb in _verbs(group, "agerestore")]
    return "\n".join(parts)


def _verbs(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _verbs(command, f"{prefix} {name}")
        elif not command.hidden:
            yield f"{prefix} {name}", command


def _verb(name: str, verb: Any) -> str:
    arguments = [each for each in verb.params if each.param_type_name == "argument"]
    panels: dict[str, list[Any]] = {}
    for each in verb.params:
        if each.param_type_name == "option" and not each.hidden:
            panels.setdefault(getattr(each, "rich_help_panel", None) or "Options", []).append(each)
    usage = " ".join([name, "[OPTIONS]", *map(_metavar, arguments)])
    lines = [f"\n## {name}\n", verb.help or "", f"\n```\n{usage}\n```"]
    if arguments:
        rows = [f"| `{_metavar(each)}` | {_cell(each.help)} |" for each in arguments]
        lines += ["\n| argument | |", "|---|---|", *rows]
    for panel, members in panels.items():
        lines += [f"\n| {panel} | default | |", "|---|---|---|", *map(_option, members)]
    return "\n".join(lines) + "\n"


def _metavar(argument: Any) -> str:
    name = str(argument.metavar or argument.name).upper()
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    default = "" if option.default in (None, "", False, ()) or callable(option.default) else f"`{option.default}`"
    return f"| {names} | {default} | {_cell(option.help)} |"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def degradation_page() -> str:
    """The language, and each kind with its parameters and an image."""
    from agerestore.degradations import ALIASES, KINDS

    pictures = REFERENCE / "degradations"
    pictures.mkdir(exist_ok=True)
    head = (DOCS / "degradation_language.md").read_text()
    parts = [head]
    for name, kind in sorted(KINDS.items()):
        specification = f"{name}:{SHOWN[name]}" if name in SHOWN else name
        _show(specification, pictures / f"{name}.jpg")
        parts.append(_kind(name, kind, specification))
    parts.append("\n## Names for several\n\n| name | stands for |\n|---|---|\n")
    parts += [f"| `{name}` | `{meaning}` |\n" for name, meaning in sorted(ALIASES.items())]
    return "".join(parts)


def _kind(name: str, kind: Any, specification: str) -> str:
    rows = [
        f"| `{key}` | {each.description} | {each.low:g} to {each.high:g} | {each.least:g} to {each.most:g} |"
        for key, each in kind.parameters.items()
    ]
    shown = f"![{specification}](degradations/{name}.jpg)\n\n`{specification}`"
    head = "| parameter | what it is | drawn from | allowed |\n|---|---|---|---|"
    return "\n".join([f"\n## {name}\n\n{kind.description}.\n\n{shown}\n", head, *rows, ""])


def _show(specification: str, path: Path) -> None:
    """Write the photograph with a degradation; missing pixels are shown black."""
    from PIL import Image

    import agerestore

    if path.exists():
        return
    degraded = agerestore.degrade(Image.open(PHOTOGRAPH), specification, seed=1)
    image = degraded[0] if isinstance(degraded, tuple) else degraded
    image.save(path, quality=92)


def preset_page() -> str:
    """Each preset with what it is for."""
    from agerestore.config.presets import PRESETS
    from agerestore.research.presets import PRESETS as RESEARCH

    def rows(table: Mapping[str, Any]) -> str:
        lines = [f"| `{name}` | {each.about} |" for name, each in sorted(table.items())]
        return "\n".join(["| preset | what it is for |", "|---|---|", *lines, ""])

    about = "`agerestore train DATA --preset NAME --dry-run` prints one in full."
    return f"# Presets\n\n{about}\n\n{rows(PRESETS)}\n## Of the papers\n\n{rows(RESEARCH)}"


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))
    write_pages()
