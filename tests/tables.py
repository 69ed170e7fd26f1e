"""The tables of the docs that are made from the code; ``python -m tests.tables`` writes them anew."""

from pathlib import Path

from pixo import settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BEGIN = "<!-- settings: python -m tests.tables writes this -->\n"
END = "<!-- end -->"


def settings_table() -> str:
    """Give the README's table of settings."""
    lines = ["", "| variable | default | meaning |", "|---|---|---|"]
    for _, name, field in settings.fields():
        default = f"`{field.default}`" if field.default != "" else ""
        lines.append(f"| `{settings.variable(name)}` | {default} | {settings.describe(field)} |")
    lines.append("| `WORKER_ID` | host name and a random part | what a worker is called |")
    return "\n".join(lines) + "\n\n"


def with_settings(text: str) -> str:
    """Give the README with the table between its two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + settings_table() + END + after


if __name__ == "__main__":
    README.write_text(with_settings(README.read_text()))
