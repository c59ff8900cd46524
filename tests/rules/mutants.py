"""Wrong rules, each by one change to a shipped one: what the unit tests must notice.

A mutant that no test could tell from the shipped rule stands in EQUIVALENT with the reason; the run fails where such an
entry is not needed any more.
"""

import copy
import re

TOKEN = re.compile(
    r"""(?P<string>"[^"]*")
      | (?P<duration>\b\d+(?:ms|[smhdwy])\b)
      | (?P<number>(?<![\w.:])\d+(?:\.\d+)?\b(?!:))
      | (?P<name>[A-Za-z_][\w:]*)
      | (?P<comparison>==|!=|>=|<=|>|<)
      | (?P<match>=~|!~|=)
      | (?P<other>[-+*/%^(){}\[\],:])
      | (?P<space>\s+)""",
    re.VERBOSE,
)

FLIPPED = {">": ["<", ">="], "<": [">", "<="], ">=": ["<", ">"], "<=": [">", "<"], "==": ["!="], "!=": ["=="]}
SWAPPED = {
    "and": ["unless", "or"],
    "or": ["and", "unless"],
    "unless": ["and", "or"],
    "max": ["min"],
    "min": ["max"],
    "sum": ["max"],
    "avg": ["max"],
    "count": ["max"],
    "last_over_time": ["max_over_time"],
    "min_over_time": ["max_over_time"],
    "max_over_time": ["min_over_time"],
    "quantile_over_time": ["last_over_time"],
    "increase": ["last_over_time"],
    "clamp_min": ["clamp_max"],
    "abs": [""],
    "bool": [""],
    "+": ["-"],
    "-": ["+"],
    "*": ["/"],
    "/": ["*"],
}
LABELS = ("by", "on", "ignoring", "without")

# (name of the rule and its severity, description of the change): why no test can tell.
ONE_SERIES = "it is one series, because the selector names the operation"
EQUAL = "two equal moments: it does not matter which one is taken"
GROWS = "what it remembers is only ever replaced by something later"
EQUIVALENT = {
    **{
        (f"instance_id:dcs_{operation}_last_poll_timestamp_seconds:max", "line 1, token 0: max becomes min"): ONE_SERIES
        for operation in ("backups", "restores", "policy")
    },
    **{
        (f"instance_id:dcs_backup_{what}_rpo:ratio", "line 5, token 10: > becomes >="): EQUAL for what in ("age", "never")
    },
    **{
        (f"instance_id:dcs_{what}_timestamp_seconds:min", f"{where}: last_over_time becomes max_over_time"): GROWS
        for what, places in (
            ("backup_failing_since", ("line 2, token 2", "line 4, token 16")),
            ("backup_missed_slot", ("line 2, token 2", "line 13, token 69", "line 15, token 83")),
            ("restore_failure_seen", ("line 2, token 2", "line 4, token 16")),
        )
        for where in places
    },
    (
        "project:dcs_data_stale_after_seconds:max",
        "line 5, token 38: last_over_time becomes max_over_time",
    ): "by when it is asked for, the line above has told the newest value for as long",
    (
        "DcsBackupSizeAnomaly warning",
        "line 3, token 15: 6h becomes 7200s",
    ): "the median looks at a week more closely, and sees the same",
    **{
        ("DcsWatchdog none", f"line 1, token 2: 1 becomes {value}"): "nobody reads its value" for value in ("2", "0.5")
    },
}


def tokens(text):
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match, f"no token at {text[place:]!r}"
        found.append((match.lastgroup, match.group()))
        place = match.end()
    return found


def halved(duration):
    number, unit = int(duration[:-1]), duration[-1]
    seconds = number * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    return f"{seconds // 3}s"


def changes(text):
    """Descriptions of changes to an expression, and the expressions that come of them."""
    parts = tokens(text)

    def joined(index, new, until=None):
        before = "".join(part for _, part in parts[:index])
        return before + new + "".join(part for _, part in parts[(until or index + 1) :])

    for index, (kind, part) in enumerate(parts):
        place = len("".join(other for _, other in parts[:index]).splitlines()) or 1
        where = f"line {place}, token {index}"
        if kind == "comparison":
            for new in FLIPPED[part]:
                yield f"{where}: {part} becomes {new}", joined(index, new)
        elif part in SWAPPED:
            for new in SWAPPED[part]:
                until = None
                if part == "quantile_over_time":
                    comma = next(i for i in range(index, len(parts)) if parts[i][1] == ",")
                    yield f"{where}: {part} becomes {new}", joined(index, f"{new}(", comma + 1)
                    continue
                yield f"{where}: {part} becomes {new or 'nothing'}", joined(index, new, until)
        elif kind == "number":
            value = float(part)
            for new in [value * 2, value / 2] if value else [1]:
                yield f"{where}: {part} becomes {new:g}", joined(index, f"{new:g}")
        elif kind == "duration":
            yield f"{where}: {part} becomes {halved(part)}", joined(index, halved(part))
        elif kind == "name" and part in LABELS:
            begin = next(i for i in range(index, len(parts)) if parts[i][1] == "(")
            end = next(i for i in range(begin, len(parts)) if parts[i][1] == ")")
            labels = [other for other_kind, other in parts[begin + 1 : end] if other_kind == "name"]
            for label in labels:
                left = ", ".join(other for other in labels if other != label)
                yield f"{where}: {part} without {label}", joined(begin, f"({left})", end + 1)
        elif part == "{":
            end = next(i for i in range(index, len(parts)) if parts[i][1] == "}")
            yield (
                f"{where}: without {''.join(other for _, other in parts[index : end + 1])}",
                joined(index, "", end + 1),
            )
    for match in re.finditer(r" offset \w+", text):
        yield f"without{match.group()}", text[: match.start()] + text[match.end() :]


def mutants(rule):
    """All mutants of a rule, by a description."""
    for what, expression in changes(rule["expr"]):
        yield what, {**copy.deepcopy(rule), "expr": expression}
    for key in ("for", "keep_firing_for"):
        if key in rule:
            without = copy.deepcopy(rule)
            del without[key]
            yield f"no {key}", without
            yield f"{key} doubled", {**copy.deepcopy(rule), key: f"{2 * int(rule[key][:-1])}{rule[key][-1]}"}


def all_mutants(rules):
    """Every mutant of every rule: the place of the rule, what was changed, and what came of it."""
    for place, rule in enumerate(rules):
        for what, mutant in mutants(rule):
            yield place, what, mutant
