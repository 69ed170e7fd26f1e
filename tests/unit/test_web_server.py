"""The web role in gunicorn."""

import resource

import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from pixo import settings, startup
from services.web.server import FILES, Server, connections


@pytest.mark.parametrize("end", [HaltServer("App failed to load.", Arbiter.APP_LOAD_ERROR), SystemExit(4)])
def test_a_wrong_setting_that_is_found_while_it_is_told_to_stop(end, monkeypatch):
    """Gunicorn gives its code in two ways; neither may end in a traceback, nor as a fault that passes."""

    def run(_: Server) -> None:
        raise end

    monkeypatch.setattr(Server, "run", run)

    assert Server(settings.load({})).serve() == startup.EXIT_CONFIG


def test_connections_leave_files_for_what_they_ask_for():
    """Where there are few files, there are fewer connections, but always more than are served at once."""
    assert connections(FILES, 64) == 1000
    assert connections(1024, 64) == 704
    assert connections(128, 64) == 128


def test_more_files_are_asked_for_where_there_are_more():
    """Whoever starts it need not know of that."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        Server(settings.load({}))
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(FILES, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
