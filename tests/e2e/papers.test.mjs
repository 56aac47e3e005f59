// Every code on every paper scans: the papers are printed from their samples, photographed in code (askew, blurred, dim,
// noisy), and read again by three readers that did not draw them. What is printed too small, or without its quiet zone, ends
// here.

import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cut, dotsOnly, photograph, readPng, writePng } from "./photo.mjs";
import { readQr } from "./qr.mjs";
import { byProgram, byZbar, byZxing } from "./scanners.mjs";

const PROGRAM = process.env.JISHAN_BIN;
const SAMPLES = new URL("../../printables/samples/", import.meta.url);
const BARCODES = new Map(
  readFileSync(new URL("../../samples/goods.csv", import.meta.url), "utf8").trim().split("\n").slice(1).map((line) => line.split(",").slice(0, 2)),
);

const A4 = { width: 210, height: 297 };
// Parts of a page as a person takes them one by one, in millimetres: a card, or a label, at a time.
const grid = (left, top, width, height, columns, rows) =>
  Array.from({ length: columns * rows }, (_, at) => {
    const [x, y] = [left + (at % columns) * width, top + Math.floor(at / columns) * height];
    return { left: x / A4.width, right: (x + width) / A4.width, top: y / A4.height, bottom: (y + height) / A4.height };
  });
const WHOLE = [{}];
// A form is kept, and only its number read: the phone is held over the corner where it stands.
const HEAD = { dpi: 150, parts: [{ left: 0.5, bottom: 0.25 }] };

// How each paper with codes is photographed. A paper that is not named here is taken whole, at 150 dots to the inch.
const TAKEN = {
  "card-sheet": { parts: grid(19.4, 13.5, 85.6, 54, 2, 5) },
  // EAN-13 in its usual size has modules of a third of a millimetre: two dots of 150 to the inch, of which a blur leaves nothing.
  "shelf-labels": { dpi: 200, parts: grid(0, 0.5, 70, 37, 3, 8) },
  // What the receipt printer makes of it: eight dots a millimetre, black or white.
  receipt: { dpi: 203, as: dotsOnly },
  "tally-sheet": HEAD,
  "stocktake-sheet": HEAD,
  "nomination-form": HEAD,
  "consent-form": HEAD,
  "visit-record": HEAD,
  "volunteer-sheet": HEAD,
};

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "jishan-papers-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A paper's sample. A receipt has no code of its own yet; the template has room for one, so it gets a card's. */
function sample(paper) {
  const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, SAMPLES), "utf8"));
  const data = read(paper);
  return paper === "receipt" ? { ...data, qr: read("card").card.qr } : data;
}

/** What the codes of a paper say, by its data: squares, and bars. */
function codes(data) {
  const found = { squares: [], bars: [] };
  const walk = (value) => {
    if (value === null || typeof value !== "object") return;
    // Papers that are read from photographs have their number in the four corners, and not once more at their head.
    const { form, ...rest } = value;
    if (form && !data.pages) found.squares.push(readQr(form.qr));
    if (value.qr && !value.id) found.squares.push(readQr(value.qr));
    if (value.corners) found.squares.push(...value.corners.map((corner) => readQr(corner.svg)));
    if (value.bars) found.bars.push(value.number ?? BARCODES.get(value.sku));
    Object.values(rest).forEach(walk);
  };
  walk(data);
  return found;
}

/** The pages of a paper as pictures. */
async function printed(paper, data, dpi) {
  const [from, to] = [join(folder, `${paper}.json`), join(folder, `${paper}.png`)];
  writeFileSync(from, JSON.stringify(data));
  await new Promise((resolve, reject) => {
    execFile(PROGRAM, ["print", paper, "--data-file", from, "--out", to, "--dpi", String(dpi)], (error, _, said) => (error ? reject(new Error(said)) : resolve()));
  });
  const numbered = readdirSync(folder).filter((name) => name.startsWith(`${paper}.`) && /\.\d+\.png$/.test(name));
  return [to, ...numbered.map((name) => join(folder, name))].map(readPng);
}

/** What each reader sees on a photograph. */
async function read(picture, name, { withProgram }) {
  const file = join(folder, `${name}.photo.png`);
  if (withProgram) writePng(file, picture);
  const [program, zbar, zxing] = await Promise.all([withProgram ? byProgram(file) : [], byZbar(picture), byZxing(picture)]);
  return { program, zbar, zxing };
}

const sorted = (texts) => [...texts].sort();

/** Prints a paper, photographs it, and says what each reader saw: on the clean pages, and on the photographs. */
async function scanned(paper, data, { dpi = 150, parts = WHOLE, as = (picture) => picture } = TAKEN[paper] ?? {}) {
  const { squares } = codes(data);
  const clean = [], photographed = { program: [], zbar: [], zxing: [] };
  let seed = 0;
  for (const page of (await printed(paper, data, dpi)).map((page) => as(page))) {
    const here = await byZxing(page);
    clean.push(...here);
    // Backs of cards, and further pages, have none.
    if (here.length === 0) continue;
    for (const part of parts.map((place) => cut(page, place))) {
      seed += 1;
      // From 1° to 7°, to either side.
      const turned = (1 + ((seed * 2.3) % 6)) * (seed % 2 ? 1 : -1);
      const seen = await read(photograph(part, { seed, turned }), `${paper}-${seed}`, { withProgram: squares.length > 0 });
      for (const reader of Object.keys(seen)) photographed[reader].push(...seen[reader]);
    }
  }
  return { clean, ...photographed };
}

/** Refuses what one of the readers did not see, or saw and should not have. */
function check(seen, { squares, bars }) {
  for (const reader of ["clean", "zbar", "zxing"]) assert.deepEqual(sorted(seen[reader]), sorted([...squares, ...bars]), reader);
  assert.deepEqual(sorted(seen.program), sorted(squares), "jishan card decode");
}

const papers = readdirSync(SAMPLES).map((name) => name.replace(".json", ""));
const withCodes = papers.filter((paper) => Object.values(codes(sample(paper))).flat().length > 0);

test("the papers with codes are the ones that are known, and each has as many as it should", () => {
  const counts = Object.fromEntries(withCodes.map((paper) => [paper, Object.values(codes(sample(paper))).map((texts) => texts.length)]));
  assert.deepEqual(counts, {
    card: [1, 1],
    "card-sheet": [10, 10],
    "consent-form": [1, 0],
    "nomination-form": [1, 0],
    "open-book": [1, 0],
    receipt: [1, 0],
    "score-sheet": [8, 0],
    "shelf-labels": [0, 24],
    "sign-in-sheet": [8, 0],
    "stocktake-sheet": [1, 0],
    "tally-sheet": [1, 0],
    "visit-record": [1, 0],
    "volunteer-sheet": [1, 0],
  });
});

// Printing is another process: two papers at once keep two cores busy.
describe("every code scans from a photograph", { concurrency: 2 }, () => {
  for (const paper of withCodes) {
    test(paper, async () => {
      const data = sample(paper);
      check(await scanned(paper, data), codes(data));
    });
  }
});

test("the code of a form says its number, and those in the corners of its pages too", () => {
  for (const data of papers.map((paper) => sample(paper)).filter(({ paper }) => paper?.form)) {
    const { id, qr } = data.paper.form;
    assert.equal(readQr(qr), id);
    (data.pages ?? []).forEach((page, at) => (page.corners ?? []).forEach((corner, place) => assert.equal(readQr(corner.svg), `${id}/${at + 1}/${place + 1}`)));
  }
});

test("each card's square and bars say the number that people read", () => {
  for (const card of [sample("card").card, ...sample("card-sheet").cards]) {
    assert.match(readQr(card.qr), new RegExp(`/K/${card.number}-[0-9A-Z]{12}$`));
  }
});

test("it can fail: a code that is blank, another one, or one without its quiet zone is noticed", async () => {
  const data = sample("card");
  const wanted = codes(data);
  const failing = async (change) => {
    const card = { ...data.card, ...change };
    const seen = await scanned("card", { ...data, card });
    assert.throws(() => check(seen, wanted), assert.AssertionError);
  };
  await failing({ bars: data.card.bars.replace(/ d="[^"]*"/, ' d=""') });
  await failing({ qr: sample("card-sheet").cards[1].qr });
  // Black from the edge to the first module.
  const black = '<path d="M0 0h41v41h-41zM4 4v33h33v-33z"/></svg>';
  await failing({ qr: data.card.qr.replace("</svg>", black) });
});
