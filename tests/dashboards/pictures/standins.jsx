// The state timeline and the heatmap are in Grafana's core and not in its packages: these stand in for them, with the
// texts and colours that the packages' own display processors give.
import { FieldType, getFieldDisplayName } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

const MARGIN = 150;

// The upper bound of a bucket.
const bound = (frame) => (frame.fields[1].labels.le === '+Inf' ? Infinity : Number(frame.fields[1].labels.le));

function Hours({ from, to, width, left }) {
  const ticks = [];
  for (let at = Math.ceil(from / 21600e3) * 21600e3; at <= to; at += 21600e3) {
    ticks.push(at);
  }
  const x = (at) => left + ((at - from) / (to - from)) * (width - left);
  const label = (at) => new Date(at).toISOString().slice(at % 86400e3 === 0 ? 5 : 11, at % 86400e3 === 0 ? 10 : 16);
  return ticks.map((at) => (
    <text key={at} x={x(at)} y={0} fontSize={11} textAnchor="middle" fill="currentColor" opacity={0.7}>
      {label(at)}
    </text>
  ));
}

export function Timeline({ data, width, height, from, to }) {
  const theme = useTheme2();
  const rows = data.map((frame) => ({
    name: getFieldDisplayName(frame.fields[1], frame, data),
    times: frame.fields[0].values,
    field: frame.fields[1],
  }));
  const shown = new Map();
  rows.forEach(({ field }) =>
    field.values.forEach((value) => {
      const { text, color } = field.display(value);
      shown.set(text, color);
    })
  );
  const area = height - 42;
  const high = Math.min(26, area / rows.length);
  // How much room the texts of a legend take.
  const before = (entries) => entries.reduce((sum, [text]) => sum + 38 + 6.6 * text.length, 0);
  const x = (at) => MARGIN + ((at - from) / (to - from)) * (width - MARGIN);
  return (
    <svg width={width} height={height} style={{ color: theme.colors.text.primary, fontFamily: 'inherit' }}>
      {rows.map(({ name, times, field }, row) => (
        <g key={row} transform={`translate(0, ${row * high})`}>
          <text x={MARGIN - 8} y={high * 0.68} fontSize={11} textAnchor="end" fill="currentColor">
            {name.length > 24 ? `${name.slice(0, 23)}…` : name}
          </text>
          {times.map((time, index) => {
            const begin = Math.max(from, time);
            const end = Math.min(to, times[index + 1] ?? time + 600e3);
            const color = field.display(field.values[index]).color;
            return end > begin ? (
              <rect key={time} x={x(begin)} y={1} width={x(end) - x(begin) + 0.5} height={high * 0.85} fill={color} />
            ) : null;
          })}
        </g>
      ))}
      <g transform={`translate(0, ${Math.min(area, rows.length * high) + 13})`}>
        <Hours from={from} to={to} width={width} left={MARGIN} />
      </g>
      <g transform={`translate(4, ${height - 6})`}>
        {[...shown].map(([text, color], index, all) => (
          <g key={text} transform={`translate(${before(all.slice(0, index))}, 0)`}>
            <rect y={-9} width={14} height={4} fill={color} />
            <text x={19} y={-3} fontSize={12} fill="currentColor">
              {text}
            </text>
          </g>
        ))}
      </g>
    </svg>
  );
}

export function Heatmap({ panel, data, width, height, from, to }) {
  const theme = useTheme2();
  const left = 60;
  const area = height - 26;
  const across = 96;
  const cells = new Map();
  let top = 0;
  let most = 0;
  const add = (at, y, count) => {
    const key = `${Math.min(across - 1, Math.floor(((at - from) / (to - from)) * across))}/${y}`;
    cells.set(key, (cells.get(key) ?? 0) + count);
    most = Math.max(most, cells.get(key));
    top = Math.max(top, y + 1);
  };
  const labels = [];
  if (panel.options.calculate) {
    const size = Number(panel.options.calculation.yBuckets.value);
    for (const frame of data) {
      frame.fields[1].values.forEach((value, index) => add(frame.fields[0].values[index], Math.floor(value / size), 1));
    }
    const format = data.length > 0 ? data[0].fields.find(({ type }) => type === FieldType.number).display : String;
    for (let y = 0; y <= top; y += Math.max(1, Math.round(top / 6))) {
      labels.push([y, format(y * size).text + (format(y * size).suffix ?? '')]);
    }
  } else {
    const order = [...data].sort((a, b) => bound(a) - bound(b));
    order.forEach((frame, y) =>
      frame.fields[1].values.forEach((value, index) => {
        const below = y > 0 ? order[y - 1].fields[1].values[index] : 0;
        if (value - below > 0.01) {
          add(frame.fields[0].values[index], y, value - below);
        }
      })
    );
    order.slice(0, -1).forEach((frame, y) => labels.push([y + 1, `${bound(frame)} s`]));
    top = order.length;
  }
  const high = area / Math.max(1, top);
  const wide = (width - left) / across;
  return (
    <svg width={width} height={height} style={{ color: theme.colors.text.primary, fontFamily: 'inherit' }}>
      {[...cells].map(([key, count]) => {
        const [x, y] = key.split('/').map(Number);
        return (
          <rect
            key={key}
            x={left + x * wide}
            y={area - (y + 1) * high}
            width={wide - 1}
            height={high - 1}
            fill={`rgb(253, 141, 60, ${0.25 + 0.75 * Math.sqrt(count / most)})`}
          />
        );
      })}
      {labels.map(([y, text]) => (
        <text key={y} x={left - 6} y={area - y * high + 4} fontSize={11} textAnchor="end" fill="currentColor">
          {text}
        </text>
      ))}
      <g transform={`translate(0, ${height - 8})`}>
        <Hours from={from} to={to} width={width} left={left} />
      </g>
    </svg>
  );
}
