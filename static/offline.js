// The till's own books: what this till may still give away without the network, and what it has yet to tell the server.
//
// While the network is there, the server sets points and goods aside for this till: its hold. From then on the books follow
// one law: a sale and what it takes from the hold are written together, before anything is sent or handed over. Therefore a
// crash at any moment loses nothing, and no two tills can ever give away the same points. An answer that went missing is
// asked for again under the same key; only the server's own word takes an entry out of the queue.
//
// Memory is a picture of the store, and changes only after the store has. There is no DOM, no clock, no network and no timer
// in here: they are handed in, so that thousands of bad days can be replayed in Node.

import { t } from './words.js';

export const REFUSALS = {
  other_tab: t`另一个窗口正在用柜台，请到那个窗口办理，或关掉它再刷新`,
  waiting: t`前面的单子还没有入账，正在补传，请稍候`,
  empty: t`篮子是空的，请先扫商品`,
  no_hold: t`这个柜台还没有断网备用，等网络恢复再办理`,
  clock: t`电脑的时间不对，断网时不能办理，请先把时间调准`,
  too_late: t`今天的断网备用已到时间，等网络恢复再办理`,
  pickup: t`断网时只能住户本人来领，代领和送货等网络恢复再办理`,
  unknown_card: t`没有这张卡，或是今天才发的卡，等网络恢复再办理`,
  stopped_card: t`此卡已挂失停用，不能兑换`,
  signs: t`请住户在小票上签字，并勾选“小票上签字”`,
  points: t`这一单超过了这户断网时还能用的分，请少兑一些，或等网络恢复`,
  units: t`这样商品断网时留给本柜台的不够，请少拿一些，或等网络恢复`,
  checking: t`正在核对这一单，请稍候`,
  settled: t`这一单已经有结果了`,
  not_covered: t`这一单断网时不能办，请等网络恢复后核对，先不要交货`,
  store: t`这台电脑存不下这一单，没有办理，请重开浏览器再试`,
};

const STOPPED = 'stopped';
const BATCH = 20;
const SLACK_MS = 120_000; // Computers set their clocks right by a little now and then.
const NOTICES = 20;

const refusal = (code, more) => ({ refusal: Object.assign({ code, text: REFUSALS[code] }, more) });
const numberOf = (card) => card.split('-')[0];
const bytesOf = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const textOf = (bytes) => btoa(String.fromCharCode(...bytes));

// The first eight bytes of SHA-256 over the salt and the ten digits, as the server's list has them.
export async function digestOf(salt, number) {
  const whole = await crypto.subtle.digest('SHA-256', Uint8Array.from([...bytesOf(salt), ...new TextEncoder().encode(number)]));
  return textOf(new Uint8Array(whole, 0, 8));
}

// The list of cards: eight bytes of digest and two of allowance each; 65535 is a stopped card.
export function readCards(text) {
  const bytes = bytesOf(text), cards = new Map();
  for (let at = 0; at + 10 <= bytes.length; at += 10) {
    const points = bytes[at + 8] + 256 * bytes[at + 9];
    cards.set(textOf(bytes.subarray(at, at + 8)), points === 0xffff ? STOPPED : points);
  }
  return cards;
}

// A change of the books that is not written yet. `undefined` stands for what is to be removed.
class Draft {
  constructor(kept) { Object.assign(this, { kept, changes: new Map() }); }

  get(key) { return this.changes.has(key) ? this.changes.get(key) : this.kept.get(key); }

  set(key, value) { this.changes.set(key, value); }

  remove(key) { this.changes.set(key, undefined); }

  // Everything whose key begins so: [key, value], in the order of the keys.
  under(prefix) {
    const keys = new Set([...this.kept.keys(), ...this.changes.keys()].filter((key) => key.startsWith(prefix)));
    return [...keys].sort().map((key) => [key, this.get(key)]).filter(([, value]) => value !== undefined);
  }

  sales() { return this.under('sale/').map(([, entry]) => entry); }

  entry(key) { return this.sales().find((entry) => entry.key === key); }

  keep(entry) { this.set(`sale/${entry.at}`, entry); }

  leave(entry) { this.remove(`sale/${entry.at}`); }
}

// store: { load() → Map, save(Map) all or nothing }; clock: { now(), steady()? }; owner: does this tab hold the lock;
// server: { hold(), beat(), sales(), giveBack() }, each of which throws when no answer came.
export async function openTill(parts) {
  const till = new Till(parts);
  till.kept = await parts.store.load();
  return till;
}

class Till {
  constructor({ store, clock, server, onChange = () => {}, owner = true, digest = digestOf, newKey = () => crypto.randomUUID() }) {
    Object.assign(this, { store, clock, server, onChange, owner, digest, newKey });
    Object.assign(this, { kept: new Map(), turn: Promise.resolve(), tried: new Set(), draining: null, asking: null, syncing: null, since: null, steady: null });
  }

  // One change at a time. What `act` decides is written at once and as a whole, or not at all.
  change(act) {
    const run = async () => {
      const draft = new Draft(this.kept);
      const result = await act(draft);
      if (!draft.changes.size) return result;
      this.touch(draft);
      await this.store.save(draft.changes);
      draft.changes.forEach((value, key) => { if (value === undefined) this.kept.delete(key); else this.kept.set(key, value); });
      this.onChange(this);
      return result;
    };
    const turn = this.turn.then(run);
    this.turn = turn.catch(() => {});
    return turn;
  }

  // ---- What is known without asking.

  get hold() { return this.kept.get('hold') || null; }

  queue() { return new Draft(this.kept).sales(); }

  waiting() { return this.queue().length; }

  // The sale of which nobody knows yet whether the server has it. Its goods stay on the counter.
  unsettled() { return this.queue().find((entry) => !entry.given) || null; }

  notices() { return new Draft(this.kept).under('notice/').map(([, notice]) => notice); }

  dismiss() { return this.change((draft) => draft.under('notice/').forEach(([key]) => draft.remove(key))); }

  // Could a sale be made now, if the network went? null, or why not.
  unready() { return this.owner ? this.untimely(this.kept) : refusal('other_tab').refusal; }

  untimely(books) {
    const hold = books.get('hold');
    if (!hold) return refusal('no_hold').refusal;
    const seen = books.get('seen');
    if (this.clock.now() < seen.latest - SLACK_MS) return refusal('clock').refusal;
    return this.serverTime(seen) > hold.sell_until ? refusal('too_late').refusal : null;
  }

  // What the server's clock should say: its last word, and how long ago that was. The computer's clock may be a day off as
  // long as it is so steadily; one that is set back cannot make time go back.
  serverTime(seen) {
    const byClock = seen.server + Math.max(this.clock.now(), seen.latest) - seen.client;
    const bySteps = this.steady ? this.steady.server + this.clock.steady() - this.steady.at : 0;
    return Math.round(Math.max(byClock, bySteps)); // A browser counts its steps in parts of milliseconds.
  }

  // The latest moment this computer has shown goes along with every change.
  touch(draft) {
    const seen = draft.get('seen'), now = this.clock.now();
    if (seen && now > seen.latest) draft.set('seen', Object.assign({}, seen, { latest: now }));
  }

  heard(draft, server) {
    const now = this.clock.now(), seen = draft.get('seen');
    if (this.clock.steady) this.steady = { server, at: this.clock.steady() };
    // A disk is not made to write every ten seconds that time goes on as it did.
    const asBefore = seen && Math.abs((server - now) - (seen.server - seen.client)) < 2000 && now >= seen.latest && now - seen.latest < 60_000;
    if (!asBefore) draft.set('seen', { server, client: now, latest: now });
  }

  // ---- A sale.

  // Sells over the network: `send(entry)` answers { location } or { detail }, or throws when no answer came.
  // Gives { location }, { detail }, { unsettled: entry } or { refusal }.
  async sell(sale, send) {
    const { entry, refusal: why } = await this.prepare(sale);
    if (why) return { refusal: why };
    let answer = null;
    try { answer = await send(entry); } catch (error) {
      this.unsure(entry.key);
      return { unsettled: entry };
    }
    // A refusal that could not be written down is none: the entry stays, and goes out once more with its key.
    const written = answer.location ? await this.settled(entry.key) : await this.refused(entry.key);
    return written || answer.location ? answer : { unsettled: entry };
  }

  // Writes a sale down before it is sent. What waits goes first: a new sale must not take what an earlier one was given.
  async prepare(sale) {
    if (!this.owner) return refusal('other_tab');
    if (this.queue().some((entry) => !entry.later)) await this.drain();
    const key = sale.key || this.newKey();
    this.tried.add(key);
    const prepared = await this.written(async (draft) => {
      if (draft.sales().some((entry) => !entry.later)) return refusal('waiting');
      if (!sensible(sale)) return refusal('empty');
      const entry = await this.entryOf(draft, Object.assign({}, sale, { key }));
      this.deduct(draft, entry);
      draft.keep(entry);
      return { entry };
    });
    if (prepared.refusal) this.tried.delete(key);
    return prepared;
  }

  async written(act) {
    try { return await this.change(act); } catch (error) { return refusal('store', { error }); }
  }

  async entryOf(draft, sale) {
    const hold = draft.get('hold'), seen = draft.get('seen'), at = (draft.get('count') || 0) + 1;
    const entry = {
      at: String(at).padStart(9, '0'), key: sale.key || this.newKey(), hold: hold ? hold.hold : null, card: sale.card, points: sale.points,
      lines: sale.lines.map(({ sku, quantity, name, points }) => ({ sku, quantity, name, points })), signs: Boolean(sale.signs), pickup: sale.pickup || '',
      sold_at: seen ? this.serverTime(seen) : this.clock.now(), number: `T-${String(at).padStart(4, '0')}`, given: false,
      digest: hold ? await this.digest(hold.salt, numberOf(sale.card)) : null, deducted: null,
    };
    draft.set('count', at);
    return entry;
  }

  // Takes from the hold what the sale needs of it: all of it, or what is left.
  deduct(draft, entry) {
    if (this.since) this.since.push(entry);
    if (!entry.hold) return;
    const left = draft.get(`card/${entry.digest}`), points = Math.min(entry.points, left > 0 ? left : 0), units = {};
    if (points) draft.set(`card/${entry.digest}`, left - points);
    piecesOf(entry).forEach((quantity, sku) => {
      const there = draft.get(`goods/${sku}`) || 0;
      units[sku] = Math.min(quantity, there);
      if (units[sku]) draft.set(`goods/${sku}`, there - units[sku]);
    });
    entry.deducted = { points, units };
  }

  // Puts back what a refused sale took. What was recalled or replaced meanwhile is no longer ours: the entry forgot it.
  putBack(draft, entry) {
    if (!entry.deducted) return;
    const left = draft.get(`card/${entry.digest}`);
    if (entry.deducted.points && left !== STOPPED) draft.set(`card/${entry.digest}`, (left || 0) + entry.deducted.points);
    for (const [sku, taken] of Object.entries(entry.deducted.units)) if (taken) draft.set(`goods/${sku}`, (draft.get(`goods/${sku}`) || 0) + taken);
  }

  // The server's word on an online try.
  settled(key) { return this.told(key, { outcome: 'posted' }); }

  refused(key) { return this.told(key, { outcome: 'refused' }); }

  async told(key, result) {
    try {
      await this.change((draft) => this.apply(draft, Object.assign({ key }, result), null));
      return true;
    } catch (error) { return false; } finally { this.tried.delete(key); }
  }

  // No answer came. From now on the entry is one that waits.
  unsure(key) {
    this.tried.delete(key);
    this.onChange(this);
  }

  // Sells without the network. Gives { slip } or { refusal }; with a slip in hand the goods may go.
  async sellOffline(sale) {
    if (!this.owner) return refusal('other_tab');
    return this.written(async (draft) => {
      const late = this.untimely(draft);
      if (late) return { refusal: late };
      if (!sensible(sale)) return refusal('empty');
      const entry = await this.entryOf(draft, sale), why = this.uncovered(draft, entry);
      if (why) {
        draft.changes.clear(); // Not even a number is used up.
        return why;
      }
      this.deduct(draft, entry);
      return this.give(draft, entry);
    });
  }

  // What would be said to a sale without the network: null when it would do. Nothing is written.
  look(sale) {
    if (!this.owner) return Promise.resolve(refusal('other_tab').refusal);
    return this.change(async (draft) => {
      const late = this.untimely(draft);
      if (late) return late;
      if (!sensible(sale)) return refusal('empty').refusal;
      const why = this.uncovered(draft, await this.entryOf(draft, sale));
      draft.changes.clear();
      return why && why.refusal;
    });
  }

  uncovered(draft, entry) {
    const left = draft.get(`card/${entry.digest}`);
    if (entry.pickup) return refusal('pickup');
    if (left === undefined) return refusal('unknown_card');
    if (left === STOPPED) return refusal('stopped_card');
    if (entry.points > left) return refusal('points');
    for (const [sku, quantity] of piecesOf(entry)) if (quantity > (draft.get(`goods/${sku}`) || 0)) return refusal('units', { sku });
    return unsigned(draft, entry) ? refusal('signs') : null;
  }

  give(draft, entry) {
    // Slips are numbered without a gap, so that a stack of paper can be counted.
    const next = (draft.get('number') || 0) + 1, given = Object.assign({}, entry, { given: true, number: `D-${String(next).padStart(4, '0')}` });
    draft.set('number', next);
    draft.keep(given);
    return { slip: this.slip(given, draft.get('hold')) };
  }

  // What stands on the paper: no name, no balance.
  slip(entry, hold = this.hold) {
    const { key, number, sold_at, lines, points, signs } = entry;
    return { key, till: hold ? hold.till : '', number, sold_at, lines, points, signs };
  }

  // Turns the sale whose answer went missing into one without the network, under the same key.
  async handOver(key) {
    if (!this.owner) return refusal('other_tab');
    return this.written((draft) => {
      const entry = draft.entry(key), late = this.untimely(draft);
      if (!entry || entry.given) return refusal('settled');
      if (this.tried.has(key)) return refusal('checking');
      if (late) return { refusal: late };
      if (entry.pickup) return refusal('pickup');
      const { deducted } = entry, stopped = draft.get(`card/${entry.digest}`) === STOPPED;
      const covered = deducted && deducted.points === entry.points && [...piecesOf(entry)].every(([sku, quantity]) => deducted.units[sku] === quantity);
      if (!covered || stopped) return refusal('not_covered');
      return unsigned(draft, entry) ? refusal('signs') : this.give(draft, entry);
    });
  }

  // ---- Telling the server.

  // Sends what waits, in order and under the keys it has. Gives true when nothing waits any more.
  drain() {
    if (!this.owner) return Promise.resolve(false);
    if (!this.draining) this.draining = this.drainAll().finally(() => { this.draining = null; });
    return this.draining;
  }

  async drainAll() {
    let size = BATCH, from = 0;
    for (;;) {
      const [batch, hold] = this.batch(from, size);
      if (!batch.length) return !this.waiting();
      const left = await this.sendBatch(batch, hold);
      if (left === 'refused' && batch.length > 1) size = 1; // One that cannot be read must not hold up the others.
      else if (left === 'refused') { await this.putOff(batch[0]); from += 1; }
      else if (!left) return false;
    }
  }

  // What the server cannot take now is kept and sent again, but nothing waits for it any more.
  putOff({ key }) {
    return this.change((draft) => {
      const entry = draft.entry(key);
      if (entry && !entry.later) draft.keep(Object.assign({}, entry, { later: true }));
    });
  }

  // The next entries that belong to one hold; a sale that is just being tried is not overtaken.
  batch(from, size) {
    // Where nothing is kept, a try whose answer was lost is asked after all the same.
    const asked = (entry) => this.kept.has('without') && !entry.given;
    const all = this.queue().slice(from), hold = all.length ? all[0].hold || (this.hold && this.hold.hold) : null, batch = [];
    for (const entry of all) {
      if (this.tried.has(entry.key) || (entry.hold || hold) !== hold || batch.length === size || (!hold && !asked(entry))) break;
      batch.push(entry);
    }
    return [batch, hold];
  }

  async sendBatch(batch, hold) {
    batch.forEach(({ key }) => this.tried.add(key));
    try {
      const { sales } = await this.server.sales({ hold, sales: batch.map(spoken) });
      return await this.change((draft) => sales.map((result) => this.apply(draft, result, batch)).filter(Boolean).length > 0);
    } catch (error) {
      return error.definite ? 'refused' : false;
    } finally {
      batch.forEach(({ key }) => this.tried.delete(key));
    }
  }

  // An entry leaves by the server's word alone. `batch` is null for an online try, which the page itself speaks of.
  apply(draft, { key, outcome: word, location, detail }, batch) {
    const entry = draft.entry(key), outcome = entry && !entry.given && word === 'later' ? 'refused' : word;
    if (entry && outcome === 'later' && !entry.later) draft.keep(Object.assign({}, entry, { later: true }));
    if (!entry || !['posted', 'refused', 'conflict'].includes(outcome)) return false;
    draft.leave(entry);
    if (outcome === 'refused' && !entry.given) this.putBack(draft, entry);
    if (batch && (outcome !== 'posted' || !entry.given)) this.note(draft, entry, { outcome: outcome === 'refused' && entry.given ? 'conflict' : outcome, location, detail });
    return true;
  }

  note(draft, entry, { outcome, location = null, detail = null }) {
    const all = draft.under('notice/');
    all.slice(0, Math.max(0, all.length + 1 - NOTICES)).forEach(([key]) => draft.remove(key));
    draft.set(`notice/${entry.at}`, { key: entry.key, outcome, location, detail, number: entry.number, points: entry.points, sold_at: entry.sold_at });
  }

  // Says that the till is there, and hears what the server wants back. A recall is written down first and answered for
  // afterwards, and never while a slip that needs it is still in the queue.
  async beat(again = true) {
    if (!this.owner) return false;
    const hold = this.hold;
    if (!hold) return this.askHold();
    const dropped = this.free();
    const answer = await this.server.beat({ hold: hold.hold, waiting: this.waiting(), dropped });
    await this.change((draft) => {
      const now = draft.get('hold');
      this.heard(draft, answer.now);
      if (!now || now.hold !== hold.hold) return;
      dropped.forEach((id) => draft.remove(`recall/${id}`));
      if (!answer.live) { this.forgetHold(draft); return; }
      answer.recalls.filter(({ id }) => !dropped.includes(id)).forEach((recall) => this.drop(draft, recall));
      answer.stopped.filter((digest) => draft.get(`card/${digest}`) !== STOPPED).forEach((digest) => draft.set(`card/${digest}`, STOPPED));
    });
    if (!again) return true;
    if (new Draft(this.kept).under('recall/').length && this.waiting()) await this.drain();
    return this.free().length ? this.beat(false) : true;
  }

  drop(draft, { id, digests = [], sku = null }) {
    if (draft.get(`recall/${id}`)) return;
    draft.set(`recall/${id}`, { digests, sku });
    digests.filter((digest) => draft.get(`card/${digest}`) > 0).forEach((digest) => draft.set(`card/${digest}`, 0));
    if (sku && draft.get(`goods/${sku}`)) draft.set(`goods/${sku}`, 0);
    draft.sales().filter((entry) => touches(entry, { digests, sku })).forEach((entry) => draft.keep(Object.assign({}, entry, { deducted: null })));
  }

  // Recalls that can be answered for: nothing that was handed over is still in need of them.
  free() {
    const given = this.queue().filter((entry) => entry.given);
    return new Draft(this.kept).under('recall/').filter(([, recall]) => !given.some((entry) => touches(entry, recall))).map(([key]) => key.slice(7));
  }

  // ---- The hold.

  // Asks for the hold, or for what is left of it. One question at a time; what is sold while it is under way is counted.
  askHold() {
    if (!this.owner) return Promise.resolve(false);
    if (!this.asking) this.asking = this.askOnce().finally(() => { this.asking = this.since = null; });
    return this.asking;
  }

  async askOnce() {
    if (this.hold) return true;
    if (this.kept.get('returning')) await this.sendBack();
    this.since = await this.change((draft) => draft.sales());
    // Two browsers at one till must not sell by one hold: each has a name that it made up.
    if (!this.kept.has('device')) await this.change((draft) => draft.set('device', this.newKey()));
    const answer = await this.server.hold({ device: this.kept.get('device') });
    await this.change((draft) => this.adopt(draft, answer));
    return true;
  }

  // The answer may be older than what was sold since the question: what may or may not be in it already is taken from it.
  async adopt(draft, answer) {
    // Nothing is kept for this browser: by the counter's rules, at a partner's, or because another browser has the hold.
    if (answer.hold === null) { this.heard(draft, answer.now); draft.set('without', true); return; }
    draft.remove('without');
    const cards = readCards(answer.cards), goods = new Map(Object.entries(answer.goods));
    for (const entry of new Map(this.since.map((one) => [one.key, one])).values()) {
      const digest = await this.digest(answer.salt, numberOf(entry.card)), kept = draft.entry(entry.key);
      if (kept) draft.keep(Object.assign({}, kept, { digest, deducted: null }));
      if (cards.get(digest) > 0) cards.set(digest, Math.max(0, cards.get(digest) - entry.points));
      for (const { sku, quantity } of entry.lines) goods.set(sku, Math.max(0, (goods.get(sku) || 0) - quantity));
    }
    cards.forEach((points, digest) => draft.set(`card/${digest}`, points));
    goods.forEach((units, sku) => draft.set(`goods/${sku}`, units));
    const { hold, till, sell_until, points_each, confirm_from = null, salt } = answer;
    draft.set('hold', { hold, till, sell_until, points_each, confirm_from, salt });
    this.heard(draft, answer.now);
  }

  forgetHold(draft) {
    for (const prefix of ['card/', 'goods/', 'recall/']) draft.under(prefix).forEach(([key]) => draft.remove(key));
    draft.sales().forEach((entry) => draft.keep(Object.assign({}, entry, { deducted: null })));
    draft.remove('hold');
  }

  // Gives the hold back, once nothing waits. A hold that is on its way back is never taken up again: the message may come late.
  async giveBack() {
    if (!this.owner) return false;
    if (this.asking) await this.asking.catch(() => {});
    const begun = await this.change((draft) => {
      if (draft.sales().length) return false;
      const hold = draft.get('hold');
      if (hold) draft.set('returning', hold.hold);
      this.forgetHold(draft);
      return true;
    });
    if (begun && this.kept.get('returning')) await this.sendBack();
    return begun;
  }

  async sendBack() {
    const hold = this.kept.get('returning');
    await this.server.giveBack({ hold });
    await this.change((draft) => { if (draft.get('returning') === hold) draft.remove('returning'); });
  }

  // What is done whenever there seems to be a network: the queue first, then a hold for today, then the pulse.
  // Throws when no answer came.
  sync() {
    if (!this.owner) return Promise.resolve(false);
    if (!this.syncing) this.syncing = this.syncOnce().finally(() => { this.syncing = null; });
    return this.syncing;
  }

  async syncOnce() {
    if (!this.hold && this.queue().some((entry) => !entry.hold)) await this.askHold();
    if (this.waiting()) await this.drain();
    const late = this.untimely(this.kept);
    if (late && late.code === 'too_late' && !this.waiting()) await this.giveBack();
    return this.beat();
  }
}

// What goes over the line: nothing that the server does not need. What was handed over cost what the slip says; what was
// only tried costs what it costs.
function spoken({ key, card, lines, sold_at, number, signs, given, pickup }) {
  const line = ({ sku, quantity, points }) => (given ? { sku, quantity, price: points } : { sku, quantity });
  return { key, card, lines: lines.map(line), sold_at, number, signs, given, other_pickup: Boolean(pickup) };
}

function piecesOf({ lines }) {
  const pieces = new Map();
  lines.forEach(({ sku, quantity }) => pieces.set(sku, (pieces.get(sku) || 0) + quantity));
  return pieces;
}

function unsigned(draft, { points, signs }) {
  const { confirm_from: from } = draft.get('hold');
  return from !== null && points >= from && !signs;
}

const touches = (entry, { digests, sku }) => digests.includes(entry.digest) || entry.lines.some((line) => line.sku === sku);

const count = (value) => Number.isSafeInteger(value) && value > 0;

function sensible({ card, lines, points }) {
  return Boolean(card) && lines.length > 0 && lines.every(({ sku, quantity }) => sku && count(quantity)) && Number.isSafeInteger(points) && points >= 0;
}
