// From Prometheus' answers to Grafana's data frames, as its data source for Prometheus makes them.
import { FieldType, toDataFrame } from '@grafana/data';

function legend(target, labels) {
  if (target.legendFormat !== '__auto') {
    return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
  }
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length > 0 ? `{${pairs.join(', ')}}` : 'Value';
}

function table(target, series, several) {
  const names = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))];
  const column = (name) => ({ name, type: FieldType.string, values: series.map(({ metric }) => metric[name] ?? '') });
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: series.map(({ value }) => value[0] * 1000) },
      ...names.map(column),
      {
        name: several ? `Value #${target.refId}` : 'Value',
        type: FieldType.number,
        values: series.map(({ value }) => Number(value[1])),
      },
    ],
  });
}

/** The frames of all queries of a panel; `answers` has the series of each by its letter, `step` is in seconds. */
export function frames(panel, answers, step) {
  return panel.targets.flatMap((target) => {
    const series = answers[target.refId];
    if (target.format === 'table') {
      return [table(target, series, panel.targets.length > 1)];
    }
    return series.map(({ metric, value, values }) => {
      const points = values ?? [value];
      return toDataFrame({
        refId: target.refId,
        name: legend(target, metric),
        fields: [
          {
            name: 'Time',
            type: FieldType.time,
            values: points.map(([time]) => time * 1000),
            config: { interval: step * 1000 },
          },
          {
            name: 'Value',
            type: FieldType.number,
            labels: metric,
            values: points.map(([, number]) => Number(number)),
            config: { displayNameFromDS: legend(target, metric) },
          },
        ],
      });
    });
  });
}
