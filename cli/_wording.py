"""The library's messages in the words of the command.

The library names keywords and functions in backticks, as in "pass `overwrite=True`" or "use `colorize()`"; here
they become options and verbs: the one place where they are translated.
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agerestore.files import printable

from ._terminal import echo

# Keywords whose option is not called like them, with hyphens.
OPTIONS = {
    "model": "-m",
    "hints": "--hint",
    "samples": "-n",
    "num_samples": "-n",
    "settings": "--set",
    "as_json": "--json",
}
KEYWORD = re.compile(r"`(?P<name>[a-z_]+)(?:\((?P<inside>[^`)]*)\))?(?:=(?P<value>[^`]*))?`")


def in_options(message: str) -> str:
    """A message of the library with options in the place of keywords, and verbs in that of functions.

    >>> in_options("exists; pass `overwrite=True`, or choose a `suffix` or `model='photo'`")
    "exists; pass --overwrite, or choose a --suffix or -m photo"
    >>> in_options("use `colorize(force=True)`")
    'use agerestore colorize --force'
    """
    return KEYWORD.sub(_translated, message)


def as_option(name: str) -> str:
    """The option of a keyword."""
    return OPTIONS.get(name) or f"--{name.replace('_', '-')}"


def command_line(verb: str, paths: Sequence[Path], options: Mapping[str, Any]) -> str:
    """The command line of a verb for a shell.

    Args:
        verb: Its name.
        paths: Its arguments.
        options: Values by keyword: True stands for a flag, and an option is repeated for each of a tuple.
    """
    words = [f"./{text}" if text.startswith("-") else text for text in map(as_text, paths)]  # or it is an option
    for name, value in options.items():
        for each in value if isinstance(value, tuple) else (value,):
            words += [as_option(name)] if each is True else [as_option(name), str(each)]
    return shlex.join(["agerestore", verb, *words])


def as_text(path: Path) -> str:
    """A path as JSON and terminals can hold it."""
    return str(path).encode(errors="replace").decode()  # undecodable file names


def _translated(found: re.Match[str]) -> str:
    name, inside, value = found["name"], found["inside"], found["value"]
    if inside is not None:
        verb = f"agerestore {name.replace('_', ' ')}"
        return f"{verb} {in_options(f'`{inside}`')}" if inside else verb
    option = as_option(name)
    if value is None or value == "True":
        return option
    return f"{option} {value.strip(chr(39) + chr(34))}"


def say(message: str, path: Path | None = None) -> None:
    """Print a line for people on stderr, that names the file if there is one."""
    about = "" if path is None else f"{printable(path)}: "
    echo(f"agerestore: {about}{in_options(message)}", err=True)


def said_unless(quiet: bool) -> Callable[[str], None]:
    """What takes the library's lines for people: prints them, or nothing at all."""
    return (lambda line: None) if quiet else say
