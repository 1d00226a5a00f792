"""Which files of a folder are images to work on: the one rule, for every verb and for training.

Taken are files with the ending of an image, in the folder and all below it. Left out without a word are hidden files,
trash, thumbnails of file managers and network drives, masks next to their images, and what an earlier run or a training
run wrote next to its results. All else that is left out is counted and, up to a few, named.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from agerestore.batch.jobs import BACKUP_ENDING, SIDECAR
from agerestore.batch.manifest import Manifest, is_manifest_name
from agerestore.batch.masks import image_of_mask, is_mask_name
from agerestore.errors import NothingReadableError
from agerestore.files import printable
from agerestore.images.formats.catalog import SUFFIXES
from agerestore.images.io import is_image_name

FEW = 5  # files that are named of a kind
RUN = ("config.json", "log.jsonl")  # files that a training run leaves in its folder
# Folders and files that systems, file managers and network drives put among images; hidden ones begin with a dot.
NO_IMAGES = frozenset((
    *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@__thumb"),  # Synology, QNAP
    *("$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini"),  # Windows
    *("__macosx", "network trash folder", "temporary items", "icon\r", "ipod photo cache"),  # Apple
    *("lost+found", "picasa.ini", "zbthumbnail.info"),
))  # fmt: skip
PACKAGES = (".photoslibrary", ".photolibrary", ".lrdata")  # folders of previews, which their programs show as files


@dataclass(frozen=True)
class Found:
    """What a folder and those below it hold.

    Attributes:
        folder: The folder.
        images: The images to work on, in the order of their names; a folder that cannot be listed stands among them,
            to be reported when it cannot be read.
        results: Results of earlier runs, and files called like them.
        masks: Files called like masks without an image of that name next to them.
        others: All other files that are not images.
    """

    folder: Path
    images: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def require_images(self) -> None:
        """Check that there is an image.

        Raises:
            NothingReadableError: There is none, or the folder itself cannot be listed.
        """
        if self.images == [self.folder]:
            raise NothingReadableError(f"{printable(self.folder)}: cannot be listed; check its permissions")
        if not self.images:
            what = f"holds no image (looked for {' '.join(sorted(SUFFIXES))}); choose a folder with some"
            others = "".join(f"; left out: {line}" for line in self._left_out())
            raise NothingReadableError(f"{printable(self.folder)}: {what}{others}")

    def left_out(self) -> list[str]:
        """Say in a line for each kind what was left out, and what to do to have it."""
        return [f"{printable(self.folder)}: left out: {line}" for line in self._left_out()]

    def _left_out(self) -> Iterator[str]:
        if self.others:
            kinds = Counter(path.suffix.lower() or "without ending" for path in self.others)
            counts = ", ".join(f"{count} {ending}" for ending, count in sorted(kinds.items()))
            yield f"{counts} ({self._names(self.others)}); save images among them as PNG to have them, too"
        if self.masks:
            what = "are called like masks, and no image of that name is next to them"
            yield f"{self._names(self.masks)}, which {what}; rename the mask, or what is none"
        if count := len(self.results):
            what = "result of an earlier run" if count == 1 else "results of earlier runs"
            yield f"{count} {what} ({self._names(self.results)}); give them or their folder itself to have them"

    def _names(self, paths: Collection[Path]) -> str:
        named = [printable(path.relative_to(self.folder)) for path in list(paths)[:FEW]]
        more = len(paths) - len(named)
        return ", ".join(named) + (f" and {more} more" if more else "")


def search(
    folder: Path,
    *,
    avoid: Iterable[Path] = (),
    exclude: Callable[[Path], bool] = lambda path: False,
    is_result: Callable[[Path], bool] = lambda path: False,
) -> Found:
    """Search a folder and all below it for images, following links but never in a circle.

    Results of earlier runs are left out where the manifest of their run lies below the folder. Where it lies in the
    folder itself only those are that stand next to the image they were made of: the output of `restore` can be given
    to `colorize`.

    Args:
        folder: The folder.
        avoid: Folders that are not entered, such as that of the output.
        exclude: Says which files and folders to leave out without a word, such as the mask.
        is_result: Says which further images are called like results of earlier runs.
    """
    found = Found(folder)
    _Search(found, exclude, is_result).enter(folder, frozenset({real(folder), *map(real, avoid)}), [])
    return found


@dataclass(frozen=True)
class _Search:
    found: Found
    exclude: Callable[[Path], bool]
    is_result: Callable[[Path], bool]

    def enter(self, folder: Path, seen: frozenset[Path], manifests: list[Manifest]) -> None:
        """Search a folder; `seen` are those above it, `manifests` those of earlier runs in them."""
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            self.found.images.append(folder)
            return
        names = {path.name for path in entries}
        if folder != self.found.folder and names.issuperset(RUN):
            return
        if any(map(is_manifest_name, names)):
            manifests = [*manifests, Manifest.of_inputs(folder)]
        images = _Images(names)
        for path in entries:
            if never_searched(path.name) or self.exclude(path) or any(each.is_sidecar(path) for each in manifests):
                continue
            if not _is_folder(path):
                self._sort(path, images, manifests)
            elif path.suffix.lower() in PACKAGES:
                self.found.others.append(path)
            elif (there := real(path)) not in seen:
                self.enter(path, seen | {there}, manifests)

    def _sort(self, path: Path, images: "_Images", manifests: list[Manifest]) -> None:
        if is_mask_name(path.name):
            if image_of_mask(path.name) not in images:
                self.found.masks.append(path)
        elif images.has_companion(path.name):
            return
        elif not is_image_name(path):
            self.found.others.append(path)
        elif self.is_result(path) or self._was_made(path, images, manifests):
            self.found.results.append(path)
        else:
            self.found.images.append(path)

    def _was_made(self, path: Path, images: "_Images", manifests: list[Manifest]) -> bool:
        """Whether an earlier run made this image: not in the place of its original, and below or next to that."""
        makers = [each for each in manifests if each.find(path)]
        if not makers or os.path.lexists(f"{path}{BACKUP_ENDING}"):
            return False
        if any(each.folder != self.found.folder for each in makers):
            return True
        sources = (path.with_name(name) for name in images.originals(path.name))
        return any(makers[0].find(each) is None for each in sources)


class _Images:
    """The names of the images of a folder, with and without their endings."""

    def __init__(self, names: Iterable[str]) -> None:
        found = [name for name in names if is_image_name(Path(name)) and not is_mask_name(name)]
        self._files: dict[str, set[str]] = {}
        for name in found:
            self._files.setdefault(PurePath(name).stem, set()).add(name)
        self._names = self._files.keys() | set(found)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def has_companion(self, name: str) -> bool:
        """Whether a file is called like what a run writes next to the result of an image that is here."""
        if name.endswith(BACKUP_ENDING):
            return name.removesuffix(BACKUP_ENDING) in self._names
        written = re.fullmatch(SIDECAR, name)
        return written is not None and written["image"] in self._names

    def originals(self, name: str) -> Iterator[str]:
        """The images that a result of this name, as in NAME.restored.png, may have been made of."""
        stem = PurePath(name).stem
        for end in (found.start() for found in re.finditer(r"\.", stem)):
            yield from self._files.get(stem[:end], ())


def never_searched(name: str) -> bool:
    """Whether a file or folder is hidden, trash, or of the kind that file managers and network drives leave."""
    return name.startswith(".") or name.casefold() in NO_IMAGES


def real(path: Path) -> Path:
    """Return where a path leads, through all links; one to itself as it is."""
    return Path(os.path.realpath(path))  # Path.resolve raises on a link to itself


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a path that cannot be examined is to fail under its name
        return False
