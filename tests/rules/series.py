"""Series as promtool's unit tests want them, from what an exporter shows when.

Times are minutes from the beginning of a test, and there is a sample every `step` of them. What a series is worth is told by the
moments at which that changes: `{0: 1, 60: None, 90: 0}` is 1 for an hour, absent for half an hour, and 0 from then on.
A series that goes away ends with a stale marker, as a scrape without it leaves one.
"""


class Clock:
    """The time at which it is scraped, in seconds, but for `behind` minutes."""

    def __init__(self, behind=0):
        self.behind = behind


NOW = Clock()


def at(points, minute):
    """What a series is worth at a minute: a number, or None where it is absent."""
    if not isinstance(points, dict):
        points = {0: points}
    begun = [begin for begin in points if begin <= minute]
    value = points[max(begun)] if begun else None
    return 60 * (minute - value.behind) if isinstance(value, Clock) else value


def notation(values):
    """promtool's notation of a list of numbers and Nones."""
    tokens, index = [], 0
    while index < len(values):
        value, run = values[index], 1
        if value is None:
            while index + run < len(values) and values[index + run] is None:
                run += 1
            # What was there before goes away at once, and not after the look-back of five minutes.
            tokens.append("stale" if tokens else "_")
            if run > 1:
                tokens.append(f"_x{run - 1}")
        else:
            following = values[index + 1] if index + 1 < len(values) else None
            slope = 0 if following is None else following - value
            while index + run < len(values) and values[index + run] == value + slope * run:
                run += 1
            tokens.append(f"{value!r}{slope:+}x{run - 1}" if run > 1 else repr(value))
        index += run
    return " ".join(tokens)


def render(name, labels, points, end, lost=(), step=5):
    """A series of a test that ends at a minute; within the `lost` spans of minutes its target is not scraped."""
    values = []
    for minute in range(0, end + 1, step):
        is_lost = any(begin <= minute < until for begin, until in lost)
        values.append(None if is_lost else at(points, minute))
    text = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"{name}{{{text}}}", "values": notation(values)}
