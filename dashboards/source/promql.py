"""Pieces of PromQL that all dashboards share.

They use the exporter's own metrics alone, so that a dashboard works where no alert rule is loaded, and they hold for
any number of replicas and shards: each side of a join is aggregated to one series per instance, by id and not by name,
so that a renamed instance stays one instance.
"""

# What stands in every selector. `job` and `instance` are Prometheus' own labels, the exporter's process; the cloud's
# instances are told apart by `instance_id`.
PROCESS = 'job=~"$job", instance=~"$instance"'
PROJECT = f'{PROCESS}, project=~"$project"'
INSTANCE = f'{PROJECT}, instance_id=~"$instance_id"'

BY_INSTANCE = "by (project, instance_id)"


def own(metric, *matchers):
    """Series of the exporter's process."""
    return _selected(metric, PROCESS, matchers)


def of_project(metric, *matchers):
    """Series of a project."""
    return _selected(metric, PROJECT, matchers)


def of_instance(metric, *matchers):
    """Series of an instance of the cloud."""
    return _selected(metric, INSTANCE, matchers)


def _selected(metric, scope, matchers):
    return f"{metric}{{{', '.join([scope, *matchers])}}}"


def latest(metric, *matchers):
    """A fact that only grows, such as when the newest backup succeeded: any replica's largest is the truth."""
    return f"max {BY_INSTANCE} ({of_instance(metric, *matchers)})"


def freshest(metric, *matchers, operation="backups"):
    """The series of an instance from the replica that has asked the cloud last.

    One that cannot reach the cloud any more keeps showing what it once read, a running backup for example.
    """
    asked = of_instance("dcs_poll_last_success_timestamp_seconds", f'operation="{operation}"')
    return (
        f"({of_instance(metric, *matchers)} and on (job, instance, project, instance_id)"
        f" ({asked} == on (project, instance_id) group_left () max {BY_INSTANCE} ({asked})))"
    )


def told(metric, operation="backups", by=()):
    """A fact that goes up and down: neither the largest nor the smallest value of all replicas would be right."""
    return f"max by ({', '.join(['project', 'instance_id', *by])}) {freshest(metric, operation=operation)}"


def everything():
    """All facts of an instance."""
    names = '__name__=~"dcs_(instance|backup|restore|poll)_.+"'
    return f"max by (__name__, project, instance_name, status, error_code, operation) {freshest('', names)}"


def labels_of(metric):
    """A fact that lies in the labels, with all of them but the replica's."""
    return f"max without (job, instance) {freshest(metric)}"


def named(query):
    """The same with the instance's name, for legends; that of a renamed one from the replica that has asked last."""
    known = [
        of_instance(metric, 'operation="backups"')
        for metric in ("dcs_poll_last_success_timestamp_seconds", "dcs_poll_success")
    ]
    newest = f"topk {BY_INSTANCE} (1, max by (project, instance_id, instance_name) ({' or '.join(known)}))"
    return f"({query}) * on (project, instance_id) group_left (instance_name) (0 * {newest} + 1)"


def count(condition, of):
    """How many instances meet a condition. 0 if none does, and nothing at all, not 0, where `of` has none."""
    return f"count({condition}) or 0 * count({of})"


AGE = f"min {BY_INSTANCE} ({of_instance('dcs_backup_last_success_age_seconds')})"
RPO = latest("dcs_backup_rpo_seconds")
RATIO = f"{AGE} / {RPO}"
SUPPORTED = latest("dcs_backup_supported")
SUCCEEDED = latest("dcs_backup_last_success_timestamp_seconds")
RESTORABLE = told("dcs_backup_restorable_records")
LAST_ATTEMPT = told("dcs_backup_last_attempt_success")

# When the backups of each instance were read, and how old that may be: the project's interval twice and five minutes.
READ_AT = latest("dcs_poll_last_success_timestamp_seconds", 'operation="backups"')
POLL_INTERVAL = f"max by (project) ({of_project('dcs_project_poll_interval_seconds')})"
# By this factor the newest facts of an instance are older than they should be; above 1 they are not to be relied upon.
FACTS_OVERDUE = f"(time() - {READ_AT}) / on (project) group_left () (2 * {POLL_INTERVAL} + 300)"
