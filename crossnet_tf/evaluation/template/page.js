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
