"""Can this process take uploads: the parts that it stands on answer."""

from functools import partial

from pixo.health import Health
from services.web.parts import Parts


def health(parts: Parts) -> Health:
    """Return the health of the web role; it is alive as long as it answers."""
    return Health({part: partial(_answers, parts, part) for part in parts.reach.parts})


def _answers(parts: Parts, part: str) -> bool:
    parts.reach.require(part)
    return True
