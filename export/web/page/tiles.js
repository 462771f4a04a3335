// Cuts a large pair into tiles and blends the results, as
// crossnet_tf/upscaling/tiles.py does: a tile's input reaches `margin` further
// than the tile, neighbours overlap by `grid` and mix by raised cosines.

import {crop} from './resample.js';

export const GRID = 64;
export const MARGIN = 128;
export const MAX_SIDE = 768;

function spans(size, side) {
  const found = [];
  for (let begin = 0; ; begin = Math.min(begin + side, size) - GRID) {
    const end = Math.min(begin + side, size);
    found.push([begin, end]);
    if (end === size) return found;
  }
}

const reach = ([begin, end], size) =>
  [Math.max(begin - MARGIN, 0), Math.min(end + MARGIN, size)];

// Tiles of a picture of HR pixels; one if it is small enough.
export function split(height, width, maxSide = MAX_SIDE) {
  if (height * width <= maxSide ** 2) {
    const whole = [[0, height], [0, width]];
    return [{rows: whole[0], columns: whole[1], inputRows: whole[0], inputColumns: whole[1]}];
  }
  const side = Math.floor((maxSide - 2 * MARGIN) / GRID) * GRID;
  return spans(height, side).flatMap((rows) => spans(width, side).map((columns) => ({
    rows, columns, inputRows: reach(rows, height), inputColumns: reach(columns, width),
  })));
}

// The tile's input out of a picture of HR size / scale.
export function cut(image, tile, scale = 1) {
  const [top, bottom] = tile.inputRows.map((n) => Math.floor(n / scale));
  const [left, right] = tile.inputColumns.map((n) => Math.floor(n / scale));
  return crop(image, top, left, bottom - top, right - left);
}

function ramp([begin, end], size) {
  const weight = new Float32Array(end - begin).fill(1);
  for (let i = 0; i < GRID; i++) {
    const rise = 0.5 - 0.5 * Math.cos(Math.PI * (i + 0.5) / GRID);
    if (begin > 0) weight[i] = rise;
    if (end < size) weight[weight.length - 1 - i] = rise;
  }
  return weight;
}

// Collects tiles into a picture.
export class Canvas {
  constructor(height, width) {
    this.height = height;
    this.width = width;
    this.sum = new Float32Array(height * width * 3);
    this.weight = new Float32Array(height * width);
  }

  // data: [h, w, 3] as large as the tile's input.
  add(tile, data) {
    const down = ramp(tile.rows, this.height);
    const right = ramp(tile.columns, this.width);
    const wide = tile.inputColumns[1] - tile.inputColumns[0];
    for (let y = 0; y < down.length; y++) {
      for (let x = 0; x < right.length; x++) {
        const weight = down[y] * right[x];
        const row = tile.rows[0] + y;
        const column = tile.columns[0] + x;
        const to = row * this.width + column;
        const from = ((row - tile.inputRows[0]) * wide + column - tile.inputColumns[0]) * 3;
        this.weight[to] += weight;
        for (let c = 0; c < 3; c++) this.sum[to * 3 + c] += weight * data[from + c];
      }
    }
  }

  mean() {
    const data = this.sum;
    for (let i = 0; i < this.weight.length; i++) {
      for (let c = 0; c < 3; c++) data[i * 3 + c] /= this.weight[i];
    }
    return {data, height: this.height, width: this.width};
  }
}
