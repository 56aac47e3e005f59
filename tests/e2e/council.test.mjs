// A council at work, once with everything it may have: members are appointed, a session is convened and opened by roll
// call on one laptop, the wall shows what is put, two phones vote, a late member says that she has come, paper is keyed by
// two people on the same laptop, and the minutes and the notice end it. Then a short session by hands alone.
//
// The tests of this file are the chapters; each goes on where the one before it ended.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { shot } from "./browser.mjs";
import { PHONE, openTown, submit, visible } from "./town.mjs";

let town, laptop, wall;
const story = {};

before(async () => {
  town = await openTown();
  // The phones are to see the session of this story.
  await town.endSession();
  laptop = await town.enter("admin");
  wall = await town.enter("auditor");
});
after(() => town?.close());

/** A chapter is not read when one before it broke off. */
let broken;
const chapter = (name, tell) =>
  test(name, async (t) => {
    if (broken) return t.skip(`“${broken}” failed`);
    try {
      await tell();
    } catch (error) {
      broken = name;
      throw error;
    }
  });

const at = (rest = "") => `${town.address}/sessions/${story.number}${rest}`;
const SECOND = "feng";

async function appoint({ account, name, household }) {
  await laptop.goto(`${town.address}/council`);
  await laptop.selectOption("#area", { label: story.area });
  if (account) await laptop.selectOption("#user", { label: account });
  if (name) await laptop.fill("#name", name);
  if (household) await laptop.fill("#household", household);
  await submit(laptop, laptop.getByRole("button", { name: "聘任" }));
  assert.match(await laptop.locator(".notice.ok").innerText(), /已聘任/);
}

/** Convenes for today. */
async function convene(ballot) {
  await laptop.goto(`${town.address}/sessions`);
  await laptop.locator(".choice", { hasText: story.area }).first().click();
  await laptop.fill("#held_on", await laptop.getAttribute("#held_on", "min"));
  await laptop.fill("#place", "社区议事厅");
  await laptop.locator(`input[name="ballot"][value="${ballot}"]`).check({ force: true });
  await submit(laptop, laptop.getByRole("button", { name: "登记开会" }));
  story.number = laptop.url().match(/sessions\/(\d+)/)[1];
}

/** Deeds that wait for this council. */
async function deeds(items) {
  const occurred_on = town.today();
  for (const [household, item] of items) {
    const { id } = await town.api("building", "/awards", { household, item, occurred_on });
    await town.api("grid", `/awards/${id}/verification`, { decision: "approve" });
  }
}

chapter("members are appointed: with an account, by name alone, with the household from which they step back", async () => {
  await laptop.goto(`${town.address}/users`);
  await laptop.fill("#name", SECOND);
  await laptop.fill("#display_name", "冯婶");
  await laptop.selectOption("#role", "council_member");
  await laptop.fill("#password", "jishan-demo");
  await submit(laptop, laptop.getByRole("button", { name: "增加" }));

  const [first] = await town.households();
  story.own = first.code;
  await laptop.goto(`${town.address}/council`);
  // The council of a grid: its deeds are few, so that the evening is short.
  story.area = (await laptop.locator("#area option").allInnerTexts()).map((text) => text.trim()).find((text) => /网格$/.test(text));
  const accounts = (await laptop.locator("#user option").allInnerTexts()).map((text) => text.trim());
  await appoint({ account: accounts.find((text) => text.includes("council")) });
  await appoint({ account: accounts.find((text) => text.includes(SECOND)), name: "冯婶" });
  await appoint({ name: "周老师", household: story.own });
  await appoint({ name: "吴大姐" });
  await appoint({ name: "郑大爷" });
  await laptop.goto(`${town.address}/council`);
  for (const name of ["冯婶", "周老师", "吴大姐", "郑大爷"]) assert.ok((await visible(laptop)).includes(name), name);
});

chapter("a secret session opens by roll call when enough are there", async () => {
  const homes = (await town.households()).slice(0, 3).map((home) => home.code);
  await deeds([[homes[0], "A03"], [homes[1], "A03"]]);
  await convene("secret");
  await wall.goto(at("/screen"));
  assert.match(await visible(wall), /会议还没有开始/);
  const ticked = laptop.locator(".roll li", { hasText: "冯婶" }).locator("input[type=checkbox]");
  assert.match(await laptop.locator("[data-roll-count]").innerText(), /到会5人，最少4人，可以开会/);
  await ticked.uncheck({ force: true });
  assert.match(await laptop.locator("[data-roll-count]").innerText(), /到会4人，最少4人，可以开会/);
  await laptop.locator(".roll li", { hasText: "吴大姐" }).locator("input[type=radio]").check({ force: true });
  await shot(laptop, "council-roll-1280");
  await submit(laptop, laptop.getByRole("button", { name: "开会", exact: true }));
  assert.match(await visible(laptop), /到会4人，最少4人/);
});

chapter("the wall follows by itself and names nobody in full", async () => {
  await wall.locator("h1", { hasText: /批量确认|户：/ }).waitFor();
  const seen = await visible(wall);
  assert.match(seen, /已投\s*0\s*人/);
  const heads = (await town.households()).map((home) => home.head);
  for (const head of heads) assert.ok(!seen.includes(head), head);
  await shot(wall, "council-wall-1280");
});

chapter("two phones vote, one of them late; who voted is seen, how is not", async () => {
  const phone = await town.enter("council", { viewport: PHONE });
  const late = await town.enter(SECOND, { viewport: PHONE, js: false });
  await phone.goto(`${town.address}/vote`);
  await late.goto(`${town.address}/vote`);
  await submit(late, late.getByRole("button", { name: "我到了" }));
  await shot(phone, "council-phone-360");
  await submit(phone, phone.getByRole("button", { name: "赞成", exact: true }));
  assert.match(await visible(phone), /已投票/);
  assert.doesNotMatch(await visible(phone), /已投票：赞成/);
  await submit(late, late.getByRole("button", { name: "反对", exact: true }));
  // The laptop hears of it without a hand on it.
  await laptop.getByText("已投2人").waitFor();
  await wall.locator(".wall-count b").first().filter({ hasText: "2" }).waitFor();
  assert.doesNotMatch(await visible(laptop), /赞成1|反对1/);
  story.phones = [phone, late];
});

chapter("the others voted on paper, which two people key on the one laptop until both agree", async () => {
  await laptop.goto(at());
  const paper = Number((await visible(laptop)).match(/应投(\d+)人，已投2人/)[1]) - 2;
  const key = async (form, counts, more = {}) => {
    for (const [name, value] of Object.entries({ ...counts, ...more })) await form.locator(`[name="${name}"]`).fill(String(value));
    await submit(laptop, form.locator("button"));
  };
  const tallies = laptop.locator('form[action$="/tallies"]');
  await key(tallies.first(), { votes_for: paper + 1, votes_against: 0, abstentions: 0 });
  assert.match(await laptop.locator("[role=alert]").first().innerText(), /多于还没有投票的/);
  await key(tallies.first(), { votes_for: paper, votes_against: 0, abstentions: 0 });
  await key(tallies.first(), { votes_for: paper - 1, votes_against: 1, abstentions: 0 }, { second: "grid", password: "jishan-demo" });
  assert.match(await visible(laptop), /两人录的票数不一样/);
  await shot(laptop, "council-tally-1280");
  await key(tallies.nth(1), { votes_for: paper, votes_against: 0, abstentions: 0 }, { second: "grid", password: "jishan-demo" });
  assert.match(await visible(laptop), /通过：赞成\d+，反对1，弃权0/);
});

chapter("the rest is ended, the session closed with minutes, the result published", async () => {
  for (let left = 80; left && (await laptop.getByText("正在表决").count()); left -= 1) {
    const fold = laptop.locator("details", { has: laptop.locator('form[action$="/end-of-voting"]') });
    await fold.locator("summary").click();
    await submit(laptop, fold.locator("button"));
  }
  await laptop.fill("#minutes", "大家都说公道。\n路灯的事下月再议。");
  await submit(laptop, laptop.getByRole("button", { name: "散会" }));
  await story.phones[1].goto(`${town.address}/vote`);
  assert.match(await visible(story.phones[1]), /现在没有会议/);
  await submit(laptop, laptop.getByRole("link", { name: "写公示说明，公示" }));
  await submit(laptop, laptop.locator('[value="publish"]'));
  assert.match(new URL(laptop.url()).pathname, /^\/notices\/\d+$/);
  assert.match(await visible(laptop), /觉得哪一条不对/);
  await laptop.goto(at("/minutes"));
  const minutes = await visible(laptop);
  for (const part of ["路灯的事下月再议", "冯婶", "主持人签字", "赞成"]) assert.ok(minutes.includes(part), part);
  await shot(laptop, "council-minutes-1280");
});

chapter("without a script: hands, everybody in favour, in two presses", async () => {
  const [, second] = await town.households();
  await deeds([[second.code, "A04"]]);
  await convene("open");
  const plain = await town.enter("admin", { js: false });
  await plain.goto(at());
  await submit(plain, plain.getByRole("button", { name: "开会", exact: true }));
  await submit(plain, plain.getByRole("button", { name: "全部赞成" }));
  assert.match(await visible(plain), /通过：赞成\d+，反对0，弃权0/);
});

test("no page complained", () => assert.deepEqual(town.complaints, []));
