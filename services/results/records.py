"""Reading job.json, the record by which the store brings a job back."""

import msgspec

from pixo import logs
from pixo.state.records import Spec
from pixo.store import Store, names

log = logs.logger(__name__)


def read_record(store: Store, id_: str) -> Spec | None:
    """Return the record of a job; None, and a line in the log, for one that cannot be read.

    A machine that lost its power may have left half a file, another version of Pixo may have written one. Raises
    NoSuchBlob, TryAgain.
    """
    try:
        return msgspec.json.decode(store.get(names.job_record(id_)), type=Spec)
    except msgspec.MsgspecError as error:
        log.error("the record of a job cannot be read", job=id_, reason=error)
        return None
