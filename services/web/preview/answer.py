"""What a process that makes a preview says where it cannot."""

from msgspec import Struct

REFUSED, TRY_AGAIN = 65, 75  # EX_DATAERR and EX_TEMPFAIL of sysexits.h


class Wrong(Struct, frozen=True, kw_only=True):
    """A refusal, on its way to the request."""

    kind: str
    message: str
    measured: object = None
    limit: object = None
