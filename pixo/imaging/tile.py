"""One tile, from the rows of its source to its finished segment."""

from pixo.imaging import strips
from pixo.imaging.chain import Chain
from pixo.imaging.decode.reader import Pixels, Reader, Rows
from pixo.imaging.encode import encode
from pixo.imaging.filters import Place
from pixo.imaging.flatten import flatten
from pixo.imaging.plan import Plan


def render(reader: Reader, plan: Plan, chain: Chain, tile: int) -> bytes:
    """Return a tile's segment; raise BadImage if its rows cannot be decoded, Rewind if the reader has passed them."""
    return encode(filtered(reader, plan, chain, *plan.box(tile)), plan)


def filtered(reader: Rows, plan: Plan, chain: Chain, top: int, bottom: int) -> Pixels:
    """Return rows ``[top, bottom)`` after the chain, in ``plan.out_mode``; perhaps a view of the reader's rows."""
    above, below = reach(plan, chain, top, bottom)
    place = Place(y0=above, width=plan.width, height=plan.height, seed=plan.seed, orientation=plan.orientation)
    pixels: Pixels = strips.apply(chain, reader.rows(above, below), place)
    return flatten(pixels[top - above : bottom - above], plan.out_mode, plan.output.background)


def reach(plan: Plan, chain: Chain, top: int, bottom: int) -> tuple[int, int]:
    """Return the rows of the source that rows ``[top, bottom)`` of the final depend on."""
    align, halo = chain.align(), chain.halo(plan.depth)
    # The halo counts from rows at which cells begin; a tile of a very wide image may begin within a cell.
    above = top // align * align - halo
    below = -(-bottom // align) * align + halo
    return max(0, above), min(plan.height, below)
