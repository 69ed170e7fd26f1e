"""The keys of all blobs; every job's lie under one prefix."""


def prefix(job: str) -> str:
    """Return the prefix of everything that a job has in the store."""
    return f"jobs/{job}/"


def source(job: str) -> str:
    """Return the key of the uploaded image."""
    return f"jobs/{job}/source"


def job_record(job: str) -> str:
    """Return the key of the job's parameters, from which a lost Redis is filled again."""
    return f"jobs/{job}/job.json"


def tile(job: str, number: int, token: str) -> str:
    """Return the key of a finished piece; the token makes every attempt's own."""
    return f"jobs/{job}/tiles/{number}-{token}"


def final(job: str, token: str) -> str:
    """Return the key of the finished image; the token makes every join's own."""
    return f"jobs/{job}/final-{token}"


def end(job: str) -> str:
    """Return the key of the record that says how the job ended."""
    return f"jobs/{job}/end.json"
