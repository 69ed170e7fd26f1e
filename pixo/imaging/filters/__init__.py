"""What a filter is, and which there are. Importing this loads neither numpy nor OpenCV: the web role only reads chains.

A filter is one small file with one `Filter` class. The built-in ones are listed here; other distributions add
theirs by an entry point of the group ``pixo.filters`` whose name is the filter's and whose object is its class:

    [project.entry-points."pixo.filters"]
    halftone = "my_package.halftone:Halftone"
"""

import re
from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from msgspec import Struct, to_builtins

from pixo.errors import ConfigError
from pixo.imaging.filters.parameters import describe
from pixo.imaging.plan import Mode

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[Any]"
"""An array (height, width, channels) of uint8 or uint16; 1-4 channels are L, LA, RGB, RGBA, never two axes only."""

GROUP = "pixo.filters"
BUILT_IN = {
    "grayscale": "grayscale:Grayscale",
    "invert": "invert:Invert",
    "sepia": "sepia:Sepia",
    "brightness": "brightness:Brightness",
    "contrast": "contrast:Contrast",
    "blur": "blur:Blur",
    "box": "box:Box",
    "sharpen": "sharpen:Sharpen",
    "unsharp": "unsharp:Unsharp",
    "edges": "edges:Edges",
    "emboss": "emboss:Emboss",
    "median": "median:Median",
    "threshold": "threshold:Threshold",
    "posterize": "posterize:Posterize",
    "pixelate": "pixelate:Pixelate",
}


class Place(Struct, frozen=True, kw_only=True):
    """Where a strip lies in its image: pixels alone don't tell a filter."""

    y0: int
    """Row of the image that the strip's first row is."""
    width: int
    height: int
    """Size of the whole image."""
    seed: int = 0
    """The job's own number, the same for all its tiles: for filters that draw lots."""
    orientation: int = 1
    """How the image is turned to be shown, as EXIF says it (1-8): for filters that know up from down."""


class Nothing(Struct, frozen=True, kw_only=True):
    """The parameters of a filter that has none."""


P = TypeVar("P", bound=Struct)


class Filter(ABC, Generic[P]):
    """One operation on pixels.

    The law: the rows that come out for a tile depend on the tile's rows and ``radius`` rows above and below it
    only, are the same on every machine, and continue the image's border by repeating its edge pixels. So a tile
    comes out as it does within the whole image.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    """One line for people: what it does, and by whose definition."""
    luma: ClassVar[bool] = False
    """Whether the result depends on the ITU-R BT.601 luma alone."""
    Params: type[P]
    """Frozen record; every field has a default, ``Meta(description=...)`` and, if it is a number, ``ge`` and ``le``."""

    @abstractmethod
    def apply(self, pixels: Pixels, params: P, place: Place) -> Pixels:
        """Return the filtered pixels, as high and wide, of the same dtype; never write into ``pixels``."""

    @abstractmethod
    def cost(self, params: P, mode: Mode, depth: int) -> float:
        """Estimate the milliseconds per megapixel on one core."""

    def radius(self, params: P, depth: int) -> int:
        """Return the rows above and below that a row depends on."""
        return 0

    def align(self, params: P) -> int:
        """Return the rows that belong together, counted from the image's top: a cell's height, 1 if there are none."""
        return 1

    def out_mode(self, mode: Mode) -> Mode:
        """Return the mode that comes out when ``mode`` goes in."""
        return mode

    def check(self, params: P, mode: Mode, depth: int) -> None:
        """Raise Refusal (``unsupported-depth``) if such images are beyond the filter."""


@cache
def registry() -> dict[str, Filter[Any]]:
    """Return every filter by its name, the built-in ones first; raise ConfigError for a broken plug-in."""
    found = {name: _built_in(target) for name, target in BUILT_IN.items()}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found[point.name] = _plugged_in(point, found)
    return found


def catalogue() -> list[dict[str, Any]]:
    """Describe every filter: ``name``, ``help`` and ``parameters``, each with its type, range, default and help."""
    return [
        {"name": each.name, "help": each.help, "parameters": [to_builtins(one) for one in describe(each.Params)]}
        for each in registry().values()
    ]


def _built_in(target: str) -> Filter[Any]:
    module, name = target.split(":")
    found: type[Filter[Any]] = getattr(import_module(f"{__name__}.{module}"), name)
    return found()


def _plugged_in(point: EntryPoint, taken: dict[str, Filter[Any]]) -> Filter[Any]:
    where = f"the filter {point.name!r} of {point.value}"
    if point.name in taken:
        raise ConfigError(f"{where}: there already is a filter of this name")
    try:
        found = point.load()
    except Exception as error:  # somebody else's module: whatever it does when it is imported
        raise ConfigError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Filter)):
        raise ConfigError(f"{where} is not a subclass of pixo.imaging.filters.Filter")
    if missing := [name for name in ("name", "help", "Params") if not hasattr(found, name)]:
        raise ConfigError(f"{where} has no {missing[0]}")
    if found.name != point.name or not re.fullmatch(r"[a-z][a-z0-9-]*", point.name) or point.name == "none":
        raise ConfigError(
            f"{where} calls itself {found.name!r}: lower-case letters, digits and dashes, the same in both places"
        )
    describe(found.Params)
    if lacking := sorted(found.__abstractmethods__):
        raise ConfigError(f"{where} does not define {', '.join(lacking)}")
    return found()
