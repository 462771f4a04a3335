// Between a canvas's RGBA bytes and the network's RGB floats in [0, 1].

// Transparent pixels are laid over white, as a page shows them.
export function fromRgba({data, width, height}) {
  const rgb = new Float32Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[i * 4 + 3] / 255;
    for (let c = 0; c < 3; c++) {
      rgb[i * 3 + c] = alpha * data[i * 4 + c] / 255 + (1 - alpha);
    }
  }
  return {data: rgb, width, height};
}

export function toRgba({data, width, height}) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      rgba[i * 4 + c] = Math.floor(255 * Math.min(1, Math.max(0, data[i * 3 + c])) + 0.5);
    }
    rgba[i * 4 + 3] = 255;
  }
  return {data: rgba, width, height};
}
