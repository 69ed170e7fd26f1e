"""Every key that Pixo has in Redis. A job's share the hash tag ``{id}``, so that a cluster keeps them together."""

WAITING = "pixo:waiting"
ACTIVE = "pixo:active"
JOBS = "pixo:jobs"
WORKERS = "pixo:workers"
CLUSTER = "pixo:cluster"
COMPARED = "pixo:compared"

PARTS = ("todo", "out", "again", "tiles", "tries", "events")


def job(id: str) -> str:
    """Return the key of a job's hash, the truth about its state."""
    return f"pixo:job:{{{id}}}"


def part(id: str, name: str) -> str:
    """Return the key of one of a job's ``PARTS``."""
    return f"{job(id)}:{name}"


def of_job(id: str) -> list[str]:
    """Return all keys of a job in the order that the scripts expect."""
    head = job(id)
    return [head, *(f"{head}:{name}" for name in PARTS)]


def worker(id: str) -> str:
    """Return the key of a process that lives."""
    return f"pixo:worker:{id}"


def last_words(id: str) -> str:
    """Return the key of what a process told last, which outlives it."""
    return f"pixo:worker:{id}:last"


def idempotency(key: str) -> str:
    """Return the key of a client's ``Idempotency-Key``."""
    return f"pixo:idem:{key}"
