// Makes pictures of papers small: node bin/lib/palette.mjs PNG… writes each anew with a palette of its 64 commonest colours,
// rounded to sixteenths. A printed page has few colours, and as numbers of a palette they compress to a third.

import { readFileSync, writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { PNG } from "../../tests/e2e/node_modules/pngjs/lib/png.js";

const COLOURS = 64;

for (const file of process.argv.slice(2)) writeFileSync(file, withPalette(PNG.sync.read(readFileSync(file))));

function withPalette({ width, height, data }) {
  const rounded = (byte) => Math.round(byte / 17);
  const dots = Array.from({ length: width * height }, (_, dot) => {
    const [red, green, blue] = data.subarray(4 * dot, 4 * dot + 3);
    return (rounded(red) << 8) | (rounded(green) << 4) | rounded(blue);
  });
  const counts = new Map();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, COLOURS).map(([colour]) => colour);
  const places = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour)]));

  const rows = Buffer.alloc(height * (width + 1));
  dots.forEach((dot, at) => (rows[at + Math.floor(at / width) + 1] = places.get(dot)));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits for a dot, by palette.
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from(palette.flatMap((colour) => parts(colour).map((part) => part * 17)))),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function parts(colour) {
  return [colour >> 8, (colour >> 4) & 15, colour & 15];
}

function nearest(palette, colour) {
  const wanted = parts(colour);
  const far = (other) => parts(other).reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0);
  return palette.reduce((best, other, at) => (far(other) < far(palette[best]) ? at : best), 0);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

function crc(bytes) {
  let state = ~0;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit += 1) state = (state >>> 1) ^ (state & 1 ? 0xedb88320 : 0);
  }
  return ~state >>> 0;
}
