// Draws a digit, makes of it what the network learnt from (28 x 28 pixels, the digit within 20 x 20, its centre of mass in the
// middle), and shows what the host's model takes it for.

const SIDE = 28;
const INNER = 20;
const PEN = 20;

const element = (id) => document.getElementById(id);
const [paper, small, bars, best] = ["paper", "small", "bars", "best"].map(element);
const ink = paper.getContext("2d", { willReadFrequently: true });

let rows = [];
let drawn = 0;
let waiting = false;

async function begin() {
  rows = Array.from({ length: 10 }, (_, digit) => {
    const row = bars.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = digit;
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.append(document.createElement("div"));
    const cell = document.createElement("td");
    cell.append(bar);
    const number = document.createElement("td");
    number.className = "number";
    row.append(head, cell, number);
    return { row, bar: bar.firstChild, number };
  });
  clear();
  try {
    const about = await (await fetch("api/space")).json();
    const where = about.models.by === "jobs" ? "by paid jobs" : `on this device (${about.models.device})`;
    element("model").textContent = `${about.models.names.image_model}, ${where}`;
  } catch {
    element("model").textContent = "The host does not answer: start the Space again.";
  }
}

function clear() {
  drawn += 1;
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, paper.width, paper.height);
  small.getContext("2d").clearRect(0, 0, SIDE, SIDE);
  best.textContent = "Nothing yet.";
  best.classList.remove("wrong");
  for (const { row, bar, number } of rows) {
    row.className = "";
    bar.style.width = "0";
    number.textContent = "";
  }
}

// The box of what is drawn; null for an empty paper.
function box(pixels, width, height) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (pixels[4 * (y * width + x)] > 32) {
        [left, right] = [Math.min(left, x), Math.max(right, x)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      }
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

// Scales in steps of a half, as browsers skip pixels otherwise.
function scaled(source, from, width, height) {
  let canvas = new OffscreenCanvas(from.width, from.height);
  canvas.getContext("2d").drawImage(source, from.left, from.top, from.width, from.height, 0, 0, from.width, from.height);
  for (;;) {
    const [w, h] = [Math.max(width, Math.ceil(canvas.width / 2)), Math.max(height, Math.ceil(canvas.height / 2))];
    const next = new OffscreenCanvas(w, h);
    const context = next.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(canvas, 0, 0, w, h);
    canvas = next;
    if (w <= width && h <= height) {
      return canvas;
    }
  }
}

function greys(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: canvas.width * canvas.height }, (_, at) => data[4 * at]);
}

function normalised() {
  const { data } = ink.getImageData(0, 0, paper.width, paper.height);
  const from = box(data, paper.width, paper.height);
  if (!from) {
    return null;
  }
  const scale = INNER / Math.max(from.width, from.height);
  const width = Math.max(1, Math.round(from.width * scale));
  const height = Math.max(1, Math.round(from.height * scale));
  const digit = scaled(paper, from, width, height);
  const grey = greys(digit);
  let [mass, atX, atY] = [0, 0, 0];
  grey.forEach((value, at) => {
    mass += value;
    atX += value * ((at % width) + 0.5);
    atY += value * (Math.floor(at / width) + 0.5);
  });
  const offset = (middle, size) => Math.max(0, Math.min(SIDE - size, Math.round(SIDE / 2 - middle)));
  const [left, top] = [offset(atX / mass, width), offset(atY / mass, height)];
  const pixels = new Array(SIDE * SIDE).fill(0);
  grey.forEach((value, at) => {
    pixels[(top + Math.floor(at / width)) * SIDE + left + (at % width)] = value;
  });
  return pixels;
}

function show(pixels) {
  const context = small.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  pixels.forEach((value, at) => image.data.set([value, value, value, 255], 4 * at));
  context.putImageData(image, 0, 0);
}

// One request at a time; what is drawn meanwhile is asked for after it.
async function ask() {
  if (waiting) {
    return;
  }
  waiting = true;
  try {
    let mine;
    do {
      mine = drawn;
      const pixels = normalised();
      if (!pixels) {
        break;
      }
      show(pixels);
      const response = await fetch("api/classify", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ images: [pixels] }),
      });
      const answer = await response.json();
      if (!response.ok) {
        throw new Error(answer.error);
      }
      if (mine === drawn) {
        tell(answer);
      }
    } while (mine !== drawn);
  } catch (error) {
    best.textContent = error.message;
    best.classList.add("wrong");
  }
  waiting = false;
}

function tell({ labels, probabilities: [likely] }) {
  const first = likely.indexOf(Math.max(...likely));
  best.classList.remove("wrong");
  best.textContent = `A ${labels[first]}, with ${percent(likely[first])}`;
  rows.forEach(({ row, bar, number }, digit) => {
    row.className = digit === first ? "best" : "";
    bar.style.width = `${100 * likely[digit]}%`;
    number.textContent = percent(likely[digit]);
  });
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

let last = null;

function at(event) {
  const area = paper.getBoundingClientRect();
  return [((event.clientX - area.left) * paper.width) / area.width, ((event.clientY - area.top) * paper.height) / area.height];
}

function stroke(event) {
  const to = at(event);
  ink.strokeStyle = "#fff";
  ink.lineWidth = PEN;
  ink.lineCap = "round";
  ink.lineJoin = "round";
  ink.beginPath();
  ink.moveTo(...(last ?? to));
  ink.lineTo(...to);
  ink.stroke();
  last = to;
  drawn += 1;
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) {
    return;
  }
  paper.setPointerCapture(event.pointerId);
  last = null;
  stroke(event);
  ask();
});
paper.addEventListener("pointermove", (event) => {
  if (paper.hasPointerCapture(event.pointerId) && last) {
    stroke(event);
    ask();
  }
});
for (const end of ["pointerup", "pointercancel"]) {
  paper.addEventListener(end, () => {
    last = null;
  });
}

element("clear").addEventListener("click", clear);
element("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) {
    return;
  }
  clear();
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(paper.width / image.width, paper.height / image.height);
    const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
    const [left, top] = [(paper.width - width) >> 1, (paper.height - height) >> 1];
    ink.drawImage(image, left, top, width, height);
    const area = ink.getImageData(left, top, width, height);
    const grey = (pixel) => (area.data[pixel] * 3 + area.data[pixel + 1] * 6 + area.data[pixel + 2]) / 10;
    let sum = 0;
    for (let pixel = 0; pixel < area.data.length; pixel += 4) {
      sum += grey(pixel);
    }
    // Dark ink on a bright ground is turned around.
    const isBright = sum / (area.data.length / 4) > 127;
    for (let pixel = 0; pixel < area.data.length; pixel += 4) {
      const value = isBright ? 255 - grey(pixel) : grey(pixel);
      area.data.set([value, value, value, 255], pixel);
    }
    ink.putImageData(area, left, top);
    drawn += 1;
    ask();
  } catch {
    best.textContent = `${file.name} is no image that this browser can read.`;
    best.classList.add("wrong");
  }
});

begin();
