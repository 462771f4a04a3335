// Resizes pictures by the antialiased Keys cubic that the network was trained
// with: the browser's own resizing differs from one browser to the next.

function keys(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// For each pixel of the output: the first pixel of the input, and weights.
function taps(from, to) {
  const ratio = from / to;
  const stretch = Math.max(1, ratio);
  const result = [];
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * ratio - 0.5;
    const begin = Math.ceil(centre - 2 * stretch);
    const end = Math.floor(centre + 2 * stretch);
    const indices = [];
    const weights = [];
    let sum = 0;
    for (let j = begin; j <= end; j++) {
      const weight = keys((j - centre) / stretch);
      if (weight === 0 || j < 0 || j >= from) continue;
      indices.push(j);
      weights.push(weight);
      sum += weight;
    }
    result.push({indices, weights: weights.map((w) => w / sum)});
  }
  return result;
}

// image: {data: Float32Array of height * width * 3, height, width}.
export function resize(image, height, width) {
  const down = along(image, height, true);
  return along(down, width, false);
}

function along(image, size, isVertical) {
  const from = isVertical ? image.height : image.width;
  if (from === size) return image;
  const height = isVertical ? size : image.height;
  const width = isVertical ? image.width : size;
  const data = new Float32Array(height * width * 3);
  const all = taps(from, size);
  const step = isVertical ? image.width * 3 : 3;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const {indices, weights} = all[isVertical ? y : x];
      const start = isVertical ? x * 3 : y * image.width * 3;
      let r = 0, g = 0, b = 0;
      for (let k = 0; k < indices.length; k++) {
        const at = start + indices[k] * step;
        r += weights[k] * image.data[at];
        g += weights[k] * image.data[at + 1];
        b += weights[k] * image.data[at + 2];
      }
      const to = (y * width + x) * 3;
      data[to] = r;
      data[to + 1] = g;
      data[to + 2] = b;
    }
  }
  return {data, height, width};
}

export function crop(image, top, left, height, width) {
  if (height === image.height && width === image.width) return image;
  const data = new Float32Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), y * width * 3);
  }
  return {data, height, width};
}

// REF as the network takes it: of LR's shape, `scale` times as large.
// Returns the picture and what was done to it, a line of text or "".
export function fitReference(ref, lr, scale) {
  const height = lr.height * scale;
  const width = lr.width * scale;
  if (ref.height === height && ref.width === width) {
    return {image: ref, note: ''};
  }
  const share = Math.min(ref.height / height, ref.width / width);
  const tall = Math.min(ref.height, Math.round(height * share));
  const wide = Math.min(ref.width, Math.round(width * share));
  const cut = crop(ref, Math.floor((ref.height - tall) / 2),
    Math.floor((ref.width - wide) / 2), tall, wide);
  const was = `${ref.width} x ${ref.height}`;
  const isCut = tall < ref.height || wide < ref.width;
  const note = `REF was ${isCut ? 'cut to the shape of the small picture and ' : ''}` +
    `resized from ${was} to ${width} x ${height} pixels.`;
  return {image: resize(cut, height, width), note};
}
