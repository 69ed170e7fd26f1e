"""What a refusal's reader can do about it."""


def hint(setting: str | None) -> str:
    """Return what to add to a refusal whose limit a setting moves; nothing where none does."""
    return f" ({setting} changes the limit)" if setting else ""
