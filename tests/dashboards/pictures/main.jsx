// Draws the dashboard in window.PICTURE with the answers beside it, on Grafana's grid.
import { createTheme, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import 'uplot/dist/uPlot.min.css';
import { prepared } from './fields';
import { frames } from './frames';
import { PANELS } from './panels';

const CELL = 30;
const GAP = 8;

async function draw({ dashboard, answers, from, to, step, mode, width, rows }) {
  const theme = createTheme({ colors: { mode } });
  const column = (width - GAP) / 24;
  const drawn = [];
  for (const panel of dashboard.panels.filter(({ gridPos }) => gridPos.y + gridPos.h <= rows)) {
    const data = await prepared(panel, frames(panel, answers[panel.id], step), theme);
    drawn.push({ panel, data });
  }
  const places = drawn.map(({ panel, data }) => {
    const { x, y, w, h } = panel.gridPos;
    const Shown = PANELS[panel.type];
    const size = { width: w * column - GAP, height: h * (CELL + GAP) - GAP };
    return (
      <div key={panel.id} style={{ position: 'absolute', left: GAP + x * column, top: GAP + y * (CELL + GAP), ...size }}>
        <PanelChrome title={panel.title} description={panel.description} {...size}>
          {(innerWidth, innerHeight) => (
            <Shown panel={panel} data={data} width={innerWidth} height={innerHeight} from={from} to={to} />
          )}
        </PanelChrome>
      </div>
    );
  });
  document.body.style.background = theme.colors.background.canvas;
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {places}
    </ThemeContext.Provider>
  );
  return drawn.map(({ panel, data }) => ({
    title: panel.title,
    rows: data.map((frame) => frame.length),
    ...(panel.type === 'table' && shownIn(data[0])),
  }));
}

/** What a reader finds in a table. */
function shownIn(frame) {
  const cell = (field, row) => {
    const { prefix = '', text, suffix = '' } = field.display(field.values[row]);
    return prefix + text + suffix;
  };
  return {
    columns: frame.fields.map((field) => field.state?.displayName ?? field.name),
    cells: Array.from({ length: frame.length }, (_, row) => frame.fields.map((field) => cell(field, row))),
    links: frame.fields.filter(({ config }) => config.links?.length > 0).length * frame.length,
  };
}

// "In 3 hours" is counted from the last moment of the answers, not from the present.
const RealDate = Date;
const now = window.PICTURE.to;
window.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length > 0 ? given : [now]));
  }

  static now() {
    return now;
  }
};

// Whoever draws reads what became of it from the browser's log.
const tell = (what) => console.log(`DRAWN ${JSON.stringify(what)} END`);
draw(window.PICTURE).then(
  (panels) => tell({ panels }),
  (error) => tell({ error: String(error?.stack ?? error) })
);
