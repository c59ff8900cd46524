// Each type of panel, by Grafana's own components where its packages have them.
import { dateTime, getFieldDisplayValues } from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, useTheme2 } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Heatmap, Timeline } from './standins';

function displayed(panel, data, theme) {
  const { fieldConfig, options } = panel;
  return getFieldDisplayValues({
    fieldConfig,
    reduceOptions: options.reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data,
    timeZone: 'utc',
  });
}

function Nothing({ panel }) {
  return <div style={{ display: 'grid', placeItems: 'center', height: '100%' }}>{panel.fieldConfig.defaults.noValue}</div>;
}

function Stat({ panel, data, width, height }) {
  const theme = useTheme2();
  const values = displayed(panel, data, theme);
  const each = (width - 4 * (values.length - 1)) / values.length;
  return (
    <div style={{ display: 'flex', gap: 4 }}>
      {values.map(({ display }, index) => (
        <BigValue
          key={index}
          value={values.length === 1 && panel.options.textMode === 'auto' ? { ...display, title: undefined } : display}
          width={each}
          height={height}
          theme={theme}
          colorMode={panel.options.colorMode}
          graphMode="none"
          textMode={panel.options.textMode}
          justifyMode={panel.options.justifyMode}
          count={values.length}
        />
      ))}
    </div>
  );
}

function Bars({ panel, data, width, height }) {
  const theme = useTheme2();
  if (data.length === 0) {
    return <Nothing panel={panel} />;
  }
  const values = displayed(panel, data, theme);
  const high = Math.min(60, (height - 8 * (values.length - 1)) / values.length);
  return (
    <div style={{ display: 'flex', flexDirection: 'column', gap: 8 }}>
      {values.map((value, index) => (
        <BarGauge
          key={index}
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          width={width}
          height={high}
          theme={theme}
          orientation="horizontal"
          displayMode={panel.options.displayMode}
          valueDisplayMode={panel.options.valueMode}
          namePlacement={panel.options.namePlacement}
          showUnfilled
          itemSpacing={8}
          alignmentFactors={{ title: 'a name of usual length', text: '1000.0 %' }}
        />
      ))}
    </div>
  );
}

function Lines({ panel, data, width, height, from, to }) {
  if (data.length === 0) {
    return <Nothing panel={panel} />;
  }
  const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  return (
    <TimeSeries
      frames={data}
      timeRange={range}
      timeZone="utc"
      width={width}
      height={height}
      legend={panel.options.legend}
      options={{ ...panel.options, timeZone: ['utc'] }}
    />
  );
}

function Table({ panel, data, width, height }) {
  const rows = data[0];
  if (!rows || rows.length === 0) {
    return <Nothing panel={panel} />;
  }
  return <TableNG data={rows} width={width} height={height} cellHeight="sm" noValue="" structureRev={1} />;
}

export const PANELS = {
  bargauge: Bars,
  heatmap: Heatmap,
  stat: Stat,
  'state-timeline': Timeline,
  table: Table,
  timeseries: Lines,
};
