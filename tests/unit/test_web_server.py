"""The web role in gunicorn."""

import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from pixo import settings, startup
from services.web.server import Server


@pytest.mark.parametrize("end", [HaltServer("App failed to load.", Arbiter.APP_LOAD_ERROR), SystemExit(4)])
def test_a_wrong_setting_that_is_found_while_it_is_told_to_stop(end, monkeypatch):
    """Gunicorn gives its code in two ways; neither may end in a traceback, nor as a fault that passes."""

    def run(_: Server) -> None:
        raise end

    monkeypatch.setattr(Server, "run", run)

    assert Server(settings.load({})).serve() == startup.EXIT_CONFIG
