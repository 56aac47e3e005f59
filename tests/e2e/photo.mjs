// Photographs of papers, made in code: a grey picture read from a PNG, turned, blurred, dimmed and made noisy as by a phone in
// a dim office. The same seed makes the same photograph, so a test that fails here fails everywhere.

import { readFileSync, writeFileSync } from "node:fs";
import { PNG } from "pngjs";

/** A grey picture: a byte for each dot, row by row, 255 is white. */
export function readPng(file) {
  const { width, height, data } = PNG.sync.read(readFileSync(file));
  const grey = new Uint8Array(width * height);
  for (let dot = 0; dot < grey.length; dot += 1) {
    grey[dot] = (data[4 * dot] * 77 + data[4 * dot + 1] * 151 + data[4 * dot + 2] * 28) >> 8;
  }
  return { width, height, data: grey };
}

export function writePng(file, { width, height, data }) {
  writeFileSync(file, PNG.sync.write({ width, height, data: Buffer.from(data) }, { colorType: 0, inputColorType: 0 }));
}

/** A part of a picture, in shares of its width and height. */
export function cut(picture, { left = 0, top = 0, right = 1, bottom = 1 }) {
  const [x, y] = [Math.round(left * picture.width), Math.round(top * picture.height)];
  const width = Math.round(right * picture.width) - x;
  const height = Math.round(bottom * picture.height) - y;
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1) {
    const start = (y + row) * picture.width + x;
    data.set(picture.data.subarray(start, start + width), row * width);
  }
  return { width, height, data };
}

/** What a printer makes of it that knows only dots and no dots. */
export function dotsOnly({ width, height, data }, whiteFrom = 160) {
  return { width, height, data: data.map((grey) => (grey < whiteFrom ? 0 : 255)) };
}

/**
 * A photograph of a paper that lies askew on a table: turned by so many degrees, blurred (sigma in dots), with so much of its
 * contrast left, darker towards one side by `shade`, and with noise (its standard deviation in grey levels).
 */
export function photograph(paper, { seed, turned, blur = 0.8, contrast = 0.6, shade = 0.4, noise = 8 }) {
  return blurred(noisy(dimmed(turnedOnTable(paper, turned), contrast, shade), noise, seed), blur);
}

const TABLE = 110;

function turnedOnTable(paper, degrees) {
  const [sine, cosine] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const margin = 24;
  const width = Math.ceil(Math.abs(paper.width * cosine) + Math.abs(paper.height * sine)) + 2 * margin;
  const height = Math.ceil(Math.abs(paper.width * sine) + Math.abs(paper.height * cosine)) + 2 * margin;
  const data = new Uint8Array(width * height).fill(TABLE);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const fromX = dx * cosine + dy * sine + paper.width / 2;
      const fromY = dy * cosine - dx * sine + paper.height / 2;
      if (fromX >= 0 && fromY >= 0 && fromX < paper.width - 1 && fromY < paper.height - 1) {
        data[y * width + x] = between(paper, fromX, fromY);
      }
    }
  }
  return { width, height, data };
}

// A dot between four others has something of each.
function between({ width, data }, x, y) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [right, below] = [x - column, y - row];
  const at = row * width + column;
  const upper = data[at] * (1 - right) + data[at + 1] * right;
  const lower = data[at + width] * (1 - right) + data[at + width + 1] * right;
  return upper * (1 - below) + lower * below;
}

function blurred({ width, height, data }, sigma) {
  const reach = Math.ceil(2.5 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-((at - reach) ** 2) / (2 * sigma * sigma)));
  const sum = weights.reduce((all, one) => all + one, 0);
  const along = (from, step, last) => {
    const to = new Uint8Array(from.length);
    for (let at = 0; at < from.length; at += 1) {
      const place = step === 1 ? at % width : Math.floor(at / width);
      let light = 0;
      for (let away = -reach; away <= reach; away += 1) {
        const near = place + away < 0 || place + away > last ? 0 : away;
        light += weights[away + reach] * from[at + near * step];
      }
      to[at] = light / sum;
    }
    return to;
  };
  return { width, height, data: along(along(data, 1, width - 1), width, height - 1) };
}

function dimmed({ width, height, data }, contrast, shade) {
  const black = 60;
  const dim = data.map((grey, at) => {
    const across = (at % width) / width;
    const down = Math.floor(at / width) / height;
    return (black + grey * contrast) * (1 - (shade * (across + down)) / 2);
  });
  return { width, height, data: dim };
}

function noisy({ width, height, data }, deviation, seed) {
  const next = numbers(seed);
  // The sum of three even numbers is nearly as even as nature's noise.
  const grain = () => (next() + next() + next() - 1.5) * 2 * deviation;
  return { width, height, data: data.map((grey) => Math.max(0, Math.min(255, grey + grain()))) };
}

// Mulberry32: small, and the same in every run.
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
