"""What the web role works with, made by its main function and handed to the app."""

from collections.abc import Callable
from typing import NamedTuple

from pixo.dispatch import Dispatcher
from pixo.settings import Settings
from pixo.state import State
from pixo.store import Store
from services.web.reach import Reach
from services.web.room import Room


class Parts(NamedTuple):
    """Ready collaborators of all routes."""

    store: Store
    state: State
    dispatcher: Dispatcher
    settings: Settings
    reach: Reach
    """Knows whether Kafka, Redis and the store answer."""
    room: Room
    """Knows whether one more job may wait."""
    stopping: Callable[[], bool] = lambda: False
    """Whether the process was told to end, so that nobody should be kept waiting."""
