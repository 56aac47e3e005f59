// Reads a QR code that the program drew as SVG, to learn what is on a card's paper without asking the program.
// The drawing is undamaged, so no error is corrected. Level Q, versions 1 to 6, which hold any card's address.

import { PNG } from "pngjs";

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];
// Data codewords of each block at level Q, by version.
const BLOCKS = [null, [13], [22], [17, 17], [24, 24], [15, 15, 16, 16], [19, 19, 19, 19]];
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const QUIET_ZONE = 4;
const FORMAT_MASK = 0b101010000010010;
const LEVEL_Q = 0b11;

/** The text in the drawing: an `<svg>` element's markup. */
export function readQr(svg) {
  const { size, dark } = modules(svg);
  const version = (size - 17) / 4;
  const format = formatOf(dark);
  if (!BLOCKS[version] || format >> 13 !== LEVEL_Q) throw new Error(`A code of version ${version} at another level than Q`);
  const codewords = codewordsOf(size, dark, MASKS[(format >> 10) & 7]);
  return textOf(dataOf(codewords, BLOCKS[version]), version);
}

function modules(svg) {
  const { side, isDark } = squareOf(svg);
  return { size: side - 2 * QUIET_ZONE, dark: (x, y) => isDark(x + QUIET_ZONE, y + QUIET_ZONE) };
}

/** A drawing with its quiet zone: how many modules aside, and which of them are dark. */
export function squareOf(svg) {
  const side = Number(svg.match(/viewBox="0 0 (\d+) \1"/)[1]);
  const picture = svg.match(/data:image\/png;base64,([^"]+)/)?.[1];
  return { side, isDark: picture ? pixels(PNG.sync.read(Buffer.from(picture, "base64"))) : runs(svg) };
}

// As the program draws for pages: a path with a piece for each run of dark modules.
function runs(svg) {
  const set = new Set();
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let step = 0; step < Number(length); step += 1) set.add(`${Number(x) + step} ${y}`);
  }
  return (x, y) => set.has(`${x} ${y}`);
}

// As it draws for paper: a picture with a pixel for each module inside the quiet zone.
function pixels(picture) {
  const inside = (at) => at >= QUIET_ZONE && at < QUIET_ZONE + picture.width;
  return (x, y) => inside(x) && inside(y) && picture.data[4 * ((y - QUIET_ZONE) * picture.width + x - QUIET_ZONE)] < 128;
}

/** Rows of modules, true where they are dark, drawn as the program draws a square for paper. */
export function asPicture(rows) {
  const side = rows.length, width = side - 2 * QUIET_ZONE, picture = new PNG({ width, height: width });
  for (let y = 0; y < width; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const shade = rows[y + QUIET_ZONE][x + QUIET_ZONE] ? 0 : 255;
      picture.data.set([shade, shade, shade, 255], 4 * (y * width + x));
    }
  }
  const base64 = PNG.sync.write(picture, { colorType: 0, inputColorType: 6 }).toString("base64");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}"><image x="${QUIET_ZONE}" y="${QUIET_ZONE}" width="${width}" height="${width}" image-rendering="optimizeSpeed" href="data:image/png;base64,${base64}"/></svg>`;
}

function formatOf(dark) {
  const places = [];
  for (let i = 0; i <= 5; i += 1) places.push([i, 8]);
  places.push([7, 8], [8, 8], [8, 7]);
  for (let i = 5; i >= 0; i -= 1) places.push([8, i]);
  return places.reduce((bits, [x, y]) => (bits << 1) | Number(dark(x, y)), 0) ^ FORMAT_MASK;
}

// Is this module part of the pattern and not of the message?
function isFurniture(size, x, y) {
  const corner = (x < 9 && y < 9) || (x >= size - 8 && y < 9) || (x < 9 && y >= size - 8);
  const aligned = size > 21 && Math.abs(x - (size - 7)) <= 2 && Math.abs(y - (size - 7)) <= 2;
  return corner || x === 6 || y === 6 || aligned;
}

function codewordsOf(size, dark, mask) {
  const bits = [];
  let up = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const y = up ? size - 1 - step : step;
      for (const x of [right, right - 1]) if (!isFurniture(size, x, y)) bits.push(Number(dark(x, y) !== mask(x, y)));
    }
    up = !up;
  }
  const codewords = [];
  for (let i = 0; i + 8 <= bits.length; i += 8) codewords.push(bits.slice(i, i + 8).reduce((byte, bit) => (byte << 1) | bit, 0));
  return codewords;
}

// The blocks' codewords come in turns: the first of each, the second of each …
function dataOf(codewords, blocks) {
  const parts = blocks.map(() => []);
  let next = 0;
  for (let row = 0; row < Math.max(...blocks); row += 1) {
    blocks.forEach((length, block) => { if (row < length) parts[block].push(codewords[next++]); });
  }
  return parts.flat();
}

function textOf(bytes, version) {
  if (version > 9) throw new Error("Longer counts are not read here");
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let at = 0;
  const take = (count) => parseInt(bits.slice(at, (at += count)) || "0", 2);
  let text = "";
  for (;;) {
    const mode = bits.length - at >= 4 ? take(4) : 0;
    if (mode === 0) return text;
    if (mode === 0b0001) {
      let left = take(10);
      for (; left >= 3; left -= 3) text += String(take(10)).padStart(3, "0");
      if (left) text += String(take(left === 2 ? 7 : 4)).padStart(left, "0");
    } else if (mode === 0b0010) {
      let left = take(9);
      for (; left >= 2; left -= 2) {
        const pair = take(11);
        text += ALPHANUMERIC[Math.floor(pair / 45)] + ALPHANUMERIC[pair % 45];
      }
      if (left) text += ALPHANUMERIC[take(6)];
    } else if (mode === 0b0100) {
      const length = take(8);
      text += Buffer.from(Array.from({ length }, () => take(8))).toString("utf8");
    } else {
      throw new Error(`A segment of mode ${mode}`);
    }
  }
}
