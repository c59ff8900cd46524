"""What every dashboard has around its panels: variables, links to the others, annotations."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as dm
from panels import SOURCE
from promql import latest, named

TAG = "dcs-backup"


def _variable(name, label, query, description):
    built = dashboard.QueryVariable(name).label(label).description(description).datasource(SOURCE)
    built.query(query).refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
        dm.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC
    )
    return built.multi(True).include_all(True).all_value(".+")


def _variables(of_instances):
    found = [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _variable("job", "Job", "label_values(dcs_exporter_build_info, job)", "the scrape job of the exporter"),
        _variable(
            "project",
            "Project",
            'label_values(dcs_project_poll_interval_seconds{job=~"$job"}, project)',
            "the project of the cloud, as the configuration names it",
        ),
    ]
    if of_instances:
        names = 'query_result(max by (instance_id, instance_name) (dcs_poll_success{job=~"$job", project=~"$project"}))'
        found.append(
            _variable("instance_id", "DCS instance", names, "the cloud's instance, by its name").regex(
                '/instance_name="(?<text>[^"]+)|instance_id="(?<value>[^"]+)/g'
            )
        )
    found.append(
        _variable(
            "instance",
            "Instance",
            'label_values(dcs_exporter_build_info{job=~"$job"}, instance)',
            "the exporter's process, where there are several; All for the truth of all together",
        )
    )
    return found


def _annotation(name, color, expr, title, text, at_value=False, enabled=True):
    built = dashboard.AnnotationQuery().name(name).datasource(SOURCE).icon_color(color).enable(enabled).expr(expr)
    built.title_format(title).text_format(text).step("60s")
    return built.use_value_for_time(True) if at_value else built


ALERTS = _annotation(
    "Alerts",
    "red",
    'ALERTS{alertname=~"Dcs.+", alertstate="firing"}',
    "{{alertname}}",
    "{{instance_name}} {{project}}",
)


def moments(name, color, metric, title):
    """Marks where a time stamp of an instance points to."""
    return _annotation(name, color, named(f"1000 * {latest(metric)}"), title, "{{instance_name}}", at_value=True)


def dashboard_of(uid, title, description, since, of_instances, panels, annotations=()):
    """A dashboard; its panels are numbered in their order."""
    built = dashboard.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    built.time(since, "now").refresh("1m").timezone("browser").tooltip(dm.DashboardCursorSync.CROSSHAIR)
    built.variables(_variables(of_instances)).annotations([ALERTS, *annotations])
    built.link(
        dashboard.DashboardLink("DCS backup")
        .type(dm.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .include_vars(True)
        .as_dropdown(False)
        .tooltip("the other dashboards, for the same time and selection")
    )
    for number, panel in enumerate(panels, 1):
        built.with_panel(panel.id(number))
    return built.build()
