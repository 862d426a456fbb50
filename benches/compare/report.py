"""Tables, and whether a figure is what it should be."""

import json
import statistics

from settings import TARGET

median = statistics.median
raw = {}


def keep(part, name, figures):
    """Keeps the figures of all rounds, for whoever does not trust medians."""
    raw.setdefault(part, {})[name] = figures


def save():
    path = TARGET / "compare.json"
    path.write_text(json.dumps(raw, indent=1))
    print(f"\nEvery round: {path}")


def table(title, columns, rows):
    print(f"\n## {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * (len(columns) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def rate(value):
    return f"{value:,.0f}"


def ratio(values):
    """The median of the rounds, with the smallest and the largest value."""
    values = list(values)
    spread = f" ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else ""
    return f"{median(values):.2f}{spread}"


def verdict(good):
    return "yes" if good else "**no**"


def goal(rows, what, found, wanted, good):
    rows.append((what, found, wanted, verdict(good)))
