"""What a unit test is told in one line: an alert, when it must fire, and what one or several exporters show meanwhile."""

from exporter import instance, project, target
from promtool import Case

# Days are looked at in longer steps than hours.
LONG = 3 * 24 * 60

INSTANCE = {"project": "p", "instance_id": "i"}
PROJECT = {"project": "p"}
EXPORTER = {"job": "dcs-backup-exporter"}


class Cases(list):
    """Cases of alerts that have the same labels."""

    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def add(self, alert, title, at, *groups, says=None, lost=(), replicas=None, labels=None, step=None, **facts):
        """One exporter shows the groups of series, or else one instance by these facts; or several `replicas` do. Their
        scrapes are `lost` in these spans of minutes."""
        end = max(at)
        step = step or (5 if end < LONG else 10)
        if replicas is None:
            replicas = {"a": groups or (project(), instance(**facts))}
        series = []
        for replica, shown in replicas.items():
            gaps = lost.get(replica, ()) if isinstance(lost, dict) else lost
            series += target(*shown, replica=replica, lost=gaps, end=end, step=step)
        self.append(Case(alert, title, series, at, labels or self.labels, says, step=step))
