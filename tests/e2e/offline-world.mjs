// A small world in which everything that can go wrong between tills and a server does, again and again and by a seed: a
// virtual clock, a network that loses, delays, doubles and reorders, computers that lose power in the middle of writing, and
// a model of the server that follows the protocol of /counter/offline. The tills are the real static/offline.js.

import { createHash } from "node:crypto";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
// Days would be the same with more beats in them, so a day here is short.
export const SELLING = 9 * MINUTE;
export const KEEPING = 14 * MINUTE;
const CHAOS = 18 * MINUTE;
const POINTS_EACH = 20;
const CONFIRM_FROM = 16;
const START = 1_790_000_000_000;

/** A number that looks random and is the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    chance: (part) => next() < part,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    of: (list) => list[Math.floor(next() * list.length)],
  };
}

const digests = new Map();

function digest(salt, number) {
  const asked = salt + number;
  if (!digests.has(asked)) {
    const whole = createHash("sha256").update(Buffer.from(salt, "base64")).update(number).digest();
    digests.set(asked, whole.subarray(0, 8).toString("base64"));
  }
  return digests.get(asked);
}

/** Said by an event that moved nothing. */
const IDLE = Symbol("idle");

export class Broken extends Error {}

/** Time, and what is to happen in it. */
class Time {
  now = START;
  heap = [];
  count = 0;

  at(when, run) {
    const { heap } = this;
    const event = { when, turn: (this.count += 1), run };
    let place = heap.push(event) - 1;
    for (let up = (place - 1) >> 1; place > 0 && before(event, heap[up]); up = (place - 1) >> 1) {
      heap[place] = heap[up];
      heap[(place = up)] = event;
    }
  }

  after(wait, run) {
    this.at(this.now + wait, run);
  }

  sleep(wait) {
    return new Promise((resolve) => this.after(wait, resolve));
  }

  next() {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length) {
      let place = 0;
      heap[0] = last;
      for (;;) {
        const left = 2 * place + 1;
        const right = left + 1;
        let least = place;
        if (left < heap.length && before(heap[left], heap[least])) least = left;
        if (right < heap.length && before(heap[right], heap[least])) least = right;
        if (least === place) break;
        [heap[place], heap[least]] = [heap[least], heap[place]];
        place = least;
      }
    }
    this.now = Math.max(this.now, first.when);
    return first;
  }
}

const before = (one, other) => one.when < other.when || (one.when === other.when && one.turn < other.turn);

/** The server, as the protocol says it is. It is never down; that is the network's part. */
class Server {
  households = new Map(); // number → { balance, stopped, secret }
  stock = new Map();
  holds = new Map();
  recalls = [];
  posted = new Map(); // key → { number, points, lines }
  burnt = new Set(); // keys refused in the queue: what was only tried under them may never be posted any more
  conflicts = new Map();
  made = 0;

  constructor(world) {
    this.world = world;
  }

  live() {
    const found = [];
    for (const hold of this.holds.values()) {
      if (hold.live && this.world.time.now >= hold.until) Object.assign(hold, { live: false, expired: true });
      if (hold.live) found.push(hold);
    }
    return found;
  }

  of(till) {
    return this.live().find((hold) => hold.till === till);
  }

  free(number) {
    return this.live().reduce((left, hold) => left - (hold.points.get(number) || 0), this.households.get(number).balance);
  }

  freeUnits(sku) {
    return this.live().reduce((left, hold) => left - (hold.units.get(sku) || 0), this.stock.get(sku));
  }

  hold(till) {
    const { random, time } = this.world;
    let hold = this.of(till);
    if (!hold) {
      hold = { id: `H${(this.made += 1)}`, till, live: true, points: new Map(), units: new Map(), at: time.now };
      hold.sellUntil = time.now + SELLING;
      hold.until = time.now + KEEPING;
      hold.salt = Buffer.from(String(this.made).padStart(16, "s")).toString("base64");
      for (const number of this.households.keys()) hold.points.set(number, Math.min(POINTS_EACH, this.free(number)));
      for (const sku of this.stock.keys()) hold.units.set(sku, random.between(0, this.freeUnits(sku)));
      this.holds.set(hold.id, hold);
    }
    const cards = Buffer.concat(
      [...this.households].map(([number, { stopped }]) => {
        const entry = Buffer.alloc(10);
        Buffer.from(digest(hold.salt, number), "base64").copy(entry);
        entry.writeUInt16LE(stopped ? 0xffff : hold.points.get(number), 8);
        return entry;
      }),
    ).toString("base64");
    return {
      hold: hold.id, till, now: time.now, sell_until: hold.sellUntil, points_each: POINTS_EACH, confirm_from: CONFIRM_FROM,
      salt: hold.salt, cards, goods: Object.fromEntries(hold.units),
    };
  }

  beat(till, { hold: id, dropped }) {
    for (const gone of this.recalls.filter((recall) => recall.hold === id && dropped.includes(recall.id))) {
      const hold = this.holds.get(id);
      (gone.numbers || []).forEach((number) => hold.points.set(number, 0));
      if (gone.sku) hold.units.set(gone.sku, 0);
      this.recalls.splice(this.recalls.indexOf(gone), 1);
      this.world.count("recall answered");
    }
    const hold = this.live().find((one) => one.id === id);
    const salt = this.holds.get(id).salt;
    const stopped = [...this.households].filter(([, { stopped }]) => stopped).map(([number]) => digest(salt, number));
    const mine = hold ? this.recalls.filter((recall) => recall.hold === id) : [];
    const recalls = mine.map((recall) =>
      recall.sku ? { id: recall.id, sku: recall.sku } : { id: recall.id, digests: recall.numbers.map((number) => digest(salt, number)) },
    );
    return { now: this.world.time.now, live: Boolean(hold), recalls, stopped };
  }

  giveBack(till, { hold: id }) {
    const hold = this.holds.get(id);
    const { disk } = this.world.counters.find(({ name }) => name === till);
    if ([...disk.values()].some((one) => one?.given && one.hold === id)) throw new Broken(`${till} gave ${id} back while a slip under it waits`);
    const ended = this.world.flaws.returnsAnything ? this.of(till) : hold.live && hold;
    if (ended) Object.assign(ended, { live: false, returned: true });
    return {};
  }

  /** Posts a sale or says why not. The till's own hold gives first, the rest must be free. */
  post(till, { key, card, lines }, why) {
    const [number, secret] = card.split("-");
    const household = this.households.get(number);
    const points = this.world.priceOf(lines);
    const hold = this.of(till);
    if (household.secret !== secret) return "secret";
    if (household.stopped) return "stopped";
    const fromHold = hold ? Math.min(points, hold.points.get(number)) : 0;
    const units = lines.map(({ sku, quantity }) => [sku, quantity, hold ? Math.min(quantity, hold.units.get(sku)) : 0]);
    const short = points - fromHold > this.free(number);
    const scarce = units.filter(([sku, quantity, held]) => quantity - held > this.freeUnits(sku)).map(([sku]) => sku);
    if (short || scarce.length) {
      if (why === "online") this.recall(hold, short && number, scarce);
      return short ? "points" : "units";
    }
    if (hold) hold.points.set(number, hold.points.get(number) - fromHold);
    household.balance -= points;
    for (const [sku, quantity, held] of units) {
      if (hold) hold.units.set(sku, hold.units.get(sku) - held);
      this.stock.set(sku, this.stock.get(sku) - quantity);
    }
    this.posted.set(key, { number, points, lines });
    return null;
  }

  /** Would it do if other tills let go of what they keep? Then they are asked to. */
  keptElsewhere({ card, lines }, till) {
    const [number, secret] = card.split("-");
    const { balance, stopped, secret: right } = this.households.get(number);
    const enough = balance >= this.world.priceOf(lines) && lines.every(({ sku, quantity }) => this.stock.get(sku) >= quantity);
    if (stopped || secret !== right || !enough) return false;
    this.recall(this.of(till), number, lines.map(({ sku }) => sku));
    this.world.count("later");
    return true;
  }

  recall(own, number, skus) {
    for (const hold of this.live().filter((one) => one !== own)) {
      const asked = (what) => this.recalls.some((one) => one.hold === hold.id && what(one));
      const ask = (what) => this.recalls.push({ id: `R${(this.made += 1)}`, hold: hold.id, ...what });
      if (number && hold.points.get(number) && !asked(({ numbers }) => numbers?.includes(number))) ask({ numbers: [number] });
      for (const sku of skus) if (hold.units.get(sku) && !asked((one) => one.sku === sku)) ask({ sku });
    }
  }

  redeem(till, sale) {
    if (this.posted.has(sale.key)) return { location: `/redemptions/${sale.key}` };
    if (this.burnt.has(sale.key) && !this.world.flaws.forgetsRefusals) return { detail: "burnt" };
    const why = this.post(till, sale, "online");
    return why ? { detail: why } : { location: `/redemptions/${sale.key}` };
  }

  sales(till, { hold, sales }) {
    return { sales: sales.map((sale) => this.sold(till, hold, sale)) };
  }

  sold(till, id, sale) {
    const { key, given } = sale;
    if (this.posted.has(key)) return { key, outcome: "posted", location: `/redemptions/${key}` };
    if (this.conflicts.has(key)) return { key, outcome: "conflict" };
    if (!given && this.burnt.has(key)) return { key, outcome: "refused" };
    const why = this.post(till, sale, "queue");
    if (!why) return { key, outcome: "posted", location: `/redemptions/${key}` };
    if (!given) {
      this.burnt.add(key);
      return { key, outcome: "refused", detail: why };
    }
    const hold = this.holds.get(id);
    if (this.keptElsewhere(sale, till)) return { key, outcome: "later", detail: why };
    const excuse = ["secret", "stopped"].includes(why) ? why : hold.expired ? "expired" : null;
    if (!excuse) throw new Broken(`conflict without an excuse: ${JSON.stringify(sale)} under ${id} (${why})`);
    this.conflicts.set(key, excuse);
    this.world.count(`conflict: ${excuse}`);
    return { key, outcome: "conflict", detail: why };
  }
}

/** One till's computer: its disk, its clock, its power and its wire; and the clerk in front of it. */
class Counter {
  disk = new Map();
  skew = 0;
  set = false;
  tampered = false;
  cut = false;
  till = null;
  life = 0;
  busy = false;

  constructor(world, name) {
    Object.assign(this, { world, name });
  }

  async boot() {
    const { world } = this;
    if (world.over) return;
    const life = (this.life += 1);
    this.busy = false;
    // A clock that was set while the computer ran is seen through; one that was set behind its back may not be.
    this.tampered ||= this.set;
    const till = await world.openTill({
      store: this.store(life),
      server: this.server(life),
      clock: { now: () => world.time.now + this.skew, steady: () => world.time.now },
      digest: async (salt, number) => digest(salt, number),
      newKey: () => world.newKey(),
    });
    if (this.life !== life) return;
    this.till = till;
    world.run(this.pulse(life));
  }

  off() {
    this.life += 1;
    this.till = null;
    this.world.log(this.name, "power cut");
    this.world.count("power cut");
  }

  /** A disk that writes all or nothing; whether it did, a power cut may leave untold. */
  store(life) {
    const { time, random } = this.world;
    return {
      load: async () => new Map(this.disk),
      save: (changes) =>
        new Promise((resolve, reject) => {
          // What is on a disk does not change when somebody changes an object.
          const written = [...changes].map(([key, value]) => [key, Object.freeze(value)]);
          const fails = this.world.bad(0.006);
          time.after(random.between(1, 40), () => {
            if (this.life !== life) return;
            if (fails) {
              this.world.count("write failed");
              reject(new Error("the disk is full"));
              return;
            }
            for (const [key, value] of written) {
              if (value === undefined) this.disk.delete(key);
              else this.disk.set(key, value);
            }
            if (this.world.bad(0.004)) {
              this.off();
              time.after(random.between(500, 3 * MINUTE), () => this.boot());
            } else time.after(random.between(0, 5), () => this.life === life && resolve());
          });
        }),
    };
  }

  server(life) {
    const call = (name, patience) => (body = {}) => this.world.send(this, life, name, body, patience);
    return { hold: call("hold", 8_000), beat: call("beat", 8_000), sales: call("sales", 20_000), giveBack: call("giveBack", 8_000) };
  }

  async pulse(life) {
    while (this.life === life) {
      try {
        await this.till.sync();
        this.tampered = this.set = false;
      } catch (error) {
        if (error instanceof Broken) throw error;
      }
      await this.world.time.sleep(this.world.calm ? 5_000 : this.world.random.between(10_000, 60_000));
    }
  }

  /** Somebody comes to the counter. What the page does is done here, with the till's own functions. */
  async serve() {
    if (!this.till || this.busy) return;
    const { life, till, world } = this;
    const { random } = world;
    const alive = () => this.life === life;
    this.busy = true;
    const sale = world.wish();
    const offline = this.cut ? random.chance(0.8) : random.chance(0.15);
    let answer = offline ? null : await till.sell(sale, (entry) => world.send(this, life, "redeem", spoken(entry), 20_000));
    if (answer?.refusal?.code === "waiting") answer = null;
    if (answer?.unsettled) {
      world.count("answer missing");
      world.unsettled.add(sale.key);
      if (random.chance(0.6)) {
        await world.time.sleep(random.between(100, 20_000));
        if (!alive()) return;
        const given = await till.handOver(sale.key);
        this.gave(given, "handed over");
      }
    } else if (answer?.location) world.sold.add(sale.key);
    else if (answer?.detail) world.refused.add(sale.key);
    else if (!answer) this.gave(await till.sellOffline(sale), "offline");
    if (alive()) this.busy = false;
  }

  gave(answer, how) {
    const { world } = this;
    if (!answer.slip) {
      world.count(`refused ${how}: ${answer.refusal.code}`);
      return;
    }
    const { slip } = answer;
    world.log(this.name, how, slip);
    world.count(how);
    if (world.slips.has(slip.key)) throw new Broken(`two slips for ${slip.key}`);
    world.slips.set(slip.key, slip);
    const hold = world.server.holds.get(this.disk.get("hold")?.hold);
    const shown = world.time.now + this.skew;
    if (this.disk.get("seen").latest > shown + 3 * MINUTE) throw new Broken(`sold by a clock that was set back: ${slip.key}`);
    if (hold && !this.tampered && world.time.now > hold.sellUntil + 30_000) throw new Broken(`sold after the hold's time: ${slip.key}`);
  }

  /** The law of the books: what may still be given away, and what was given and is not posted, is set aside on the server. */
  check() {
    const { server } = this.world;
    const local = this.disk.get("hold");
    if (local && server.holds.get(local.hold).returned) throw new Broken(`${this.name} keeps a hold that it gave back`);
    const hold = local && server.live().find((one) => one.id === local.hold);
    if (!hold) return;
    const promised = new Map();
    for (const [key, one] of this.disk) {
      if (!key.startsWith("sale/") || !one.given || one.hold !== hold.id || server.posted.has(one.key)) continue;
      promised.set(one.card, (promised.get(one.card) || 0) + one.points);
    }
    for (const [number, { stopped, secret }] of server.households) {
      const left = this.disk.get(`card/${digest(local.salt, number)}`);
      const wanted = promised.get(`${number}-${secret}`) || 0;
      if (stopped || left === "stopped" || (left || 0) + wanted <= hold.points.get(number)) continue;
      throw new Broken(`${this.name} may give ${left} + ${wanted} of ${number}, of ${hold.points.get(number)} set aside`);
    }
  }
}

const spoken = ({ key, card, lines }) => ({ key, card, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) });

export class World {
  time = new Time();
  counts = new Map();
  trace = [];
  slips = new Map();
  sold = new Set();
  refused = new Set();
  unsettled = new Set();
  keys = new Set();
  calm = false;
  over = false;
  trouble = null;

  constructor(seed, openTill, flaws = {}) {
    Object.assign(this, { seed, openTill, flaws, random: randomFrom(seed), prices: { rice: 7, salt: 2, soap: 3 } });
    this.server = new Server(this);
    const { random } = this;
    for (let i = 0; i < 5; i += 1) this.server.households.set(String(1_000_000_000 + i * 7919), { balance: random.between(10, 120), stopped: false, secret: `SECRET${i}` });
    for (const sku of Object.keys(this.prices)) this.server.stock.set(sku, random.between(10, 80));
    this.counters = Array.from({ length: random.between(2, 3) }, (_, i) => new Counter(this, `${i + 1}号柜台`));
  }

  count(what) {
    this.counts.set(what, (this.counts.get(what) || 0) + 1);
  }

  log(...words) {
    this.trace.push([this.time.now, words]);
  }

  /** What happened, in words. */
  story() {
    const told = (word) => (typeof word === "string" ? word : JSON.stringify({ ...word, cards: undefined }));
    return this.trace.map(([at, words]) => `${((at - START) / 1000).toFixed(2)} ${words.map(told).join(" ")}`).join("\n");
  }

  newKey() {
    const key = `K${this.keys.size + 1}`;
    this.keys.add(key);
    return key;
  }

  priceOf(lines) {
    return lines.reduce((sum, { sku, quantity }) => sum + quantity * this.prices[sku], 0);
  }

  wish() {
    const { random } = this;
    const number = random.of([...this.server.households.keys()]);
    const skus = Object.keys(this.prices).filter(() => random.chance(0.5));
    const lines = (skus.length ? skus : ["salt"]).map((sku) => ({ sku, quantity: random.between(1, 2), name: sku, points: this.prices[sku] }));
    const secret = random.chance(0.08) ? "WRONG0" : this.server.households.get(number).secret;
    return { key: this.newKey(), card: `${number}-${secret}`, lines, points: this.priceOf(lines), signs: random.chance(0.8), pickup: "" };
  }

  /** The wire. What the sender hears is an answer, or nothing within its patience. */
  send(counter, life, name, body, patience) {
    const { random, time } = this;
    const alive = () => counter.life === life;
    const down = () => !this.calm && counter.cut;
    return new Promise((resolve, reject) => {
      let open = true;
      time.after(patience, () => {
        if (!open || !alive()) return IDLE;
        reject(new Error("slow"));
      });
      if (down()) {
        time.after(random.between(1, 50), () => alive() && reject(new Error("no network")));
        return;
      }
      const arrive = (heard) => {
        const said = this.server[name](counter.name, body);
        this.log(counter.name, name, body, said);
        this.settle();
        if (!heard || this.bad(0.06)) this.count("answer lost");
        else time.after(this.bad(0.1) ? random.between(200, 15_000) : random.between(5, 200), () => {
          if (!open || !alive() || down()) return IDLE;
          open = false;
          resolve(said);
        });
      };
      const depart = (then) => {
        if (this.bad(0.06)) this.count("request lost");
        else time.after(!this.bad(0.15) ? random.between(5, 300) : random.between(300, random.chance(0.7) ? 30_000 : 10 * MINUTE), then);
      };
      // A browser sends a form a second time only when nothing came back the first time; other requests are simply doubled.
      const twice = this.bad(0.08);
      if (twice && name === "redeem") depart(() => { arrive(false); depart(() => arrive(true)); });
      else depart(() => arrive(true));
      if (twice && name !== "redeem") depart(() => arrive(true));
    });
  }

  bad(part) {
    return !this.calm && this.random.chance(part);
  }

  /** What must hold at every moment. */
  settle() {
    const { server } = this;
    for (const [number, { balance }] of server.households) {
      if (balance < 0) throw new Broken(`${number} has ${balance}`);
      if (server.free(number) < 0) throw new Broken(`more is set aside for ${number} than it has`);
    }
    for (const [sku, units] of server.stock) {
      if (units < 0 || server.freeUnits(sku) < 0) throw new Broken(`stock of ${sku}: ${units}, free ${server.freeUnits(sku)}`);
    }
    this.counters.forEach((counter) => counter.check());
  }

  /** What else goes on in the village, and what goes wrong at the tills. */
  chaos() {
    const { random, time, server, counters } = this;
    const every = (low, high, act) => {
      const again = () => {
        if (this.calm) return;
        act();
        time.after(random.between(low, high), again);
      };
      time.after(random.between(0, high), again);
    };
    for (const counter of counters) {
      every(5_000, 90_000, () => this.run(counter.serve()));
      every(2 * MINUTE, 10 * MINUTE, () => {
        counter.cut = true;
        this.log(counter.name, "cut");
        time.after(random.between(5_000, random.chance(0.2) ? 18 * MINUTE : 4 * MINUTE), () => {
          counter.cut = false;
          this.log(counter.name, "wire back");
        });
      });
      every(4 * MINUTE, 30 * MINUTE, () => {
        if (!counter.till) return;
        counter.off();
        time.after(random.between(500, 5 * MINUTE), () => this.run(counter.boot()));
      });
      every(8 * MINUTE, 40 * MINUTE, () => {
        counter.skew = random.of([0, 0, DAY, -DAY, random.between(-20, 20) * MINUTE]);
        counter.set = true;
        this.log(counter.name, `clock ${counter.skew}`);
        this.count("clock set");
      });
      every(2 * MINUTE, 12 * MINUTE, () => counter.till && this.run(counter.till.giveBack().catch((error) => this.forgive(error))));
    }
    const someone = () => random.of([...server.households.keys()]);
    every(20_000, 3 * MINUTE, () => (server.households.get(someone()).balance += random.between(1, 15)));
    every(10_000, 2 * MINUTE, () => {
      const lines = [{ sku: random.of(Object.keys(this.prices)), quantity: random.between(1, 4) }];
      const number = someone();
      const key = this.newKey();
      const why = server.post("elsewhere", { key, card: `${number}-${server.households.get(number).secret}`, lines }, "online");
      this.count(why ? "elsewhere refused" : "spent elsewhere");
      this.settle();
    });
    every(10 * MINUTE, 60 * MINUTE, () => (server.households.get(someone()).stopped = true));
    every(30_000, 5 * MINUTE, () => server.stock.set("rice", server.stock.get("rice") + 2));
  }

  forgive(error) {
    if (error instanceof Broken) this.trouble ||= error;
  }

  /** A flow that nobody waits for: what breaks in it breaks the run. */
  run(flow) {
    flow.catch((error) => (this.trouble ||= error));
  }

  async until(when) {
    while (this.time.heap.length && this.time.heap[0].when <= when) {
      if (this.time.next().run() === IDLE) continue;
      await new Promise(setImmediate);
      if (this.trouble) throw this.trouble;
    }
    if (Number.isFinite(when)) this.time.now = Math.max(this.time.now, when);
  }

  async live() {
    for (const counter of this.counters) this.run(counter.boot());
    this.chaos();
    await this.until(START + CHAOS);
    // The weather clears: power, wires, clocks.
    this.calm = true;
    for (const counter of this.counters) {
      Object.assign(counter, { cut: false, skew: 0 });
      if (!counter.till) this.run(counter.boot());
    }
    const quiet = () => this.counters.every(({ till, busy }) => till && !busy && !till.waiting() && !till.tried.size && !till.free().length);
    for (let tries = 0; !quiet(); tries += 1) {
      if (tries === 20) throw new Broken("something still waits in fair weather");
      await this.until(this.time.now + MINUTE / 2);
    }
    // The tills are put out; what is still on its way in the network arrives.
    this.over = true;
    for (const counter of this.counters) counter.life += 1;
    await this.until(Infinity);
    this.judge();
    return this.counts;
  }

  judge() {
    const { server } = this;
    this.settle();
    for (const key of this.slips.keys()) {
      const [posted, listed] = [server.posted.has(key), server.conflicts.has(key)];
      if (posted === listed) throw new Broken(`slip ${key} posted: ${posted}, on the list: ${listed}`);
    }
    for (const key of this.sold) if (!server.posted.has(key)) throw new Broken(`${key} was said to be sold and is not`);
    for (const key of this.refused) if (server.posted.has(key)) throw new Broken(`${key} was said to be refused and is sold`);
    for (const key of server.posted.keys()) if (!this.keys.has(key)) throw new Broken(`nobody made ${key}`);
    for (const key of server.burnt) if (!this.slips.has(key) && server.posted.has(key)) throw new Broken(`${key} was refused in the queue and is posted`);
    for (const key of server.conflicts.keys()) if (server.posted.has(key)) throw new Broken(`${key} is posted and on the list`);
    for (const counter of this.counters) {
      for (const [key, notice] of counter.disk) {
        if (key.startsWith("notice/") && notice.outcome === "refused") this.count("queue refused");
      }
    }
  }
}
