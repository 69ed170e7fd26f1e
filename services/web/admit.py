"""Admission after an answer."""

from pixo import logs
from pixo.errors import TryAgain
from services.web.parts import Parts

log = logs.logger(__name__)


def admit(parts: Parts) -> None:
    """Start what may start. If that cannot be done now, the results role does it within seconds: nothing is lost."""
    try:
        parts.dispatcher.admit()
    except TryAgain as error:
        log.warning("jobs wait to be admitted", part=error.part, reason=str(error))
