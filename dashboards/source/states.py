"""How an instance stands, as one number that sorts from well to worst; its text and colour in every panel."""

from promql import LAST_ATTEMPT, RATIO, RESTORABLE, SUCCEEDED, SUPPORTED

UNSUPPORTED, OK, NO_RPO, FAILED, STALE, NOTHING, NEVER = range(-1, 6)

# Text and colour; what each means stands in the panels' descriptions.
TEXTS = {
    UNSUPPORTED: ("cannot be backed up", "text"),
    OK: ("ok", "green"),
    NO_RPO: ("no RPO", "blue"),
    FAILED: ("last attempt failed", "orange"),
    STALE: ("out of RPO", "red"),
    NOTHING: ("nothing to restore", "dark-red"),
    NEVER: ("never backed up", "dark-red"),
}

MEANING = (
    "**never backed up**: no backup has ever succeeded. "
    "**nothing to restore**: backups have succeeded, but none is left that could be restored. "
    "**out of RPO**: the newest backup is older than it may be. "
    "**last attempt failed**: still within the RPO. "
    "**no RPO**: backed up, but neither a plan nor the configuration says how often. "
    "**cannot be backed up**: a single-node instance."
)


def _as(condition, state):
    return f"0 * ({condition}) + {state}"


# The worst that holds. Each arm has one series per instance, so that the first that has one wins.
STATE = " or ".join(
    [
        f"({_as(f'{SUPPORTED} == 1 unless {SUCCEEDED}', NEVER)})",
        f"({_as(f'{RESTORABLE} == 0 and {SUPPORTED} == 1', NOTHING)})",
        f"({_as(f'{RATIO} > 1', STALE)})",
        f"({_as(f'{LAST_ATTEMPT} == 0', FAILED)})",
        f"({_as(RATIO, OK)})",
        f"({_as(f'{SUPPORTED} == 1', NO_RPO)})",
        f"({_as(f'{SUPPORTED} == 0', UNSUPPORTED)})",
    ]
)

# Sorts worse states first and within a state the older backup, measured by the RPO.
RANK = f"1000 * ({STATE}) + (clamp_max({RATIO}, 999) or 0 * {SUPPORTED})"
