// One till without the network, told step by step: what it says at the counter, what it keeps in IndexedDB, and what a
// transaction that was aborted in the middle leaves behind (nothing).

import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { IDBFactory, IDBObjectStore } from "fake-indexeddb";
import { randomFrom } from "./offline-world.mjs";
import { REFUSALS, digestOf, openTill } from "../../static/offline.js";
import { openStore } from "../../static/offline-store.js";
import { Line, serverOver } from "../../static/offline-page.js";
import { words } from "../../static/offline-bar.js";

const HOUR = 3_600_000;
const SALT = Buffer.from("a day's own salt").toString("base64");
const [WANG, STOPPED, STRANGER] = ["1000000001", "1000000002", "1000000003"];

/** A server that says yes until it is told otherwise. */
function server({ points = 20, units = { salt: 9, rice: 1 }, confirm = null } = {}) {
  const said = [];
  const entry = async (number, left) => Buffer.concat([Buffer.from(await digestOf(SALT, number), "base64"), Buffer.from([left & 255, left >> 8])]);
  const cut = () => {
    if (it.cut) throw new Error("no network");
  };
  const it = {
    said, cut: false, recalls: [], outcome: "posted",
    async hold() {
      cut();
      const cards = Buffer.concat([await entry(WANG, points), await entry(STOPPED, 0xffff)]).toString("base64");
      return { hold: 7, till: "1号柜台", now: it.now, sell_until: it.now + 8 * HOUR, points_each: points, confirm_from: confirm, salt: SALT, cards, goods: units };
    },
    async beat(body) {
      cut();
      said.push(["beat", body]);
      return { now: it.now, live: true, recalls: it.recalls.filter(({ id }) => !body.dropped.includes(id)), stopped: [] };
    },
    async sales(body) {
      cut();
      said.push(["sales", body]);
      return { sales: body.sales.map(({ key }) => ({ key, outcome: it.outcome, location: `/redemptions/${key}` })) };
    },
    async giveBack(body) {
      cut();
      said.push(["return", body]);
      return {};
    },
  };
  it.now = 1_800_000_000_000;
  return it;
}

const sale = (quantity, more = {}) => ({ card: `${WANG}-ABC123`, lines: [{ sku: "salt", quantity, name: "食盐", points: 3 }], points: 3 * quantity, signs: false, pickup: "", ...more });

async function till(more = {}, indexedDB = new IDBFactory()) {
  const clock = { at: 1_800_000_000_000, now: () => clock.at, steady: () => clock.at / 1e6 + 0.25 };
  const over = server(more);
  const open = async () => openTill({ store: await openStore("jishan-till", indexedDB), clock, server: over });
  const books = await open();
  await books.sync();
  return { books, clock, over, open };
}

const code = ({ refusal }) => refusal?.code;

test("without the network a household gets what is set aside for it, and not a point more", async () => {
  const { books, over } = await till();
  over.cut = true;
  const { slip } = await books.sellOffline(sale(4));
  assert.deepEqual([slip.number, slip.till, slip.points, slip.lines], ["D-0001", "1号柜台", 12, sale(4).lines]);
  assert.equal(code(await books.sellOffline(sale(3))), "points");
  assert.equal((await books.look(sale(3))).code, "points");
  assert.equal(await books.look(sale(2)), null, "looking takes nothing");
  assert.equal((await books.sellOffline(sale(2))).slip.number, "D-0002");
  assert.equal(code(await books.sellOffline(sale(1, { card: `${STRANGER}-ABC123` }))), "unknown_card");
  assert.equal(code(await books.sellOffline(sale(1, { card: STOPPED }))), "stopped_card");
  assert.equal(code(await books.sellOffline(sale(1, { pickup: "delivery" }))), "pickup");
  const rice = sale(2, { lines: [{ sku: "rice", quantity: 2, name: "大米", points: 1 }], points: 2 });
  assert.equal(code(await books.sellOffline(rice)), "units");
  assert.equal(books.waiting(), 2);
  assert.ok(Number.isSafeInteger(slip.sold_at), "whole milliseconds, though a browser counts in parts of them");
  over.cut = false;
  assert.equal(await books.drain(), true);
  const [, sent] = over.said.find(([what]) => what === "sales");
  assert.deepEqual(sent.sales.map(({ number, given, lines }) => [number, given, lines[0].price]), [["D-0001", true, 3], ["D-0002", true, 3]]);
  assert.equal(code(await books.sellOffline(sale(2))), "points", "what was posted stays taken");
});

test("from so many points on the household signs", async () => {
  const { books } = await till({ confirm: 6 });
  assert.equal(code(await books.sellOffline(sale(2))), "signs");
  assert.ok((await books.sellOffline(sale(2, { signs: true }))).slip.signs);
});

test("a clock that was set back, and a hold whose time is over, sell nothing; one that is a day off all the time does", async () => {
  const { books, clock, over } = await till();
  clock.at += 2 * HOUR;
  assert.ok((await books.sellOffline(sale(1))).slip);
  clock.at -= HOUR;
  assert.equal(code(await books.sellOffline(sale(1))), "clock");
  clock.at += 8 * HOUR;
  assert.equal(code(await books.sellOffline(sale(1))), "too_late");
  clock.at -= 24 * HOUR;
  over.now += 7 * HOUR;
  await books.sync();
  const { slip } = await books.sellOffline(sale(1));
  assert.ok(slip, "once the server has told the time");
  assert.equal(slip.sold_at, over.now);
});

test("an answer that went missing: the queue survives the power cut and asks once more with the same key", async () => {
  const { books, over, open } = await till();
  over.cut = true;
  const { unsettled } = await books.sell(sale(4), () => Promise.reject(new Error("slow")));
  assert.equal(books.unsettled().key, unsettled.key);
  const reopened = await open();
  assert.equal(reopened.unsettled().key, unsettled.key);
  assert.equal(code(await reopened.prepare(sale(1))), "waiting");
  assert.equal(code(await reopened.sellOffline(sale(3))), "points", "what it may have taken is gone");
  over.cut = false;
  await reopened.sync();
  assert.equal(reopened.waiting(), 0);
  const [, sent] = over.said.find(([what]) => what === "sales");
  assert.deepEqual([sent.sales[0].key, sent.sales[0].given], [unsettled.key, false]);
  assert.deepEqual(reopened.notices().map(({ key, outcome }) => [key, outcome]), [[unsettled.key, "posted"]]);
});

test("an answer that went missing and a line that stays cut: the goods go with a slip, under the same key", async () => {
  const { books, over } = await till();
  over.cut = true;
  const { unsettled } = await books.sell(sale(4), () => Promise.reject(new Error("slow")));
  const { slip } = await books.handOver(unsettled.key);
  assert.equal(slip.key, unsettled.key);
  assert.equal(code(await books.handOver(unsettled.key)), "settled");
});

test("a refused sale gives back what it took, but not what was recalled meanwhile", async () => {
  const { books, over } = await till();
  assert.deepEqual(await books.sell(sale(6), async () => ({ detail: "差1分" })), { detail: "差1分" });
  assert.equal(await books.look(sale(6)), null);
  let refuse;
  const selling = books.sell(sale(6), () => new Promise((resolve) => (refuse = () => resolve({ detail: "差1分" }))));
  while (!refuse) await new Promise(setImmediate);
  over.recalls = [{ id: "p1", digests: [await digestOf(SALT, WANG)] }];
  await books.beat();
  refuse();
  await selling;
  assert.equal((await books.look(sale(1))).code, "points");
  assert.deepEqual(over.said.at(-1)[1].dropped, ["p1"]);
});

test("a recall waits for the slip that needs it", async () => {
  const { books, over } = await till();
  await books.sellOffline(sale(2));
  over.recalls = [{ id: "g1", sku: "salt" }];
  over.outcome = "later";
  await books.beat();
  assert.deepEqual(over.said.filter(([what]) => what === "beat").map(([, { dropped }]) => dropped), [[]]);
  assert.equal((await books.look(sale(1))).code, "units", "nothing more is sold of it");
  over.outcome = "posted";
  await books.beat();
  assert.deepEqual(over.said.at(-1)[1].dropped, ["g1"]);
});

test("the hold goes back only when nothing waits, and is not taken up again", async () => {
  const { books, over } = await till();
  await books.sellOffline(sale(1));
  assert.equal(await books.giveBack(), false);
  await books.drain();
  over.cut = true;
  await assert.rejects(books.giveBack());
  assert.equal(code(await books.sellOffline(sale(1))), "no_hold");
  over.cut = false;
  over.said.length = 0;
  await books.sync();
  assert.deepEqual(over.said.map(([what]) => what), ["return"]);
  assert.equal(books.hold.hold, 7);
});

test("a tab that does not own the queue neither sells nor sends", async () => {
  const { books, over } = await till();
  over.said.length = 0;
  books.owner = false;
  assert.equal(code(await books.prepare(sale(1))), "other_tab");
  assert.equal(code(await books.sellOffline(sale(1))), "other_tab");
  assert.equal(await books.drain(), false);
  assert.equal(await books.sync(), false);
  assert.deepEqual(over.said, []);
});

test("what the line at the top says", async () => {
  const { books, over } = await till();
  const line = new Line();
  const shown = (more = {}) => words({ state: "open", till: books, line, trouble: "", ...more })[1];
  assert.equal(shown(), "断网备用已就绪，每户最多20分");
  line.failed();
  assert.equal(line.isCut, false, "one try that failed is not a cut line");
  line.failed();
  over.cut = true;
  await books.sellOffline(sale(1));
  await books.sellOffline(sale(1));
  await books.sellOffline(sale(1));
  assert.equal(shown(), "断网办理中，3单待入账，每户最多20分");
  line.there();
  assert.equal(shown(), "正在补传，3单待入账");
  assert.equal(shown({ state: "unable" }), "这台电脑不能断网办理（需要https）");
  assert.equal(shown({ state: "beside", till: null }), REFUSALS.other_tab);
});

test("the server over fetch: what is an answer and what is none", async () => {
  const line = new Line();
  let answer;
  const over = serverOver("token", line, async (url, options) => {
    answer.asked = [url, options.headers["x-csrf"], options.body];
    return answer;
  });
  const json = (status, body) => ({ status, ok: status < 300, headers: new Headers({ "content-type": "application/json" }), json: async () => body });
  answer = json(200, { now: 1 });
  assert.deepEqual(await over.beat({ hold: 7 }), { now: 1 });
  assert.deepEqual(answer.asked, ["/counter/offline/beat", "token", '{"hold":7}']);
  answer = { status: 204, ok: true };
  assert.deepEqual(await over.giveBack({ hold: 7 }), {});
  answer = json(422, { detail: "单子不对" });
  await assert.rejects(over.sales({}), { definite: true, detail: "单子不对" });
  answer = { status: 0, ok: false, headers: new Headers() };
  await assert.rejects(over.sales({}), { definite: false, detail: "登录已过期，请重新登录" });
  assert.equal(line.isCut, false);
  // The hold's units stand in the order of the page's list of goods; with another list there is no hold.
  const withList = serverOver("token", line, async () => json(200, { hold: 3, goods: { list: "monday", units: [2, 0, 5] } }), async (name) => (name === listed ? ["G001", "G002", "G003"] : null));
  let listed = "monday";
  assert.deepEqual((await withList.hold({})).goods, { G001: 2, G003: 5 });
  listed = "tuesday";
  await assert.rejects(withList.hold({}), { answered: true });
  answer = json(502, {});
  await assert.rejects(over.beat({}));
  await assert.rejects(over.beat({}));
  assert.equal(line.isCut, true);
});

test("IndexedDB: what is saved together is there together, however often it is aborted in the middle", async () => {
  const put = IDBObjectStore.prototype.put;
  let aborted = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = randomFrom(seed);
    const indexedDB = new IDBFactory();
    let store = await openStore("books", indexedDB);
    let kept = new Map();
    for (let i = 0; i < 30; i += 1) {
      const changes = new Map(Array.from({ length: random.between(1, 6) }, () => [`k${random.between(1, 8)}`, random.chance(0.3) ? undefined : { i, seed }]));
      const fails = random.chance(0.3) ? random.between(1, changes.size) : 0;
      let puts = 0;
      IDBObjectStore.prototype.put = function (...all) {
        const request = put.apply(this, all);
        puts += 1;
        if (puts === fails) this.transaction.abort();
        return request;
      };
      const next = new Map(kept);
      changes.forEach((value, key) => (value === undefined ? next.delete(key) : next.set(key, value)));
      try {
        await store.save(changes);
        kept = next;
      } catch {
        aborted += 1;
      }
      if (random.chance(0.2)) {
        store.close();
        store = await openStore("books", indexedDB);
      }
      assert.deepEqual(await store.load(), new Map([...kept].sort()), `seed ${seed}, step ${i}`);
    }
  }
  IDBObjectStore.prototype.put = put;
  assert.ok(aborted > 50);
});

test("IndexedDB: a value that cannot be written takes its neighbours along, and the till says that it sold nothing", async () => {
  const indexedDB = new IDBFactory();
  const { books, over } = await till({}, indexedDB);
  over.cut = true;
  const broken = sale(1);
  broken.lines[0].name = () => {};
  assert.equal(code(await books.sellOffline(broken)), "store");
  assert.equal(books.waiting(), 0);
  assert.equal(await books.look(sale(6)), null, "nothing was taken for it");
  const store = await openStore("jishan-till", indexedDB);
  assert.ok(![...(await store.load()).keys()].some((key) => key.startsWith("sale/")));
});

test("every file of the till opens with what it is, and is no longer than the house allows", () => {
  for (const name of ["offline", "offline-store", "offline-page", "offline-bar", "sign-out", "sw"]) {
    const lines = readFileSync(new URL(`../../static/${name}.js`, import.meta.url), "utf8").split("\n");
    assert.ok(lines[0].startsWith("// ") && lines.length <= 700, name);
  }
});
