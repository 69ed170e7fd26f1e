"""Plans for tests that need one and do not care which."""

from pixo.imaging.plan import Output, Plan


def striped(height: int, width: int = 10, **others) -> Plan:
    """Give a plan of gray strips of ten rows that are inverted; other fields by name."""
    fields = {
        "source": "png",
        "engine": "stream",
        "mode": "L",
        "depth": 8,
        "chain": "invert",
        "out_mode": "L",
        "output": Output(format="png"),
        "piece": "png",
        "rows": 10,
        "skip": 0.5,
        "seconds": 1.0,
        **others,
    }
    return Plan(width=width, height=height, **fields)
