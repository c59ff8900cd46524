"""What exporters show, for the unit tests: one target after another, each with the series that the rules look at.

Everything is well unless a test says otherwise: instances are polled all the time and backed up every hour.
"""

from series import NOW, Clock, render

JOB = "dcs-backup-exporter"
HOUR = 60
DAY = 24 * HOUR

# Facts of an instance by the words that the tests use for them. Times are told in minutes.
FACTS = {
    "supported": "dcs_backup_supported",
    "enabled": "dcs_backup_policy_enabled",
    "updated": "dcs_backup_policy_updated_timestamp_seconds",
    "retention": "dcs_backup_policy_retention_seconds",
    "interval": "dcs_backup_expected_interval_seconds",
    "rpo": "dcs_backup_rpo_seconds",
    "slot": "dcs_backup_last_scheduled_timestamp_seconds",
    "created": "dcs_instance_created_timestamp_seconds",
    "success": "dcs_backup_last_success_timestamp_seconds",
    "size": "dcs_backup_last_success_size_bytes",
    "duration": "dcs_backup_last_success_duration_seconds",
    "attempt": "dcs_backup_last_attempt_timestamp_seconds",
    "attempt_success": "dcs_backup_last_attempt_success",
    "failure": "dcs_backup_last_failure_timestamp_seconds",
    "restorable": "dcs_backup_restorable_records",
    "oldest_restorable": "dcs_backup_oldest_restorable_timestamp_seconds",
    "oldest_in_progress": "dcs_backup_oldest_in_progress_timestamp_seconds",
    "restore_success": "dcs_restore_last_attempt_success",
    "restore_failure": "dcs_restore_last_failure_timestamp_seconds",
    "restore_in_progress": "dcs_restore_oldest_in_progress_timestamp_seconds",
}
IN_MINUTES = ("timestamp_seconds", "retention_seconds", "interval_seconds", "rpo_seconds", "duration_seconds")
WELL = {
    "supported": 1,
    "enabled": 1,
    "updated": -30 * DAY,
    "retention": 7 * DAY,
    "interval": HOUR,
    "rpo": 2 * HOUR,
    "created": -60 * DAY,
    "success": Clock(30),
    "size": 2**30,
    "attempt": Clock(35),
    "attempt_success": 1,
    "restorable": 7,
    "oldest_restorable": Clock(7 * DAY),
}


def seconds(name, points):
    """The points of a metric whose times are told in minutes."""
    if not name.endswith(IN_MINUTES):
        return points
    if not isinstance(points, dict):
        points = {0: points}
    scaled = {}
    for minute, value in points.items():
        scaled[minute] = value * 60 if isinstance(value, (int, float)) else value
    return scaled


def instance(project="p", instance_id="i", name="cache", polled=NOW, polls=1, shown=1, **facts):
    """The series of an instance. `polled` is when its newest poll worked, of all operations or by operation; `polls`
    whether the newest did; `shown` for how long there are any series of it; `code` the codes of its newest failure. A
    `name` that changes is told like everything else."""
    names = name if isinstance(name, dict) else {0: name}
    codes = {word: facts.pop(word, None) for word in ("code", "restore_code")}
    known = {**WELL, **facts}
    series = []
    for begin, called in names.items():
        end = min((other for other in names if other > begin), default=None)
        labels = {"project": project, "instance_id": instance_id, "instance_name": called}

        def add(metric, points, labels=labels, begin=begin, end=end, **more):
            series.append((metric, {**labels, **more}, clip(masked(points, shown), begin, end)))

        for operation in ("backups", "restores", "policy"):
            when, works = of_operation(polled, operation, NOW), of_operation(polls, operation, 1)
            add("dcs_poll_success", works, operation=operation)
            add("dcs_poll_last_success_timestamp_seconds", seconds("timestamp_seconds", when), operation=operation)
        for word, points in known.items():
            add(FACTS[word], seconds(FACTS[word], points))
        for word, by_code in codes.items():
            metric = "dcs_restore_last_failure_info" if word == "restore_code" else "dcs_backup_last_failure_info"
            for code, points in (by_code or {}).items():
                add(metric, points, error_code=code)
    return series


def of_operation(points, operation, otherwise):
    """The points of one operation, where they are told by operation."""
    if isinstance(points, dict) and any(isinstance(key, str) for key in points):
        return points.get(operation, otherwise)
    return points


def masked(points, shown):
    """The points, but absent where `shown` is None."""
    if shown == 1:
        return points
    points = points if isinstance(points, dict) else {0: points}
    merged = {}
    for minute in sorted({*points, *shown}):
        value = points.get(max((begin for begin in points if begin <= minute), default=None))
        visible = shown.get(max((begin for begin in shown if begin <= minute), default=None))
        merged[minute] = value if visible else None
    return merged


def clip(points, begin, end):
    """The points between two minutes."""
    if begin == 0 and end is None:
        return points
    return masked(points, {0: None, begin: 1, **({} if end is None else {end: None})})


def project(name="p", up=1, interval=15, listed=NOW, instances=1, missing=0, **more):
    """The series of a project."""
    labels = {"project": name}
    series = [
        ("dcs_project_up", labels, up),
        ("dcs_project_poll_interval_seconds", labels, seconds("interval_seconds", interval)),
        ("dcs_project_last_listing_success_timestamp_seconds", labels, seconds("timestamp_seconds", listed)),
        ("dcs_project_instances", labels, instances),
        ("dcs_project_missing_instances", labels, missing),
    ]
    return series + [(metric, labels, points) for metric, points in more.items()]


def target(*groups, replica="a", job=JOB, lost=(), end, step=5):
    """All series of a scraped exporter, with its own."""
    own = [("dcs_exporter_build_info", {"version": "1"}, 1)]
    labels = {"job": job, "instance": replica}
    rendered = []
    for metric, more, points in [*own, *(series for group in groups for series in group)]:
        rendered.append(render(metric, {**labels, **more}, points, end, lost, step))
    up = {0: 1}
    for begin, until in lost:
        up.update({begin: 0, until: 1})
    rendered.append(render("up", labels, up, end, step=step))
    return rendered
