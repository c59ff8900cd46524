"""Panels in one style: each has a title, a description, a unit and a text for "no data", and its place on the grid."""

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, statetimeline
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders import timeseries as series
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import heatmap as hm
from grafana_foundation_sdk.models import prometheus as pm
from states import TEXTS

SOURCE = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")
NO_DATA = "no data"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def query(expr, legend="__auto", instant=False, as_table=False, heat=False):
    """A query of a panel; its letter is given by its place."""
    built = prometheus.Dataquery().expr(expr).datasource(SOURCE).legend_format(legend)
    built.editor_mode(pm.QueryEditorMode.CODE)
    if as_table:
        built.format(pm.PromQueryFormat.TABLE)
    elif heat:
        built.format(pm.PromQueryFormat.HEATMAP)
    else:
        built.format(pm.PromQueryFormat.TIME_SERIES)
    return built.instant() if instant or as_table else built.range()


def limits(*steps):
    """Colours from values on: `limits("green", (1, "red"))`."""
    first, *others = steps
    thresholds = [dm.Threshold(value=None, color=first)]
    thresholds += [dm.Threshold(value=float(value), color=color) for value, color in others]
    return dashboard.ThresholdsConfig().mode(dm.ThresholdsMode.ABSOLUTE).steps(thresholds)


NEUTRAL = limits("text")
NONE_IS_GOOD = limits("green", (1, "red"))
NONE_IS_BETTER = limits("green", (1, "orange"))
# An age measured by how old it may be.
OF_ALLOWED = limits("green", (0.8, "orange"), (1, "red"))


def texts(meanings):
    """Texts and colours for values: `{0: ("failed", "red")}`."""
    options = {
        str(value): dm.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(meanings.items())
    }
    return [dm.ValueMap(options=options)]


STATES = texts(TEXTS)


# The instance's own dashboard, for the same time, source and project; `%s` is where its id comes from.
_TO_INSTANCE = (
    "/d/dcs-backup-instance/dcs-backup-instance?${__url_time_range}&${datasource:queryparam}&${job:queryparam}"
    "&${instance:queryparam}&${project:queryparam}&var-instance_id=${%s}"
)


def to_instance(source="__field.labels.instance_id"):
    """The link of a value, or of a column's cells."""
    return [{"title": "Show this instance", "url": _TO_INSTANCE % source, "targetBlank": False}]


class _Built:
    """Something the SDK has no builder for: its own for links makes those of dashboards, not those of values."""

    def __init__(self, what):
        self._what = what

    def build(self):
        return self._what


def _linked(built):
    return built.data_links([_Built(link) for link in to_instance()])


def _common(built, place, title, description, queries, unit, no_value, thresholds):
    x, y, w, h = place
    built.title(title).description(description).datasource(SOURCE).unit(unit).no_value(no_value)
    built.grid_pos(dm.GridPos(x=x, y=y, w=w, h=h)).thresholds(thresholds)
    for letter, target in zip(LETTERS, queries, strict=False):
        built.with_target(target.ref_id(letter))
    return built


def number(place, title, description, expr, unit="short", thresholds=NEUTRAL, no_value=NO_DATA, mappings=None, **more):
    """One number now, or one for each series."""
    legend = more.pop("legend", "__auto")
    built = _common(
        stat.Panel(), place, title, description, [query(expr, legend, instant=True)], unit, no_value, thresholds
    )
    plain = thresholds is NEUTRAL and not mappings
    built.color_mode(cm.BigValueColorMode.VALUE if plain else cm.BigValueColorMode.BACKGROUND)
    built.graph_mode(cm.BigValueGraphMode.NONE)
    built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).text_mode(
        more.pop("text_mode", cm.BigValueTextMode.AUTO)
    )
    if mappings:
        built.mappings(mappings)
    if "decimals" in more:
        built.decimals(more.pop("decimals"))
    assert not more, more
    return built


def lines(place, title, description, queries, unit="short", thresholds=NEUTRAL, no_value=NO_DATA, **more):
    """Lines over time: pairs of query and legend."""
    targets = [query(expr, legend) for expr, legend in queries]
    built = _common(series.Panel(), place, title, description, targets, unit, no_value, thresholds)
    built.line_width(1).fill_opacity(more.pop("fill", 0)).show_points(cm.VisibilityMode.NEVER).interval("1m")
    built.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(cm.LegendDisplayMode.LIST)
        .placement(cm.LegendPlacement.BOTTOM)
        .calcs([])
    )
    built.tooltip(common.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI).sort(cm.SortOrder.DESCENDING))
    if "axis_min" in more:
        built.min(more.pop("axis_min"))
    if "axis_max" in more:
        built.max(more.pop("axis_max"))
    if more.pop("steps", False):
        built.line_interpolation(cm.LineInterpolation.STEP_AFTER)
    if more.pop("stacked", False):
        built.stacking(common.StackingConfig().mode(cm.StackingMode.NORMAL).group("A")).fill_opacity(30)
    if more.pop("show_limits", False):
        built.thresholds_style(common.GraphThresholdsStyleConfig().mode(cm.GraphThresholdsStyleMode.DASHED))
    if "dashed" in more:
        dashes = {"fill": "dash", "dash": [10, 10]}
        built.override_by_regexp(more.pop("dashed"), [dm.DynamicConfigValue("custom.lineStyle", dashes)])
    for name, color in more.pop("colors", {}).items():
        built.override_by_name(name, [dm.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})])
    for pattern, other in more.pop("right", {}).items():
        axis = [dm.DynamicConfigValue("unit", other), dm.DynamicConfigValue("custom.axisPlacement", "right")]
        built.override_by_regexp(pattern, axis)
    if more.pop("per_instance", False):
        _linked(built)
    assert not more, more
    return built


def timeline(place, title, description, queries, mappings, no_value=NO_DATA, per_instance=False):
    """States over time, one row for each series."""
    targets = [query(expr, legend) for expr, legend in queries]
    built = _common(statetimeline.Panel(), place, title, description, targets, "short", no_value, NEUTRAL)
    built.mappings(mappings).merge_values(True).show_value(cm.VisibilityMode.NEVER).row_height(0.85).per_page(20)
    built.fill_opacity(80).line_width(0).interval("1m")
    built.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(cm.LegendDisplayMode.LIST)
        .placement(cm.LegendPlacement.BOTTOM)
        .calcs([])
    )
    return _linked(built) if per_instance else built


def density(place, title, description, expr, unit, calculated=True, y_axis=None):
    """How many series have which value over time."""
    target = query(expr) if calculated else query(expr, "{{le}}", heat=True)
    built = _common(heatmap.Panel(), place, title, description, [target], unit, NO_DATA, NEUTRAL)
    built.calculate(calculated).show_legend().interval("5m")
    built.color(heatmap.HeatmapColorOptions().mode(hm.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
    axis = heatmap.YAxisConfig().unit(unit).axis_placement(cm.AxisPlacement.LEFT)
    built.y_axis(axis.min(0) if y_axis is None else axis)
    if calculated:
        buckets = common.HeatmapCalculationBucketConfig()
        built.calculation(
            common.HeatmapCalculationOptions().y_buckets(
                buckets.mode(cm.HeatmapCalculationMode.SIZE)
                .value("0.1")
                .scale(common.ScaleDistributionConfig().type(cm.ScaleDistribution.LINEAR))
            )
        )
    return built


def bars(place, title, description, expr, legend, unit="short", thresholds=NEUTRAL, no_value=NO_DATA, **more):
    """Horizontal bars now, one for each series."""
    target = query(expr, legend, instant=True)
    built = _common(bargauge.Panel(), place, title, description, [target], unit, no_value, thresholds)
    built.display_mode(cm.BarGaugeDisplayMode.BASIC).orientation(cm.VizOrientation.HORIZONTAL).show_unfilled(True)
    built.value_mode(cm.BarGaugeValueMode.COLOR).name_placement(cm.BarGaugeNamePlacement.AUTO)
    built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).min(0)
    if "axis_max" in more:
        built.max(more.pop("axis_max"))
    if more.pop("per_instance", False):
        _linked(built)
    assert not more, more
    return built


class Column:
    """A column of a table: its heading, its query or label, and its look.

    Without a heading it is not shown; such a query is there for its labels.
    """

    def __init__(self, heading, expr=None, label=None, unit=None, width=None, **look):
        self.heading, self.expr, self.label, self.unit, self.width = heading, expr, label, unit, width
        # A label that a series does not have.
        self.look = {"noValue": "", **look} if label else look

    def properties(self):
        found = []
        if self.unit:
            found.append(dm.DynamicConfigValue("unit", self.unit))
        if self.width:
            found.append(dm.DynamicConfigValue("custom.width", self.width))
        if "cell" in self.look:
            found.append(dm.DynamicConfigValue("custom.cellOptions", self.look["cell"]))
        for name in ("mappings", "links", "min", "max", "decimals", "noValue"):
            if name in self.look:
                found.append(dm.DynamicConfigValue(name, self.look[name]))
        if "thresholds" in self.look:
            found.append(dm.DynamicConfigValue("thresholds", self.look["thresholds"].build()))
        return found


def table(place, title, description, columns, sort=None, unit="short", no_value=NO_DATA):
    """One row for each set of labels; `sort` is a query whose largest value comes first."""
    queried = [column for column in columns if column.expr]
    targets = [query(column.expr, as_table=True) for column in queried]
    if sort:
        targets.append(query(sort, as_table=True))
    built = _common(tables.Panel(), place, title, description, targets, unit, no_value, NEUTRAL)
    several = len(targets) > 1
    letters = iter(LETTERS)

    def value():
        return f"Value #{next(letters)}" if several else "Value"

    fields = [value() if column.expr else column.label for column in columns]
    hidden = ["Time", *(name for name, column in zip(fields, columns, strict=True) if column.heading is None)]
    if several:
        built.with_transformation(dm.DataTransformerConfig(id_val="merge", options={}))
    if sort:
        rank = value()
        hidden.append(rank)
        by = {"fields": {}, "sort": [{"field": rank, "desc": True}]}
        built.with_transformation(dm.DataTransformerConfig(id_val="sortBy", options=by))
    order = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {name: index for index, name in enumerate(fields)},
        "renameByName": {name: column.heading for name, column in zip(fields, columns, strict=True) if column.heading},
    }
    built.with_transformation(dm.DataTransformerConfig(id_val="organize", options=order))
    built.cell_height(cm.TableCellHeight.SM).show_header(True).filterable(True)
    for column in columns:
        if column.properties():
            built.override_by_name(column.heading, column.properties())
    return built
