// What Grafana's core brings along for the packages: the options that a field can have, and the transformations.
import {
  FieldConfigOptionsRegistry,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const STANDARD = ['displayName', 'unit', 'decimals', 'min', 'max', 'mappings', 'thresholds', 'color', 'noValue', 'links'];
const CUSTOM = [
  'align', 'axisPlacement', 'cellOptions', 'drawStyle', 'fillOpacity', 'filterable', 'hideFrom', 'lineInterpolation',
  'lineStyle', 'lineWidth', 'minWidth', 'pointSize', 'scaleDistribution', 'showPoints', 'spanNulls', 'stacking',
  'thresholdsStyle', 'width',
];

const registry = new FieldConfigOptionsRegistry(() => {
  const item = (id, path, isCustom) => ({
    id,
    path,
    name: id,
    isCustom,
    process: (value) => value,
    shouldApply: () => true,
    override: () => null,
    editor: () => null,
    settings: {},
  });
  return [
    ...STANDARD.map((id) => item(id, id, false)),
    ...CUSTOM.map((id) => item(`custom.${id}`, id, true)),
  ];
});

standardTransformersRegistry.setInit(() => {
  const known = new Map(Object.values(standardTransformers).map((transformer) => [transformer.id, transformer]));
  return [...known.values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation: () => Promise.resolve(transformation),
    editor: () => null,
  }));
});

// What each plugin of Grafana sets for panels that do not say.
const COLORS = { timeseries: 'palette-classic', default: 'thresholds' };
const CUSTOM_DEFAULTS = {
  timeseries: {
    drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, showPoints: 'never', pointSize: 5,
    axisPlacement: 'auto', hideFrom: { viz: false, legend: false, tooltip: false },
    scaleDistribution: { type: 'linear' }, spanNulls: false,
  },
  table: { align: 'auto', cellOptions: { type: 'auto' }, filterable: false },
};

/** The frames with the panel's transformations and the options of its fields. */
export async function prepared(panel, data, theme) {
  const missing = (panel.transformations ?? []).filter(({ id }) => !standardTransformersRegistry.getIfExists(id));
  if (missing.length > 0) {
    throw new Error(`no such transformation: ${missing.map(({ id }) => id)}`);
  }
  const transformed = await lastValueFrom(transformDataFrame(panel.transformations ?? [], data));
  const { defaults, overrides } = panel.fieldConfig;
  const color = { mode: COLORS[panel.type] ?? COLORS.default };
  const custom = { ...CUSTOM_DEFAULTS[panel.type], ...defaults.custom };
  const finished = applyFieldOverrides({
    data: transformed,
    fieldConfig: { defaults: { color, ...defaults, custom }, overrides },
    fieldConfigRegistry: registry,
    replaceVariables: (text) => text,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(finished);
  return finished;
}
