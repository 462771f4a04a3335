"""Style and script of the page; nothing is loaded from elsewhere."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="controls">
<button type="button" id="in">Zoom in</button>
<button type="button" id="out">Zoom out</button>
<button type="button" id="reset">Reset</button>
<label><input type="checkbox" id="errors"> error maps (white: 10 % or more)
</label>
<span>Wheel: zoom a row. Drag: move it. Double click: reset it.</span>
</p>
</header>
<main>
{body}
</main>
<script>{script}</script>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 0 16px;
  max-width: 1500px; }
header { position: sticky; top: 0; z-index: 2; background: Canvas;
  border-bottom: 1px solid #8884; padding: 6px 0; }
h1 { font-size: 20px; margin: 4px 0; }
.controls { margin: 4px 0; display: flex; flex-wrap: wrap; gap: 8px 14px;
  align-items: center; }
.controls span, .place, .published { color: GrayText; }
.place { margin: 10px 0 4px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 7px; border-bottom: 1px solid #8884; text-align: right; }
th { vertical-align: bottom; }
td { white-space: nowrap; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
td:first-child { white-space: normal; min-width: 7em; }
.plots { display: flex; flex-wrap: wrap; gap: 14px; margin: 14px 0; }
svg { flex: 1 1 300px; min-width: 0; max-width: 600px; height: auto; }
.row { display: grid; gap: 8px;
  grid-template-columns: repeat(auto-fill, minmax(min(210px, 45%), 1fr)); }
figure { margin: 0; }
figcaption { font-size: 13px; }
.view { position: relative; overflow: hidden; border-radius: 3px; }
.view img { position: absolute; width: 100%; height: 100%;
  transform-origin: 0 0; image-rendering: pixelated; user-select: none;
  -webkit-user-drag: none; }
.crops .view { cursor: grab; }
/* A finger on a picture scrolls the page, but moves what is zoomed. */
.zoomed .view { touch-action: none; }
.view .error { visibility: hidden; }
.errors .view .error { visibility: visible; }
@media (max-width: 600px) { .controls span { display: none; } }
"""

SCRIPT = """
'use strict';
const MAX_ZOOM = 16;
const rows = [...document.querySelectorAll('.row.crops')];

// x and y say which point of the crop, in shares, lies in the top left corner.
function show(row) {
  const {zoom} = row.place;
  for (const axis of ['x', 'y'])
    row.place[axis] = Math.min(Math.max(row.place[axis], 0), 1 - 1 / zoom);
  row.classList.toggle('zoomed', zoom > 1);
  const {x, y} = row.place;
  for (const image of row.querySelectorAll('img'))
    image.style.transform = `scale(${zoom}) ` +
      `translate(${-100 * x}%, ${-100 * y}%)`;
}

function reset(row) {
  row.place = {zoom: 1, x: 0, y: 0};
  show(row);
}

// The point at the shares (u, v) of the view stays where it is.
function zoomBy(row, factor, u = 0.5, v = 0.5) {
  const before = row.place.zoom;
  const zoom = Math.min(Math.max(before * factor, 1), MAX_ZOOM);
  row.place.x += u * (1 / before - 1 / zoom);
  row.place.y += v * (1 / before - 1 / zoom);
  row.place.zoom = zoom;
  show(row);
}

for (const row of rows) {
  reset(row);
  row.addEventListener('dblclick', () => reset(row));
  for (const view of row.querySelectorAll('.view')) {
    view.addEventListener('wheel', (event) => {
      event.preventDefault();
      const box = view.getBoundingClientRect();
      zoomBy(row, event.deltaY < 0 ? 1.25 : 0.8,
        (event.clientX - box.left) / box.width,
        (event.clientY - box.top) / box.height);
    }, {passive: false});
    view.addEventListener('pointerdown', (event) => {
      view.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    view.addEventListener('pointermove', (event) => {
      if (!view.hasPointerCapture(event.pointerId)) return;
      const box = view.getBoundingClientRect();
      row.place.x -= event.movementX / box.width / row.place.zoom;
      row.place.y -= event.movementY / box.height / row.place.zoom;
      show(row);
    });
  }
}

const byId = (id) => document.getElementById(id);
byId('in').onclick = () => rows.forEach((row) => zoomBy(row, 2));
byId('out').onclick = () => rows.forEach((row) => zoomBy(row, 0.5));
byId('reset').onclick = () => rows.forEach(reset);
byId('errors').onchange = (event) =>
  document.body.classList.toggle('errors', event.target.checked);
"""
