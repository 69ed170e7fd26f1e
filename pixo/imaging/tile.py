"""One tile, from the rows of its source to its finished segment."""

from pixo.imaging.chain import Chain
from pixo.imaging.decode.reader import Pixels, Reader
from pixo.imaging.encode import encode
from pixo.imaging.filters import Place
from pixo.imaging.flatten import flatten
from pixo.imaging.plan import Plan


def render(reader: Reader, plan: Plan, chain: Chain, tile: int) -> bytes:
    """Give a tile's segment; raise BadImage if its rows cannot be decoded, Rewind if the reader has passed them."""
    return encode(filtered(reader, plan, chain, *plan.box(tile)), plan)


def filtered(reader: Reader, plan: Plan, chain: Chain, top: int, bottom: int) -> Pixels:
    """Give rows ``[top, bottom)`` after the chain, in ``plan.out_mode``; perhaps a view of the reader's rows."""
    halo = chain.halo(plan.depth)
    above, below = max(0, top - halo), min(plan.height, bottom + halo)
    place = Place(y0=above, width=plan.width, height=plan.height, seed=plan.seed)
    pixels: Pixels = chain.apply(reader.rows(above, below), place)
    return flatten(pixels[top - above : bottom - above], plan.out_mode, plan.output.background)
