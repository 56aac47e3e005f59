// Ties the till's books to a page: the server behind fetch, the line that is there or cut, the one tab that owns the queue,
// and the pulse every ten seconds.
//
// `startTill` is for the counter; `borrowTill` is for any other page that must know whether something waits, such as the one
// on which somebody signs out. Where the browser lacks what this needs, the counter works as it does without.

import { REFUSALS, openTill } from './offline.js';
import { openStore, persist } from './offline-store.js';
import { t } from './words.js';

const LOCK = 'jishan-till';
const PULSE_MS = 10_000;
const DOUBT_MS = 1_500; // After one try that failed, the next one tells.
const BESIDE_MS = 1_500; // A page that is just going still has the lock for a moment.

// Service workers, locks and digests exist only on pages that came over https, or from this machine.
export const able = () => Boolean(globalThis.isSecureContext && globalThis.indexedDB && globalThis.crypto && crypto.subtle
  && navigator.locks && navigator.serviceWorker);

// Is the line there? Cut only after two tries in a row, or when the browser knows it; back with the first answer.
export class Line {
  constructor(onChange = () => {}) { Object.assign(this, { onChange, failures: 0, isCut: false }); }

  failed() {
    this.failures += 1;
    if (this.failures >= 2) this.turn(true);
  }

  cut() { this.failures = 2; this.turn(true); }

  there() { this.failures = 0; this.turn(false); }

  turn(isCut) {
    if (this.isCut === isCut) return;
    this.isCut = isCut;
    this.onChange(isCut);
  }
}

// The server's side of the books. Every call throws when there is no answer to rely on; `definite` marks one that will be
// the same each time, `detail` what the server says about it.
export function serverOver(csrf, line, fetch = globalThis.fetch, skusOf = async () => null) {
  const ask = (path, seconds) => async (body = {}) => {
    const patience = new AbortController(), timer = setTimeout(() => patience.abort(), seconds * 1000);
    try {
      const answer = await fetch(`/counter/offline/${path}`, {
        method: 'POST', credentials: 'same-origin', cache: 'no-store', redirect: 'manual', signal: patience.signal,
        headers: { 'content-type': 'application/json', accept: 'application/json', 'x-csrf': csrf }, body: JSON.stringify(body),
      });
      if (answer.status >= 500) throw new Error('failed');
      line.there();
      return await read(answer);
    } catch (error) {
      if (!error.answered) line.failed();
      throw error;
    } finally { clearTimeout(timer); }
  };
  const hold = async (body) => unpacked(await ask('hold', 8)(body), skusOf);
  return { hold, beat: ask('beat', 8), sales: ask('sales', 20), giveBack: ask('return', 8) };
}

// The hold names units in the order of the counter's list of goods, which the page has already.
async function unpacked(answer, skusOf) {
  if (answer.hold === null) return answer;
  const { list, units } = answer.goods, skus = await skusOf(list);
  if (!skus) throw Object.assign(new Error('another list of goods'), { answered: true, detail: '' });
  const goods = {};
  units.forEach((many, row) => { if (many > 0) goods[skus[row]] = many; });
  return Object.assign({}, answer, { goods });
}

async function read(answer) {
  if (answer.status === 204) return {};
  const isJson = /json/.test(answer.headers.get('content-type') || '');
  if (answer.ok && isJson) return answer.json();
  const said = isJson ? await answer.json() : {};
  const definite = [400, 413, 422].includes(answer.status);
  throw Object.assign(new Error(`${answer.status}`), { answered: true, definite, detail: said.detail || t`登录已过期，请重新登录` });
}

const clock = { now: () => Date.now(), steady: () => performance.now() };

// Waits for the lock, which is kept as long as the page lives. `give` lets it go again.
function own(signal) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(LOCK, signal ? { signal } : {}, () => new Promise((give) => { resolve(give); })).catch(reject);
  });
}

// Has the service worker keep the counter as it is now.
async function keepCounter() {
  await navigator.serviceWorker.register('/counter/sw.js', { scope: '/counter' });
  const { active } = await navigator.serviceWorker.ready;
  active.postMessage('keep');
}

let mine = null; // The till of this page, if it has one.

// Opens the till on the counter page. Gives at once an object that can sell; `onChange` is called whenever something to be
// seen has changed. `state` is 'opening', 'open', 'beside' (another tab has it) or 'unable'.
export function startTill({ csrf, skusOf, onChange = () => {} }) {
  const line = new Line(() => { changed(); pulse(); });
  const counter = { line, till: null, state: able() ? 'opening' : 'unable', trouble: '', sell, handOver, pulse };
  const changed = () => onChange(counter);
  let timer = 0, running = null;

  async function open() {
    const waiting = setTimeout(() => { counter.state = 'beside'; changed(); }, BESIDE_MS);
    await own();
    clearTimeout(waiting);
    const store = await openStore();
    await persist();
    counter.till = mine = await openTill({ store, clock, server: serverOver(csrf, line, globalThis.fetch, skusOf), onChange: changed });
    counter.state = 'open';
    if (navigator.onLine === false) line.cut();
    addEventListener('offline', () => line.cut());
    addEventListener('online', pulse);
    document.addEventListener('visibilitychange', () => { if (!document.hidden) pulse(); });
    changed();
    pulse();
    keepCounter().catch(() => {});
  }

  // One pulse at a time; the next one ten seconds after the last.
  function pulse() {
    if (!counter.till) return Promise.resolve();
    if (!running) running = beat().finally(() => { running = null; clearTimeout(timer); timer = setTimeout(pulse, line.failures === 1 ? DOUBT_MS : PULSE_MS); });
    return running;
  }

  async function beat() {
    let trouble = '';
    try { await counter.till.sync(); } catch (error) { trouble = error.answered ? error.detail : ''; }
    if (trouble === counter.trouble) return;
    counter.trouble = trouble;
    changed();
  }

  // Sells with or without the line: { location }, { detail }, { unsettled }, { slip } or { refusal }; null where the till
  // is not able to, and the page must do it alone. `send` is as in Till.sell.
  async function sell(sale, send) {
    while (counter.state === 'opening') await new Promise((resolve) => { setTimeout(resolve, 50); });
    if (counter.state === 'unable') return null;
    if (!counter.till) return { refusal: { code: 'other_tab', text: REFUSALS.other_tab } };
    if (line.isCut) return counter.till.sellOffline(sale);
    const answer = await counter.till.sell(sale, send);
    if (answer.unsettled) line.failed();
    else if (!answer.refusal) line.there();
    return answer.refusal && answer.refusal.code === 'waiting' ? counter.till.sellOffline(sale) : answer;
  }

  function handOver(key) { return counter.till.handOver(key); }

  if (counter.state === 'opening') open().catch(() => { counter.state = 'unable'; changed(); });
  return counter;
}

// The till for a page that is not the counter: this page's own, or, for a moment, the one that no other tab has.
// Gives { till, done } or null when another tab has it.
export async function borrowTill(csrf, seconds = 2) {
  if (mine) return { till: mine, done: () => {} };
  const patience = new AbortController(), timer = setTimeout(() => patience.abort(), seconds * 1000);
  let give = null;
  try { give = await own(patience.signal); } catch (error) { return null; } finally { clearTimeout(timer); }
  const store = await openStore();
  const till = await openTill({ store, clock, server: serverOver(csrf, new Line()) });
  return { till, done: () => { store.close(); give(); } };
}
