"""EXIF, whatever stands in it."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixo.imaging import exif

SIZE = (40, 30)


def block():
    """Give EXIF with a directory of its own for the photograph, and a resolution."""
    made = Image.Exif()
    made[0x010F], made[0x0112], made[0x011A], made[0x011B] = "Maker", 6, 300.0, 300.0
    made.get_ifd(0x8769).update({0xA002: 9999, 0xA003: 8888, 0x9286: b"ASCII\0\0\0a comment"})
    return made.tobytes()


BLOCK = block()


@given(
    st.dictionaries(st.integers(0, len(BLOCK) - 1), st.integers(0, 255), max_size=6),
    st.integers(0, len(BLOCK)),
    st.integers(1, 8),
)
def test_no_block_breaks_what_reads_it(changes, end, orientation):
    """Damage anywhere gives a block with the orientation, or none, and of either a resolution or none."""
    data = bytearray(BLOCK)
    for at, value in changes.items():
        data[at] = value
    damaged = bytes(data[:end])
    density = exif.density(damaged)
    assert density is None or min(density) > 0
    found = exif.settle(damaged, orientation, SIZE)
    if found is None:
        return
    assert exif.settle(found, orientation, SIZE) == found
    assert exif.with_density(found, (10.0, 20.0)).startswith(exif.PREFIX)
