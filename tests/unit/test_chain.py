"""The text of a chain, and what a chain says about itself."""

import subprocess
import sys

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from pixo.errors import ConfigError, Refusal
from pixo.imaging.chain import MAX_ALIGN, MAX_HALO, MAX_TEXT, Chain, parse
from pixo.imaging.filters import BUILT_IN, catalogue, registry
from tests import strategies


@pytest.fixture
def fresh_registry():
    """Let the test change which plug-ins there are."""
    registry.cache_clear()
    yield
    registry.cache_clear()


def install(folder, source, name="half", target="half_filter:Half") -> None:
    """Write a distribution with one module and one entry point into a folder."""
    (folder / "half_filter.py").write_text(source)
    info = folder / "half_filter-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: half-filter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pixo.filters]\n{name} = {target}\n")


HALF = """
from typing import Annotated, Literal
from msgspec import Meta, Struct
from pixo.imaging.filters import Filter

class Params(Struct, frozen=True, kw_only=True):
    by: Annotated[int, Meta(ge=-4, le=4, description="by how much")] = -2
    side: Annotated[Literal["left", "right"], Meta(description="of what")] = "left"
    round: Annotated[bool, Meta(description="up")] = False

class Half(Filter[Params]):
    name = "half"
    help = "Half of it"
    Params = Params

    def apply(self, pixels, params, place):
        return pixels // 2

    def cost(self, params, mode, depth):
        return 1.0
"""


@given(chain=strategies.chains(max_size=5))
def test_canonical_text_round_trips(chain) -> None:
    """The text of a chain parses to the same chain, and is its own canonical form."""
    again = parse(str(chain))

    assert again == chain
    assert str(again) == str(chain)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("grayscale", "grayscale"),
        ("blur:sigma=4,grayscale", "blur:sigma=4,grayscale"),
        ("blur:4", "blur:sigma=4"),
        ("blur:sigma=2.0", "blur"),
        (" blur : sigma = 4.50 , invert ", "blur:sigma=4.5,invert"),
        ("unsharp:threshold=3:amount=2e0:sigma=1", "unsharp:amount=2:threshold=3"),
        ("blur:sigma=+.5", "blur:sigma=0.5"),
        ("none", "none"),
        ("", "none"),
        ("  ", "none"),
    ],
)
def test_canonical_text(text, canonical) -> None:
    """Defaults, blanks and spare digits disappear; a filter's only parameter may go without its name."""
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "kind", "measured", "limit"),
    [
        ("blurr", "unknown-filter", "blurr", list(BUILT_IN)),
        ("Blur", "unknown-filter", "Blur", list(BUILT_IN)),
        ("blur,none", "unknown-filter", "none", list(BUILT_IN)),
        ("blur:radius=4", "unknown-parameter", "radius", ["sigma"]),
        ("invert:amount=1", "unknown-parameter", "amount", []),
        ("blur:sigma=51", "bad-parameter", 51.0, 50),
        ("blur:sigma=0", "bad-parameter", 0.0, 0.3),
        ("blur:sigma=nan", "bad-parameter", "nan", None),
        ("blur:sigma=inf", "bad-parameter", "inf", None),
        ("blur:sigma=1e999", "bad-parameter", float("inf"), 50),
        ("blur:sigma=1_0", "bad-parameter", "1_0", None),
        ("blur:sigma=", "bad-parameter", "", None),
        ("blur:sigma=٤", "bad-parameter", "٤", None),
        ("box:radius=2.5", "bad-parameter", "2.5", None),
        ("box:radius=" + "9" * 30, "bad-parameter", "9" * 30, None),
        ("blur:sigma=1:sigma=1", "bad-parameter", "1", None),
        ("blur:1:2", "bad-parameter", "2", None),
        ("unsharp:4", "bad-chain", "4", None),
        ("unsharp:sigma", "bad-parameter", "", None),
        ("blur,,invert", "bad-chain", "", None),
        ("blur,", "bad-chain", "", None),
        (":sigma=4", "bad-chain", ":sigma=4", None),
        ("blur:50,blur:50,blur:50", "bad-chain", 600, MAX_HALO),
        (",".join(["invert"] * 17), "too-many-filters", 17, 16),
        ("x" * 2001, "bad-chain", 2001, MAX_TEXT),
    ],
)
def test_refusals(text, kind, measured, limit) -> None:
    """What cannot be read is refused with its kind, what was found and what is allowed; the message names both."""
    with pytest.raises(Refusal) as caught:
        parse(text)

    assert caught.value.kind == kind
    assert caught.value.measured == measured
    assert caught.value.limit == limit
    assert str(measured).removesuffix(".0") in str(caught.value)


def test_a_slip_of_the_pen_gets_a_hint() -> None:
    """A name that is nearly right is answered with the right one."""
    with pytest.raises(Refusal, match="did you mean grayscale"):
        parse("greyscale")


@given(text=st.text(alphabet="blurgaysce:=,.-+0123456789 \x00é", max_size=60))
def test_any_text_is_read_or_refused(text) -> None:
    """No text does anything but give a chain, whose own text gives it again, or a Refusal."""
    try:
        chain = parse(text)
    except Refusal as refusal:
        event(refusal.kind)
        return
    assert parse(str(chain)) == chain


def test_sixteen_filters_are_taken() -> None:
    """The limit itself is allowed."""
    assert len(parse(",".join(["invert"] * 16)).steps) == 16


@pytest.mark.parametrize(
    ("text", "halo", "align"),
    [
        ("none", 0, 1),
        ("grayscale,invert", 0, 1),
        ("blur:4", 16, 1),
        ("blur:0.3", 2, 1),
        ("blur:4,sharpen,median:2,box:3", 22, 1),
        ("pixelate:16", 0, 16),
        ("blur:4,pixelate:16", 16, 16),
        ("pixelate:16,edges", 16, 16),
        ("sharpen,pixelate:16,blur:5", 33, 16),
        ("pixelate:5,pixelate:3", 0, 15),
        ("pixelate:5,sharpen,pixelate:3", 5, 15),
        ("pixelate:127", 126, 1),
        ("pixelate:128,pixelate:127", 128, 128),
    ],
)
def test_halo_and_alignment(text, halo, align) -> None:
    """Radii add up; cells align tiles, round halos up, and become a halo where they would align too coarsely."""
    for depth in (8, 16):
        assert (parse(text).halo(depth), parse(text).align()) == (halo, align)


@given(chain=strategies.chains(max_size=5))
def test_alignment_is_bounded(chain) -> None:
    """Tiles are never forced beyond the bound, together with the rows of a JPEG's blocks."""
    assert 1 <= chain.align() <= MAX_ALIGN


@pytest.mark.parametrize(
    ("text", "luma", "modes"),
    [
        ("none", False, ["L", "LA", "RGB", "RGBA"]),
        ("grayscale,blur", True, ["L", "LA", "L", "LA"]),
        ("threshold", True, ["L", "LA", "L", "LA"]),
        ("blur,grayscale", False, ["L", "LA", "L", "LA"]),
        ("grayscale,sepia", True, ["RGB", "RGBA", "RGB", "RGBA"]),
        ("edges", False, ["L", "LA", "RGB", "RGBA"]),
    ],
)
def test_luma_and_modes(text, luma, modes) -> None:
    """A chain knows whether it needs colour, and what comes out of it."""
    assert parse(text).starts_with_luma() is luma
    assert [parse(text).out_mode(mode) for mode in strategies.MODES] == modes


def test_costs_add_up_on_the_modes_that_come_out() -> None:
    """What follows grayscale is charged for one channel."""
    gray_first = parse("grayscale,blur:4").cost("RGB", 8)

    assert gray_first == parse("grayscale").cost("RGB", 8) + parse("blur:4").cost("L", 8)
    assert gray_first < parse("blur:4,grayscale").cost("RGB", 8)
    assert Chain().cost("RGB", 8) == 0


def test_a_large_median_of_16_bits_is_refused() -> None:
    """The refusal names what is possible; the same on 8 bits, and a small one on 16, are taken."""
    parse("invert,median:3").check("RGB", 8)
    parse("invert,median:2").check("RGB", 16)

    with pytest.raises(Refusal) as caught:
        parse("invert,median:3").check("RGB", 16)

    assert (caught.value.kind, caught.value.measured, caught.value.limit) == ("unsupported-depth", 3, 2)


def test_the_catalogue_describes_every_filter() -> None:
    """Each filter is listed with one line of help, and each parameter with type, range, default and help."""
    found = {each["name"]: each for each in catalogue()}

    assert list(found) == list(BUILT_IN) == list(registry())
    assert all(each["help"] and "\n" not in each["help"] for each in found.values())
    assert found["blur"]["parameters"] == [
        {
            "name": "sigma",
            "type": "number",
            "minimum": 0.3,
            "maximum": 50,
            "default": 2.0,
            "choices": None,
            "help": "standard deviation in pixels",
        }
    ]


def test_reading_chains_loads_neither_numpy_nor_opencv() -> None:
    """The web role reads chains and shows the catalogue: it stays small."""
    code = (
        "import sys; from pixo.imaging.chain import parse; from pixo.imaging.filters import catalogue; catalogue();"
        "chain = parse('blur:4,grayscale'); chain.halo(8), chain.cost('RGB', 16), chain.check('RGB', 16), str(chain);"
        "print({'numpy', 'cv2'} & set(sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def test_a_plug_in_is_a_filter_like_the_others(tmp_path, monkeypatch, fresh_registry) -> None:
    """An entry point adds a filter to chains and catalogue, with choices and switches among its parameters."""
    install(tmp_path, HALF)
    monkeypatch.syspath_prepend(tmp_path)

    assert list(registry()) == [*BUILT_IN, "half"]
    assert str(parse("half:by=-0:side=right:round=true")) == "half:by=0:side=right:round=true"
    assert str(parse("half:side=left:by=-2:round=false")) == "half"
    assert [each["type"] for each in catalogue()[-1]["parameters"]] == ["integer", "choice", "boolean"]
    assert catalogue()[-1]["parameters"][1]["choices"] == ("left", "right")
    for text in ("half:side=up", "half:round=yes", "half:by=-5"):
        with pytest.raises(Refusal) as caught:
            parse(text)
        assert caught.value.kind == "bad-parameter"


@pytest.mark.parametrize(
    ("source", "name", "target"),
    [
        (HALF, "blur", "half_filter:Half"),
        (HALF, "third", "half_filter:Half"),
        (HALF, "half", "half_filter:Quarter"),
        (HALF, "half", "nothing_such:Half"),
        (HALF, "half", "half_filter:Params"),
        (HALF.replace("ge=-4, le=4, ", ""), "half", "half_filter:Half"),
        (HALF.replace(', description="by how much"', ""), "half", "half_filter:Half"),
        (HALF.replace('"]', ', or"]'), "half", "half_filter:Half"),
        (HALF.replace('name = "half"', 'name = "Half it"'), "Half it", "half_filter:Half"),
        (HALF.replace('    name = "half"\n', ""), "half", "half_filter:Half"),
        (HALF.replace("    Params = Params\n", ""), "half", "half_filter:Half"),
        (HALF.replace("def cost", "def price"), "half", "half_filter:Half"),
        ("nonsense(", "half", "half_filter:Half"),
        ("1 / 0", "half", "half_filter:Half"),
    ],
)
def test_a_broken_plug_in_is_named(source, name, target, tmp_path, monkeypatch, fresh_registry) -> None:
    """A plug-in that takes a name, cannot be loaded or has unwritable parameters stops the role, and is named."""
    install(tmp_path, source, name, target)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "half_filter", raising=False)

    with pytest.raises(ConfigError, match=target.split(":")[0]):
        registry()
    sys.modules.pop("half_filter", None)
