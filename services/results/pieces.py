"""The finished tiles of a job, read from the store and held against what was recorded of them."""

from collections.abc import Callable, Iterator, Sequence

from isal.isal_zlib import crc32

from pixo import injection
from pixo.errors import BadPiece, PixoError
from pixo.state.records import TileRecord
from pixo.store import NoSuchBlob, Store, names


class InVain(PixoError):
    """Raised when a join is to be abandoned: its result will not count, or cannot be finished here."""


def read(store: Store, job: str, records: Sequence[TileRecord], in_vain: Callable[[], str]) -> Iterator[bytes]:
    """Return the pieces in order, one at a time.

    Raises BadPiece for the first that is not what was recorded, InVain with the reason once ``in_vain`` gives one.
    """
    for record in records:
        if reason := in_vain():
            raise InVain(reason)
        piece = _piece(store, job, record)
        injection.point("results.while-writing", job=job, tile=record.tile)
        yield piece


def broken(store: Store, job: str, records: Sequence[TileRecord]) -> list[int]:
    """Return the numbers of all tiles whose piece is missing or not what was recorded."""
    return [record.tile for record in records if not _whole(store, job, record)]


def _whole(store: Store, job: str, record: TileRecord) -> bool:
    try:
        _piece(store, job, record)
    except BadPiece:
        return False
    return True


def _piece(store: Store, job: str, record: TileRecord) -> bytes:
    try:
        data = store.get(names.tile(job, record.tile, record.token))
    except NoSuchBlob as error:
        raise BadPiece(record.tile, "the piece is not in the store") from error
    if len(data) != record.size:
        raise BadPiece(record.tile, f"the piece has {len(data)} bytes instead of {record.size}")
    if crc32(data) != record.crc:
        raise BadPiece(record.tile, "the piece's checksum is wrong")
    return data
