"""Where the parts of a running `pixo up` are: told in its data folder, to commands that speak to them and not to web.

Ports are free ones, chosen anew at each start.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from pixo.errors import ConfigError

FILE = "parts.json"
TOLD = ("PIXO_KAFKA", "PIXO_KAFKA_PROFILE", "PIXO_KAFKA_BELLS", "PIXO_REDIS", "PIXO_STORE")


def tell(folder: Path, environ: Mapping[str, str]) -> None:
    """Write the settings by which the parts are reached, for nobody but the owner: a URL may hold a password."""
    forget(folder)
    # With what our own servers know nothing of, whatever is set for others.
    told = {name: value for name, value in environ.items() if name in TOLD or (name.startswith("PIXO_") and not value)}
    file = folder / FILE
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(told)))


def known(folder: Path) -> dict[str, str]:
    """Return those settings, none where nothing runs; raise ConfigError for a file that cannot be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, str])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"cannot read {folder / FILE}: {error}") from error


def forget(folder: Path) -> None:
    """Say that nothing runs any more."""
    (folder / FILE).unlink(missing_ok=True)
