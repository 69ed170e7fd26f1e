"""The tiles of a job, and each finished one as an image."""

from flask import Blueprint, Response

from pixo.errors import Refusal
from pixo.imaging.join import picture
from pixo.state.records import TileRecord
from pixo.store import names
from services.web import answers, blobs, documents, lookup
from services.web.parts import Parts


def routes(parts: Parts) -> Blueprint:
    """Return the blueprint."""
    blueprint = Blueprint("tiles", __name__)

    @blueprint.get("/api/v1/jobs/<id>/tiles")
    def list_tiles(id: str) -> Response:
        job = lookup.find(parts, id)
        plan = job.plan
        records = parts.state.jobs.tiles(id) if plan else []
        return answers.json({"tiles": [documents.tile(plan, record, id) for record in records] if plan else []})

    @blueprint.get("/api/v1/jobs/<id>/tiles/<int:number>")
    def read_tile(id: str, number: int) -> Response:
        job = lookup.find(parts, id)
        lookup.require_images(job)
        if job.plan is None or number >= job.plan.tiles:
            raise Refusal(
                "no-such-tile",
                f"No such tile: the job has {job.total}, numbered from 0.",
                measured=number,
                limit=job.total,
            )
        record = _record(parts, id, number)
        name = f"{job.id}-tile-{number}.{blobs.ENDINGS[job.plan.piece]}"
        headers = {
            **blobs.validators(record.token),
            "Content-Disposition": blobs.disposition(name, attached=False),
        }
        if same := blobs.unchanged(record.token, headers):
            return same
        data = picture(job.plan, number, parts.store.get(names.tile(id, number, record.token)))
        return Response(data, headers=headers, content_type=blobs.MEDIA_TYPES[job.plan.piece])

    return blueprint


def _record(parts: Parts, job: str, number: int) -> TileRecord:
    record = parts.state.jobs.tile(job, number)
    if record.state == "done":
        return record
    if record.state == "dead":
        raise Refusal("wrong-state", f"Tile {number} failed: {record.reason}", measured="failed")
    raise Refusal("no-tile-yet", f"Tile {number} is not finished.", measured=documents.TILE_STATES[record.state])
