"""The rules of Grafana's dashboard-linter (github.com/grafana/dashboard-linter, v0.2) for classic dashboards.

They are here anew, under their names, from what its documentation and tests say, so that no program in Go has to be
got and built; those for Loki do not apply. Some are stricter: every type of panel is held to them, not only those that
the linter knows, a mapping of values does not replace a unit, and there are no mere warnings. Beyond its rules `layout`
holds what Grafana would silently tolerate: overlaps, ids, links, texts for "no data".
"""

import json
import re

import promql_parser as promql

# What stands for a variable outside of quotes while a query is parsed. The numbers tell the intervals apart.
RATE_INTERVAL = 7177
SAMPLES = {
    "__rate_interval": f"{RATE_INTERVAL}s",
    "__interval": "6143s",
    "__range": "5903s",
    "__interval_ms": "6143000",
    "__range_ms": "5903000",
    "__range_s": "5903",
}
# The units that our panels may have, of those that the linter knows. A test asks @grafana/data whether it has them too:
# an unknown one would silently be shown behind the number.
UNITS = {
    "none", "short", "percentunit", "bytes", "s", "dtdurations", "cps", "reqps", "dateTimeFromNow", "dateTimeAsIso",
}  # fmt: skip


def expanded(query):
    """A query that can be parsed: variables outside of quotes have a value."""
    parts = query.split('"')
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(
            r"\$(\w+)|\$\{(\w+)[^}]*\}",
            lambda found: SAMPLES.get(found[1] or found[2], found[1] or found[2]),
            parts[index],
        )
    return '"'.join(parts)


def parsed(query):
    """The syntax tree of a query; ValueError where it has none."""
    return promql.parse(expanded(query))


def nodes(tree, parents=()):
    """Every node with those above it."""
    yield tree, parents
    below = (*parents, tree)
    match tree:
        case promql.AggregateExpr():
            children = [tree.expr, *([tree.param] if tree.param is not None else [])]
        case promql.BinaryExpr():
            children = [tree.lhs, tree.rhs]
        case promql.Call():
            children = list(tree.args)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            children = [tree.expr]
        case promql.MatrixSelector():
            children = [tree.vector_selector]
        case _:
            children = []
    for child in children:
        yield from nodes(child, below)


def selectors(query):
    """The selectors of a query, each with the nodes above it; none where it cannot be parsed."""
    try:
        tree = parsed(query)
    except ValueError:
        return []
    return [(node, above) for node, above in nodes(tree) if isinstance(node, promql.VectorSelector)]


def variables(dashboard, kind=None):
    found = dashboard.get("templating", {}).get("list", [])
    return [variable for variable in found if kind in (None, variable.get("type"))]


def panels(dashboard):
    """All panels, also those inside of rows."""
    for panel in dashboard.get("panels", []):
        yield from panel.get("panels", []) if panel.get("type") == "row" else [panel]


def targets(dashboard):
    """All queries, each with where it stands."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield f"panel {panel.get('title')!r} query {target.get('refId')}", target


def template_datasource_rule(dashboard):
    found = variables(dashboard, "datasource")
    if len(found) != 1:
        yield f"has {len(found)} variables for the data source, not one"
    for variable in found:
        if variable.get("name") not in ("datasource", "prometheus_datasource"):
            yield f"the data source's variable is called {variable.get('name')}"
        if variable.get("label") not in ("Data source", "Prometheus data source"):
            yield f"the data source's variable is labelled {variable.get('label')}"
        if variable.get("query") != "prometheus":
            yield f"the data source is a {variable.get('query')}, not a prometheus"


def _template(dashboard, name):
    found = [variable for variable in variables(dashboard) if variable.get("name") == name]
    if not found:
        yield f"has no variable {name}"
        return
    variable = found[0]
    wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+", "includeAll": True}
    for key, value in wanted.items():
        if variable.get(key) != value:
            yield f"variable {name}: {key} is {variable.get(key)!r}, not {value!r}"
    if (variable.get("datasource") or {}).get("uid") not in ("$datasource", "${datasource}"):
        yield f"variable {name} does not ask the dashboard's data source"


def template_job_rule(dashboard):
    yield from _template(dashboard, "job")


def template_instance_rule(dashboard):
    yield from _template(dashboard, "instance")


def template_label_promql_rule(dashboard):
    for variable in variables(dashboard, "query"):
        query = variable.get("query")
        call = re.fullmatch(r"([a-z_]+)\((.+)\)", query if isinstance(query, str) else "")
        if not call or call[1] not in ("label_names", "label_values", "metrics", "query_result"):
            yield f"variable {variable.get('name')}: {query!r} is no query for a variable"
            continue
        asked = re.sub(r",\s*\w+$", "", call[2]) if call[1] == "label_values" else call[2]
        try:
            parsed(asked)
        except ValueError as error:
            yield f"variable {variable.get('name')}: {error}"


def template_on_time_change_reload_rule(dashboard):
    for variable in variables(dashboard, "query"):
        if variable.get("refresh") != 2:
            yield f"variable {variable.get('name')} is not asked for anew when the time range changes"


def panel_datasource_rule(dashboard):
    for panel in panels(dashboard):
        for what in [panel, *panel.get("targets", [])]:
            if (what.get("datasource") or {}).get("uid") not in ("$datasource", "${datasource}"):
                yield f"panel {panel.get('title')!r} does not use the variable data source"
                break


def panel_title_description_rule(dashboard):
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel.get('title')!r} (id {panel.get('id')}) lacks its title or description"


def _units(panel):
    """The unit that everything in a panel has, and those that overrides give."""
    config = panel.get("fieldConfig", {})
    overridden = [
        entry.get("value")
        for override in config.get("overrides", [])
        for entry in override.get("properties", [])
        if entry.get("id") == "unit"
    ]
    return [config.get("defaults", {}).get("unit"), *overridden]


def panel_units_rule(dashboard):
    for panel in panels(dashboard):
        for unit in _units(panel):
            if unit not in UNITS:
                yield f"panel {panel.get('title')!r} has no or an unknown unit: {unit!r}"


def panel_no_targets_rule(dashboard):
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield f"panel {panel.get('title')!r} has no query"


def target_promql_rule(dashboard):
    for where, target in targets(dashboard):
        try:
            parsed(target.get("expr", ""))
        except ValueError as error:
            yield f"{where}: {error}"


def target_rate_interval_rule(dashboard):
    for where, target in targets(dashboard):
        for _, above in selectors(target.get("expr", "")):
            ranged = above[-1] if above and isinstance(above[-1], promql.MatrixSelector) else None
            caller = above[-2] if ranged and len(above) > 1 else None
            if not isinstance(caller, promql.Call) or caller.func.name not in ("rate", "irate"):
                continue
            if ranged.range.total_seconds() != RATE_INTERVAL:
                yield f"{where}: {caller.func.name} must be over $__rate_interval"


def _matcher(dashboard, label):
    for where, target in targets(dashboard):
        for selector, _ in selectors(target.get("expr", "")):
            found = [str(matcher.value) for matcher in selector.matchers.matchers if matcher.name == label]
            regex = [matcher.op for matcher in selector.matchers.matchers if matcher.name == label]
            if f"${label}" not in found or not all(op == promql.MatchOp.Re for op in regex):
                yield f'{where}: {selector.name} is not selected by {label}=~"${label}"'


def target_job_rule(dashboard):
    yield from _matcher(dashboard, "job")


def target_instance_rule(dashboard):
    yield from _matcher(dashboard, "instance")


def target_counter_agg_rule(dashboard):
    for where, target in targets(dashboard):
        for selector, above in selectors(target.get("expr", "")):
            if not (selector.name or "").endswith("_total"):
                continue
            caller = above[-2] if len(above) > 1 and isinstance(above[-1], promql.MatrixSelector) else None
            if not isinstance(caller, promql.Call) or caller.func.name not in ("rate", "irate", "increase"):
                yield f"{where}: counter {selector.name} without rate, irate or increase"


def uneditable_dashboard(dashboard):
    if dashboard.get("editable") is not False:
        yield "can be edited in Grafana; the change would be lost"


def layout(dashboard):
    """Not of the linter: places, ids, links and texts."""
    taken, ids = {}, set()
    for panel in panels(dashboard):
        title, at = panel.get("title"), panel.get("gridPos", {})
        if not isinstance(panel.get("id"), int) or panel["id"] in ids:
            yield f"panel {title!r} has no id of its own"
        ids.add(panel.get("id"))
        if at.get("x", 0) + at.get("w", 99) > 24:
            yield f"panel {title!r} is wider than the grid"
        for x in range(at.get("x", 0), at.get("x", 0) + at.get("w", 0)):
            for y in range(at.get("y", 0), at.get("y", 0) + at.get("h", 0)):
                if (x, y) in taken:
                    yield f"panel {title!r} lies over {taken[x, y]!r}"
                    break
                taken[x, y] = title
            else:
                continue
            break
        if not panel.get("fieldConfig", {}).get("defaults", {}).get("noValue"):
            yield f"panel {title!r} does not say what no data means"
    if not dashboard.get("uid") or not dashboard.get("tags") or dashboard.get("id") is not None:
        yield "has no uid or tags of its own, or the id of some Grafana"
    if dashboard.get("schemaVersion") != 42:
        yield f"has schema version {dashboard.get('schemaVersion')}, not 42"
    found = [link for link in dashboard.get("links", []) if link.get("keepTime") and link.get("includeVars")]
    if not found:
        yield "has no link that keeps time and variables"


RULES = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        template_datasource_rule,
        template_job_rule,
        template_instance_rule,
        template_label_promql_rule,
        template_on_time_change_reload_rule,
        panel_datasource_rule,
        panel_title_description_rule,
        panel_units_rule,
        panel_no_targets_rule,
        target_promql_rule,
        target_rate_interval_rule,
        target_job_rule,
        target_instance_rule,
        target_counter_agg_rule,
        uneditable_dashboard,
        layout,
    )
}


def lint(dashboard):
    """What is wrong, by rule; every rule is there, also those that find nothing."""
    # Through JSON: what is found in a file is what counts.
    dashboard = json.loads(json.dumps(dashboard))
    return {name: list(rule(dashboard)) for name, rule in RULES.items()}
