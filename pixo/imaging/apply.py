"""A chain on an image in one process, without a server.

`filter_whole` is the reference that everything is compared with: no tiles, the same engine. `apply` does the work
of the service, tile by tile in bounded memory, and gives the same bytes; `carry_out` does so by a plan made before.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from pixo.imaging import metadata
from pixo.imaging.chain import Chain, parse
from pixo.imaging.decode import Pixels, open_reader
from pixo.imaging.join import finish, join
from pixo.imaging.join.jpeg import Write
from pixo.imaging.limits import Limits
from pixo.imaging.plan import Plan
from pixo.imaging.planner import Request, plan
from pixo.imaging.probe import probe
from pixo.imaging.tile import filtered, render


def filter_whole(path: Path, plan: Plan) -> Pixels:
    """Give all pixels of the plan's final image as one array (height, width, channels)."""
    with (
        TemporaryDirectory(prefix="pixo-") as cache,
        open_reader(path, plan, start=0, until=plan.height, cache=Path(cache)) as reader,
    ):
        # A copy, since the rows may be the reader's own.
        return filtered(reader, plan, parse(plan.chain), 0, plan.height).copy()


def apply(path: Path, chain: Chain, request: Request, limits: Limits, write: Write) -> Plan:
    """Write the final image's bytes and return its plan; raise Refusal or BadImage."""
    made = settle(path, chain, request, limits)
    carry_out(path, made, write)
    return made


def settle(path: Path, chain: Chain, request: Request, limits: Limits) -> Plan:
    """Return the plan for doing it in one process, from the file's header; raise Refusal."""
    return plan(probe(path), chain, request, limits, tile_size=None, workers=1, busy=False)


def carry_out(path: Path, made: Plan, write: Write) -> None:
    """Write the final image's bytes as the plan says; raise BadImage."""
    about, chain = metadata.read(path), parse(made.chain)
    with (
        TemporaryDirectory(prefix="pixo-") as cache,
        open_reader(path, made, start=0, until=made.height, cache=Path(cache)) as reader,
    ):
        if made.lone:
            write(finish(made, about, render(reader, made, chain, 0)))
        else:
            join(made, about, (render(reader, made, chain, tile) for tile in range(made.tiles)), write)
