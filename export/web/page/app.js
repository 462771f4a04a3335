// The page: takes two pictures, has worker.js work on them, shows the result.

const MAX_RESULT = 16e6; // pixels: float pictures of 12 bytes each add up
const MAX_FILE = 64e6; // bytes
const MAX_INPUT = 50e6; // pixels, of a reference before it is resized

const byId = (id) => document.getElementById(id);
const pictures = {lr: null, ref: null}; // ImageData
let worker = null;
let facts = null;
let link = null;

function fail(message) {
  byId('alert').textContent = message;
  byId('alert').hidden = !message;
}

function idle(isIdle) {
  const ready = facts && pictures.lr && pictures.ref;
  byId('run').disabled = !isIdle || !ready;
  byId('example').disabled = !isIdle || !facts;
  byId('lr').disabled = byId('ref').disabled = !isIdle;
  byId('stop').hidden = byId('progress').hidden = isIdle;
  if (isIdle) byId('status').textContent = '';
}

// Decodes with the browser's own decoders: EXIF turned, colours in sRGB.
async function decoded(name, blob) {
  if (blob.size > MAX_FILE) {
    throw new Error(`${name} must have at most ${MAX_FILE / 1e6} MB. ` +
      `Received: ${(blob.size / 1e6).toFixed(1)} MB.`);
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error(`${name} is no picture that this browser can read.`);
  }
  const {width, height} = bitmap;
  if (width * height > MAX_INPUT) {
    bitmap.close();
    throw new Error(`${name} must have at most ${MAX_INPUT / 1e6} megapixels. ` +
      `Received: ${width} x ${height}.`);
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

function draw(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext('2d').putImageData(image, 0, 0);
  canvas.hidden = false;
}

async function take(which, name, blob) {
  fail('');
  byId('result').hidden = true;
  pictures[which] = null;
  idle(true);
  const place = byId(`${which}-drop`);
  place.querySelector('canvas').hidden = true;
  place.querySelector('.size').textContent = '';
  place.querySelector('.hint').hidden = false;
  try {
    const image = await decoded(name, blob);
    pictures[which] = image;
    draw(place.querySelector('canvas'), image);
    place.querySelector('.hint').hidden = true;
    place.querySelector('.size').textContent = `${image.width} x ${image.height}`;
  } catch (error) {
    fail(error.message);
  }
  idle(true);
}

function tooLarge() {
  const {width, height} = pictures.lr;
  const pixels = width * height * facts.scale ** 2;
  if (pixels <= MAX_RESULT) return '';
  const most = Math.floor(Math.sqrt(MAX_RESULT) / facts.scale);
  return `The small picture must have at most ${most} x ${most} pixels here ` +
    `(the result ${MAX_RESULT / 1e6} megapixels). Received: ${width} x ${height}. ` +
    'crossnet upscale has no such limit.';
}

function run() {
  fail(tooLarge());
  if (!byId('alert').hidden) return;
  byId('result').hidden = true;
  idle(false);
  if (!worker) {
    worker = new Worker(new URL('worker.js', import.meta.url), {type: 'module'});
    worker.onmessage = ({data}) => answer(data);
    worker.onerror = (event) => {
      stop();
      fail(`The network could not be started: ${event.message || 'its files are missing'}.`);
    };
  }
  const {lr, ref} = pictures;
  worker.postMessage({lr: plain(lr), ref: plain(ref)});
}

const plain = ({data, width, height}) => ({data, width, height});

function answer(message) {
  if (message.error) {
    idle(true);
    fail(message.error);
  } else if (message.stage) {
    const {stage, done, total} = message;
    byId('progress').value = total ? done / total : 0;
    byId('status').textContent = stage === 'Working' && total > 1 ?
      `${stage}: tile ${Math.min(done + 1, total)} of ${total}` : `${stage} ...`;
  } else {
    idle(true);
    show(message);
  }
}

async function show({before, after, notes}) {
  for (const [id, {data, width, height}] of Object.entries({before, after})) {
    draw(byId(id), new ImageData(data, width, height));
  }
  byId('notes').replaceChildren(...notes.map((note) => {
    const item = document.createElement('li');
    item.textContent = note;
    return item;
  }));
  const blob = await new Promise((done) => byId('after').toBlob(done, 'image/png'));
  if (link) URL.revokeObjectURL(link);
  link = URL.createObjectURL(blob);
  byId('download').href = link;
  byId('result').hidden = false;
}

function stop() {
  if (worker) worker.terminate();
  worker = null;
  idle(true);
}

async function example() {
  for (const which of ['lr', 'ref']) {
    const response = await fetch(facts.example[which]);
    await take(which, facts.example[which], await response.blob());
  }
  if (pictures.lr && pictures.ref) run();
}

function watch(which) {
  const input = byId(which);
  const place = byId(`${which}-drop`);
  input.onchange = () => {
    if (input.files.length) take(which, input.files[0].name, input.files[0]);
    input.value = '';
  };
  for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      const isOver = kind === 'dragenter' || kind === 'dragover';
      place.classList.toggle('over', isOver && !input.disabled);
      const files = event.dataTransfer?.files;
      if (kind === 'drop' && files?.length && !input.disabled) {
        take(which, files[0].name, files[0]);
      }
    });
  }
}

async function begin() {
  watch('lr');
  watch('ref');
  byId('run').onclick = run;
  byId('stop').onclick = stop;
  byId('example').onclick = () => example().catch((error) => fail(error.message));
  byId('slider').oninput = (event) =>
    byId('stage').style.setProperty('--at', `${event.target.value}%`);
  if (!globalThis.OffscreenCanvas || !globalThis.WebAssembly) {
    return fail('This browser is too old: it has no WebAssembly or no OffscreenCanvas.');
  }
  try {
    facts = await (await fetch('model.json')).json();
  } catch {
    return fail('model.json is not on the server: `make web-demo` makes the whole folder.');
  }
  idle(true);
}

begin();
