// The till without the network, on thousands of bad days: whatever the network, the power, the clocks and the other tills
// do, nothing handed over is lost, nothing is sold twice, and nobody is overdrawn. Then the same days with a mistake put
// into the till's books on purpose, to see that each would be noticed.
//
// SEED=7 node --test offline.test.mjs replays one day and tells its story; SEEDS=20000 tries more of them.

import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Broken, World } from "./offline-world.mjs";
import { digestOf, openTill, readCards } from "../../static/offline.js";

const SEEDS = Number(process.env.SEEDS || 2_000);
const ONLY = process.env.SEED && Number(process.env.SEED);
const MUTANT_SEEDS = 6_000;

const HAPPENED = [
  "offline", "handed over", "queue refused", "recall answered", "later", "power cut", "write failed", "answer lost", "request lost", "clock set",
  "conflict: expired", "conflict: stopped", "conflict: secret",
  "refused offline: clock", "refused offline: too_late", "refused offline: points", "refused offline: units",
];

/** One bad day. Gives what was counted; throws with the seed and the story. */
async function day(seed, open = openTill, flaws) {
  const world = new World(seed, open, flaws);
  try {
    return await world.live();
  } catch (error) {
    error.message = `seed ${seed}: ${error.message}`;
    error.story = world.story();
    throw error;
  }
}

test(`${ONLY ? `day ${ONLY}` : `${SEEDS} bad days`} at two or three tills`, { timeout: 300_000 }, async (t) => {
  const total = new Map();
  const seeds = ONLY ? [ONLY] : Array.from({ length: SEEDS }, (_, i) => i + 1);
  for (const seed of seeds) {
    try {
      for (const [what, times] of await day(seed)) total.set(what, (total.get(what) || 0) + times);
    } catch (error) {
      console.log(ONLY ? error.story : error.story.split("\n").slice(-150).join("\n"));
      throw error;
    }
  }
  t.diagnostic([...total].sort().map(([what, times]) => `${what} ${times}`).join(", "));
  if (ONLY || SEEDS < 2_000) return;
  // A day on which nothing goes wrong proves nothing.
  for (const what of HAPPENED) {
    assert.ok(total.get(what) > 0, `${what} never happened`);
  }
});

// What goes wrong, the words of static/offline.js that see to it, and the mistake instead of them.
const MISTAKES = [
  ["a sale is sent before it is taken from the allowance", "      this.deduct(draft, entry);\n      draft.keep(entry);", "      draft.keep(entry);"],
  ["a sale without the network takes nothing from the allowance", "      this.deduct(draft, entry);\n      return this.give", "      return this.give"],
  ["a sale is not written down before it is sent", "      draft.keep(entry);\n      return { entry };", "      return { entry };"],
  ["what was handed over is written under another key", "    draft.keep(given);", "    draft.keep(Object.assign(given, { key: `${entry.key}x` }));"],
  ["what waits goes out under a new key each time", "batch.map(spoken)", "batch.map((entry) => Object.assign(spoken(entry), { key: `${entry.key}${this.serverTime(this.kept.get('seen'))}` }))"],
  ["a recall is answered for before it is written down", "    await this.change((draft) => {\n      const now", "    await this.server.beat({ hold: hold.hold, waiting: 0, dropped: answer.recalls.map(({ id }) => id) });\n    await this.change((draft) => {\n      const now"],
  ["a recall is answered for while a slip needs what is recalled", ".filter(([, recall]) => !given.some((entry) => touches(entry, recall)))", ""],
  ["a recall leaves the allowance as it was", "digests.filter((digest) => draft.get(`card/${digest}`) > 0)", "[]"],
  ["what was recalled is put back by a refusal", "draft.sales().filter((entry) => touches(entry, { digests, sku }))", "[]"],
  ["what was recalled is handed over all the same", "deducted && deducted.points === entry.points", "true || deducted"],
  ["a refused sale gives back twice what it took", "(left || 0) + entry.deducted.points", "(left || 0) + 2 * entry.deducted.points"],
  ["a new sale overtakes what waits", "if (draft.sales().some((entry) => !entry.later)) return refusal('waiting');", ""],
  ["no answer is taken for a refusal", "      this.unsure(entry.key);\n", "      await this.refused(entry.key);\n"],
  ["a refusal that could not be written down is told", "return written || answer.location ? answer : { unsettled: entry };", "return answer;"],
  ["an entry leaves the queue when it is sent", "    batch.forEach(({ key }) => this.tried.add(key));", "    await this.change((draft) => batch.forEach((entry) => draft.leave(entry)));"],
  ["the server's word on a new hold is taken as it is", "if (cards.get(digest) > 0)", "if (false)"],
  ["what is sold while a hold is asked for is forgotten", "    if (this.since) this.since.push(entry);\n", ""],
  ["a hold that is on its way back is taken up again", "if (this.kept.get('returning')) await this.sendBack();\n", ""],
  ["a hold is given back while something waits", "      if (draft.sales().length) return false;\n", ""],
  ["a clock that was set back is believed", "if (this.clock.now() < seen.latest - SLACK_MS) return refusal('clock').refusal;", ""],
  ["it is sold from a hold whose time is over", "this.serverTime(seen) > hold.sell_until ? refusal('too_late').refusal : null", "null"],
  ["a slip while the answer is still under way", "      if (this.tried.has(key)) return refusal('checking');\n", ""],
  ["memory changes although the disk did not", "      await this.store.save(draft.changes);", "      await this.store.save(draft.changes).catch(() => {});"],
];

test("a mistake in the books would be noticed", { timeout: 300_000, skip: Boolean(ONLY) }, async (t) => {
  // A module without an address of its own names others by their whole address.
  const source = readFileSync(new URL("../../static/offline.js", import.meta.url), "utf8").replace("./words.js", new URL("../../static/words.js", import.meta.url).href);
  for (const [name, right, wrong] of MISTAKES) {
    assert.equal(source.split(right).length, 2, `${name}: the words are not there, or more than once`);
    const { openTill: open } = await import(`data:text/javascript;base64,${Buffer.from(source.replace(right, () => wrong)).toString("base64")}`);
    const noticed = await firstBroken(open);
    t.diagnostic(`${name}: ${noticed || "NOT NOTICED"}`);
    if (!process.env.LOOK) assert.ok(noticed, `${name}: not noticed on ${MUTANT_SEEDS} days`);
  }
});

async function firstBroken(open, flaws) {
  for (let seed = 1; seed <= MUTANT_SEEDS; seed += 1) {
    try {
      await day(seed, open, flaws);
    } catch (error) {
      return error.message;
    }
  }
  return null;
}

// What the till relies on, and a server that does otherwise.
const FLAWS = [
  ["a server that forgets what it refused in the queue", { forgetsRefusals: true }],
  ["a server that ends whatever hold there is when an old one comes back late", { returnsAnything: true }],
];

for (const [name, flaw] of FLAWS) {
  test(`${name} would be noticed`, { skip: Boolean(ONLY) }, async (t) => {
    const noticed = await firstBroken(openTill, flaw);
    t.diagnostic(noticed || "NOT NOTICED");
    assert.ok(noticed);
  });
}

test("a browser makes the digest that the server's list has", async () => {
  const salt = Buffer.from("0123456789abcdef").toString("base64");
  const whole = createHash("sha256").update("0123456789abcdef").update("1234567890").digest();
  assert.equal(await digestOf(salt, "1234567890"), whole.subarray(0, 8).toString("base64"));
  const list = Buffer.concat([whole.subarray(0, 8), Buffer.from([0x14, 0x01]), Buffer.alloc(8, 7), Buffer.from([0xff, 0xff])]);
  assert.deepEqual([...readCards(list.toString("base64"))], [[whole.subarray(0, 8).toString("base64"), 276], ["BwcHBwcHBwc=", "stopped"]]);
});
