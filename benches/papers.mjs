// What a thousand household cards cost, set by the program and, beside it in the same run, by a headless Chromium from a page
// of the same cards: processor time, time, bytes, memory.
//
// `bin/bench papers [--cards N] [--runs N] [--pictures 1] [--keep FOLDER]`. Fronts only, ten on an A4 page. Each card has a
// drawing of its own for its square and its bars, as in life; they are the sample's, shuffled, so they weigh what codes weigh
// and say nothing.
// Both start from nothing and end with a PDF. Chromium's fonts are the machine's Noto, the program's are its own. Processor
// time is user and system time of all processes; of Chromium's when the PDF is there, so that its closing is not counted.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { openBrowser } from "../tests/e2e/browser.mjs";
import { asPicture, squareOf } from "../tests/e2e/qr.mjs";

const TIMES_LESS = 10, SHARE_OF_BYTES = 0.5, PEAK_MIB = 95;
// What /proc counts processor time in, on every Linux.
const TICKS = 100;
const SAMPLE_EVERY_MS = 50;

const settings = { cards: 1_000, runs: 3, pictures: 0, keep: "" };
for (const [at, word] of process.argv.entries()) {
  if (!word.startsWith("--")) continue;
  const name = word.slice(2), value = process.argv[at + 1];
  if (!(name in settings)) throw new Error(`there is no setting ${word}`);
  settings[name] = name === "keep" ? value : Number(value);
}

// ---- The cards ---------------------------------------------------------------------------------------------------------

/** The same numbers in every run. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const QUIET = 4;

/** A square with other modules between its corners: its rows, true where it is dark. */
function shuffledSquare(svg, roll) {
  const { side, isDark } = squareOf(svg), last = side - QUIET;
  const inside = (at) => at >= QUIET && at < last;
  const corner = (x, y) => (x < QUIET + 9 && (y < QUIET + 9 || y >= last - 8)) || (x >= last - 8 && y < QUIET + 9);
  const module = (x, y) => inside(x) && inside(y) && (corner(x, y) ? isDark(x, y) : roll(2) === 1);
  return Array.from({ length: side }, (_, y) => Array.from({ length: side }, (_, x) => module(x, y)));
}

/** As the program draws it for a page: one subpath a run. */
function asPath(rows) {
  let path = "";
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const begin = x;
      while (row[x]) x += 1;
      path += `M${begin} ${y}h${x - begin}v1h-${x - begin}z`;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${rows.length} ${rows.length}"><path d="${path}"/></svg>`;
}

/** Bars of the same widths in another order. */
function shuffledBars(svg, roll) {
  const bars = [...svg.matchAll(/M(\d+) 0h(\d+)v(\d+)/g)].map(([, x, width, height]) => ({ x: Number(x), width: Number(width), height }));
  const widths = bars.map((bar) => bar.width), spaces = bars.slice(1).map((bar, at) => bar.x - bars[at].x - bars[at].width);
  let x = bars[0].x, path = "";
  while (widths.length > 0) {
    const [width] = widths.splice(roll(widths.length), 1);
    path += `M${x} 0h${width}v${bars[0].height}h-${width}z`;
    if (spaces.length > 0) x += width + spaces.splice(roll(spaces.length), 1)[0];
  }
  return svg.replace(/ d="[^"]*"/, ` d="${path}"`);
}

function makeCards(count) {
  const sample = JSON.parse(readFileSync(new URL("../printables/samples/card-sheet.json", import.meta.url), "utf8"));
  const roll = dice(20_261_122);
  const cards = Array.from({ length: count }, (_, at) => {
    const like = sample.cards[at % sample.cards.length];
    const number = String(1_000_000_000 + roll(4_000_000_000)).padStart(10, "1");
    return { ...like, number, square: shuffledSquare(like.qr, roll), bars: shuffledBars(like.bars, roll) };
  });
  return { ...sample, with_backs: false, cards };
}

// ---- The page, card for card what printables/lib.typ sets -----------------------------------------------------------------

const STYLE = `
@page { size: A4; margin: 0 }
* { box-sizing: border-box }
body { margin: 0; font-family: "Noto Sans SC", "Noto Sans CJK SC", sans-serif; color: #1d2329 }
.sheet { position: relative; width: 210mm; height: 297mm; break-after: page; overflow: hidden }
.sheet i { position: absolute; background: #1d2329 }
.card { position: absolute; width: 85.6mm; height: 54mm; padding: 3.4mm }
.head { display: flex; align-items: center; gap: 2mm; height: 7mm; font-size: 10.5pt; font-weight: bold }
.head b { margin-left: auto; color: #b3221b; font: bold 11.5pt "Noto Serif SC", "Noto Serif CJK SC", serif }
.seal { width: 6.6mm; height: 6.6mm; border-radius: .9mm; background: #b3221b; color: #fff; font: bold 12pt/6.6mm "Noto Serif SC", "Noto Serif CJK SC", serif; text-align: center }
.rule { border-top: 1.1pt solid #b3221b; border-bottom: .35pt solid #b3221b; height: 1.6mm; margin-top: .5mm }
.square { position: absolute; left: 2.6mm; bottom: 6mm; width: 33mm; height: 33mm }
.right { position: absolute; right: 3.4mm; bottom: 6mm; width: 45mm; height: 33mm; display: flex; flex-direction: column; align-items: center; justify-content: center }
.right small { color: #5b6670; font-size: 7pt }
.right b { font-size: 12pt }
.right strong { font-size: 17pt; line-height: 1.2 }
.bars { width: 42mm; height: 10.7mm }
.foot { position: absolute; left: 0; right: 0; bottom: 3.4mm; text-align: center; font-size: 6.8pt; color: #5b6670 }
svg { display: block; width: 100%; height: 100% }`;

function cardOf(programme, card, at) {
  const whose = [card.name, card.code].filter(Boolean).join("　");
  const number = `${card.number.slice(0, 3)} ${card.number.slice(3, 6)} ${card.number.slice(6)}`;
  return `<div class="card" style="left:${19.4 + 85.6 * (at % 2)}mm;top:${13.5 + 54 * Math.floor(at / 2)}mm">
<div class="head"><span class="seal">善</span>${programme}<b>文明积分卡</b></div><div class="rule"></div><div class="square">${card.drawn}</div>
<div class="right">${whose && `<b>${whose}</b>`}<small>卡号</small><strong>${number}</strong><div class="bars">${card.bars}</div></div>
<div class="foot">凭卡到积分超市兑换　·　拾到请交回村（居）委会</div></div>`;
}

function pageOf({ paper, cards }) {
  const marks = [0, 1, 2].flatMap((column) => [6, 285].map((y) => `<i style="left:${19.4 + 85.6 * column}mm;top:${y}mm;width:.4pt;height:6mm"></i>`))
    .concat([0, 1, 2, 3, 4, 5].flatMap((row) => [8, 193].map((x) => `<i style="left:${x}mm;top:${13.5 + 54 * row}mm;width:9mm;height:.4pt"></i>`)));
  const sheets = [];
  for (let at = 0; at < cards.length; at += 10) {
    sheets.push(`<div class="sheet">${marks.join("")}${cards.slice(at, at + 10).map((card, place) => cardOf(paper.programme, card, place)).join("")}</div>`);
  }
  return `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><style>${STYLE}</style>${sheets.join("\n")}</html>`;
}

// ---- Measuring -----------------------------------------------------------------------------------------------------------

const read = (file) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
};
// After the name in brackets: state, parent … the 12th and 13th are the process's ticks, the next two those of the children
// that it has waited for.
const statOf = (id) => read(`/proc/${id}/stat`).split(") ").at(-1).split(" ");
const ticks = (stat, from, to) => stat.slice(from, to).reduce((sum, one) => sum + Number(one), 0);

/** All processes that came from this one. */
function descendants() {
  const parents = new Map(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((id) => [id, statOf(id)[1]]));
  const from = (id) => [...parents].filter(([, parent]) => parent === id).flatMap(([child]) => [child, ...from(child)]);
  return from(String(process.pid));
}

const kilobytes = (text, label) => Number(text.match(new RegExp(`^${label}:\\s+(\\d+)`, "m"))?.[1] ?? 0);
// Memory that several share counts once, shared out among them.
const shared = () => descendants().reduce((sum, id) => sum + kilobytes(read(`/proc/${id}/smaps_rollup`), "Pss"), 0);

/** Runs a piece of work, and watches the memory of the processes that it starts. */
async function watched(work) {
  let peak = 0, most = 0;
  const look = () => {
    peak = Math.max(peak, shared());
    for (const id of descendants()) most = Math.max(most, kilobytes(read(`/proc/${id}/status`), "VmHWM"));
  };
  const watch = setInterval(look, SAMPLE_EVERY_MS);
  const began = performance.now();
  const result = await work();
  const wall = (performance.now() - began) / 1_000;
  clearInterval(watch);
  return { ...result, wall, sharedMib: peak / 1_024, largestMib: most / 1_024 };
}

/** By the program: a child that is waited for, so its time is ours to read when it has ended. */
function byProgram(program, data, out) {
  return watched(async () => {
    const before = ticks(statOf(process.pid), 13, 15);
    const said = await new Promise((resolve, reject) => {
      execFile(program, ["print", "card-sheet", "--data-file", data, "--out", out], (error, said) => (error ? reject(error) : resolve(said)));
    });
    return { cpu: (ticks(statOf(process.pid), 13, 15) - before) / TICKS, bytes: statSync(out).size, pages: Number(said.match(/(\d+)页/)[1]) };
  });
}

/** By Chromium: all its processes are still there when the PDF is. */
function byChromium(html, out) {
  return watched(async () => {
    const browser = await openBrowser();
    const page = await browser.newPage();
    await page.goto(`file://${html}`);
    await page.pdf({ path: out, preferCSSPageSize: true, printBackground: true });
    const cpu = descendants().reduce((sum, id) => sum + ticks(statOf(id), 11, 15), 0) / TICKS;
    await browser.close();
    const pages = readFileSync(out, "latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    return { cpu, bytes: statSync(out).size, pages };
  });
}

// ---- The table -----------------------------------------------------------------------------------------------------------

const program = process.env.JISHAN_BIN;
if (!program) throw new Error("JISHAN_BIN is not set; run bin/bench papers");
const folder = mkdtempSync(join(tmpdir(), "jishan-papers-"));
try {
  const [data, html] = [join(folder, "cards.json"), join(folder, "cards.html")];
  const cards = makeCards(settings.cards);
  const drawn = (draw, name) => ({ ...cards, cards: cards.cards.map(({ square, ...card }) => ({ ...card, [name]: draw(square) })) });
  writeFileSync(data, JSON.stringify(drawn(asPicture, "qr")));
  // A page draws its squares as paths, and they stay sharp at any size; `--pictures 1` gives the browser our pictures instead.
  writeFileSync(html, pageOf(drawn(settings.pictures ? asPicture : asPath, "drawn")));

  const ours = [], theirs = [];
  for (let run = 0; run < settings.runs; run += 1) {
    ours.push(await byProgram(program, data, join(folder, "program.pdf")));
    theirs.push(await byChromium(html, join(folder, "chromium.pdf")));
  }
  // The run with the least processor time: what others on the machine do makes the others slower.
  const best = (runs) => runs.reduce((one, other) => (other.cpu < one.cpu ? other : one));
  const [our, their] = [best(ours), best(theirs)];
  const pages = Math.ceil(settings.cards / 10);
  for (const [name, { pages: got }] of [["the program", our], ["Chromium", their]]) {
    if (got !== pages) throw new Error(`${name} made ${got} pages and not ${pages}`);
  }

  const row = (what, key, digits, wanted) =>
    `| ${what} | ${our[key].toFixed(digits)} | ${their[key].toFixed(digits)} | ${(their[key] / our[key]).toFixed(1)} | ${wanted} |`;
  console.log(`
| ${settings.cards} cards on ${pages} pages | the program | Chromium | times | wanted |
| --- | ---: | ---: | ---: | ---: |
${row("processor time, s", "cpu", 2, `${TIMES_LESS} times less`)}
${row("time, s", "wall", 2, "")}
${row("PDF, bytes", "bytes", 0, `${1 / SHARE_OF_BYTES} times less`)}
${row("peak memory, shared out, MiB", "sharedMib", 0, "")}
${row("peak memory of the largest process (VmHWM), MiB", "largestMib", 0, `at most ${PEAK_MIB}`)}

best of ${settings.runs} runs by processor time; load of the machine: ${loadavg()[0].toFixed(1)}; program: ${program}`);
  if (!/\/release\//.test(program)) console.log("NOT A RELEASE BUILD: its processor time and memory say nothing. Run bin/build first.");
  const tagged = readFileSync(join(folder, "program.pdf"), "latin1").includes("/StructElem");
  if (tagged) console.log("The program's PDF has the reading order for screen readers; Chromium's has not.");
  if (settings.keep) {
    mkdirSync(settings.keep, { recursive: true });
    for (const name of ["program.pdf", "chromium.pdf"]) cpSync(join(folder, name), join(settings.keep, name));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
