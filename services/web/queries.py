"""The fields of a query, read as strictly as an upload's: what a call does not know is refused, never passed over."""

from flask import Flask, request

from pixo.errors import Refusal
from services.web import fields

TAKEN = {
    "jobs_read.list_jobs": ("status", "limit", "cursor"),
    "jobs_read.read_job": ("wait",),
    "results.read_result": ("download",),
    "results.read_source": ("download",),
    "results.read_preview": ("size", "of"),
}
"""By the endpoint of a call of the API. All others take none, but for an upload, whose fields ``submit`` reads."""
UPLOAD = "jobs_submit.post_job"


def install(app: Flask) -> None:
    """Refuse fields that are unknown or given twice, wherever the API is called."""
    app.before_request(_check)


def _check() -> None:
    # The page and probes are addresses only: what others hang on to those, such as a link's origin, means nothing here.
    if request.endpoint in (None, UPLOAD) or request.method == "OPTIONS" or not request.path.startswith("/api/"):
        return
    taken = TAKEN.get(request.endpoint, ())
    for name in fields.once(request.args):
        if name not in taken:
            known = f"the fields of this query are {', '.join(taken)}" if taken else "this call takes none"
            raise Refusal("unknown-field", f"Unknown field {name!r}; {known}.", measured=name)
