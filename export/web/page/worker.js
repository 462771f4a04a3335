// Runs the network beside the page, so that the page answers meanwhile.
//
// In: {lr, ref}, RGBA pictures. Out, in this order: {stage, done, total} as
// often as there is something to tell, then {before, after, notes, seconds},
// RGBA pictures of HR size; or {error}, one line.

import * as ort from './runtime/ort.wasm.min.mjs';
import {fromRgba, toRgba} from './pixels.js';
import {fitReference, resize} from './resample.js';
import {Canvas, cut, split} from './tiles.js';

// One thread: more need headers that a plain static server does not send.
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL('./runtime/', import.meta.url).href;

let loaded = null;

async function fetched(name, tell) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not on the server (${response.status}).`);
  const total = Number(response.headers.get('Content-Length')) || 0;
  const parts = [];
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    tell(size, Math.max(total, size));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function load() {
  const facts = JSON.parse(new TextDecoder().decode(await fetched('model.json', () => {})));
  const bytes = await fetched('model.onnx', (done, total) =>
    postMessage({stage: 'Loading the network', done, total}));
  postMessage({stage: 'Starting the network', done: 1, total: 1});
  const session = await ort.InferenceSession.create(bytes, {executionProviders: ['wasm']});
  return {facts, session};
}

const tensor = ({data, height, width}) =>
  new ort.Tensor('float32', data, [1, height, width, 3]);

async function upscaled(session, lr, ref, scale) {
  const tiles = split(ref.height, ref.width);
  const canvas = new Canvas(ref.height, ref.width);
  for (let i = 0; i < tiles.length; i++) {
    postMessage({stage: 'Working', done: i, total: tiles.length});
    const feeds = {lr: tensor(cut(lr, tiles[i], scale)), ref: tensor(cut(ref, tiles[i]))};
    const {sr} = await session.run(feeds);
    canvas.add(tiles[i], sr.data);
    sr.dispose();
  }
  postMessage({stage: 'Working', done: tiles.length, total: tiles.length});
  return {picture: canvas.mean(), tiles: tiles.length};
}

async function run({lr, ref}) {
  loaded ??= load();
  const {facts, session} = await loaded;
  const begin = performance.now();
  const small = fromRgba(lr);
  const {image, note} = fitReference(fromRgba(ref), small, facts.scale);
  const {picture, tiles} = await upscaled(session, small, image, facts.scale);
  const seconds = (performance.now() - begin) / 1000;
  const notes = [`${facts.name}: ${small.width} x ${small.height} to ` +
    `${picture.width} x ${picture.height} pixels in ${seconds.toFixed(1)} s` +
    (tiles > 1 ? `, in ${tiles} tiles.` : '.')];
  if (note) notes.push(note);
  const before = toRgba(resize(small, picture.height, picture.width));
  const after = toRgba(picture);
  postMessage({before, after, notes, seconds}, [before.data.buffer, after.data.buffer]);
}

onmessage = async ({data}) => {
  try {
    await run(data);
  } catch (error) {
    if (loaded) loaded.catch(() => { loaded = null; });
    postMessage({error: String(error?.message ?? error).split('\n')[0]});
  }
};
