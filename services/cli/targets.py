"""Where results go: ``-o FILE`` for one image, ``-o FOLDER`` for many."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pixo.errors import ConfigError, PixoError
from pixo.imaging.probe import sniff

ENDINGS = {
    "jpeg": (".jpg", ".jpeg", ".jpe"),
    "png": (".png",),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
}
"""Endings by format; the first is the one that is given."""


class Targets:
    """Chooses the file of each result."""

    def __init__(
        self, sources: Sequence[Path], asked: Path | None, *, folder: bool = False, kind: str | None = None
    ) -> None:
        """Raise ConfigError where results would overwrite each other or a source; make no folder yet.

        ``kind`` is the format that they are to have; where none is named, it is taken to be what the source holds.
        """
        self._asked = asked
        self.folder = asked is not None and (folder or len(sources) > 1 or asked.is_dir())
        self._sources = {source.resolve() for source in sources}
        if asked is None:
            return
        if self.folder and asked.exists() and not asked.is_dir():
            raise ConfigError(f"-o {asked} is a file; several images need a folder")
        if not self.folder and not asked.parent.is_dir():
            raise ConfigError(f"-o {asked}: there is no folder {asked.parent}")
        if self.folder:
            twice = sorted(stem for stem, times in Counter(source.stem for source in sources).items() if times > 1)
            if twice:
                raise ConfigError(f"-o {asked}: more than one image is named {twice[0]}; process them separately")
        if not self.folder and kind is None and asked.suffix and format_of(asked) is None:
            formats = ", ".join(ENDINGS)
            raise ConfigError(f"-o {asked}: {asked.suffix} is none of the formats {formats}; choose one with --format")
        for source in sources:
            if known := kept(source) if kind in {None, "keep"} else kind:
                self._place(asked, source, known)

    @property
    def kind(self) -> str | None:
        """The format that the ending of ``-o`` asks for; None where it says nothing, as a folder's does not."""
        return None if self.folder else format_of(self._asked)

    def target(self, source: Path, kind: str) -> Path | None:
        """Return the file for the result of a source, None where none is asked for; its folder is there."""
        if self._asked is None:
            return None
        target = self._place(self._asked, source, kind)
        if self.folder:
            self._asked.mkdir(parents=True, exist_ok=True)
        return target

    def _place(self, asked: Path, source: Path, kind: str) -> Path:
        target = asked / named(source, kind) if self.folder else asked
        if target.resolve() in self._sources:
            raise ConfigError(f"{target} is a source and would be overwritten; choose another with -o")
        return target


def present(source: Path) -> Path:
    """Return the path of an image; raise ConfigError where no file is."""
    if source.is_dir():
        raise ConfigError(f"{source}: is a folder; name the images in it, as by {source / '*.jpg'}")
    if not source.is_file():
        raise ConfigError(f"{source}: no such file")
    return source


def readable(source: Path) -> Path:
    """Return the path of an image that can be read; raise ConfigError where no file is, PixoError where it cannot."""
    present(source)
    try:
        source.open("rb").close()
    except OSError as error:
        raise PixoError(f"cannot read {source}: {error.strerror}") from error
    return source


def named(source: Path, kind: str) -> str:
    """Return the source's name with an ending that fits the format."""
    endings = ENDINGS.get(kind, (f".{kind}",))
    return source.name if source.suffix.lower() in endings else source.stem + endings[0]


def kept(source: Path) -> str | None:
    """Return the format that a result keeps of its source; that of its name where it cannot be read, None at a loss."""
    found = None
    with suppress(OSError), source.open("rb") as file:
        found = sniff(file.read(64))
    if found is None:
        return format_of(source)
    return found if found in ENDINGS else "png"


def format_of(target: Path | None) -> str | None:
    """Return the format that a file's ending asks for, None when it says nothing."""
    suffix = target.suffix.lower() if target else ""
    return next((kind for kind, endings in ENDINGS.items() if suffix in endings), None)
