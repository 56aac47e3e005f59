// A year of the town through the browser: twelve councils, each from the deed on a building head's phone to the points on the
// statement, with an objection that is right, an appeal that is won, a household that splits and one that is merged, a month
// without money, and points that expire. After each month the books are proved by the command.
//
// The tests of this file are the months; each goes on where the one before it ended.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PHONE, openTown, submit, visible } from "./town.mjs";

// A small deed that everybody may do each month, and a large one that the council decides alone.
const SMALL = "D07", LARGE = "C04";
const MONTHS = 12;
// The month whose budget is one point.
const STOPPED = 8;

let town, laptop, building, grid;
const story = { sessions: [] };

before(async () => {
  town = await openTown({ households: 60 });
  laptop = await town.enter("admin", { js: false });
  building = await town.enter("building", { js: false, viewport: PHONE });
  grid = await town.enter("grid", { js: false });
});
after(() => town?.close());

const button = (page, name) => page.getByRole("button", { name });
const at = (path) => town.address + path;

/** The month and day on the strip above every page. */
async function today() {
  const [, month, day] = (await laptop.locator(".demo-strip b").innerText()).match(/(\d+)月(\d+)日/);
  return { month: Number(month), day: Number(day) };
}

/** Moves the clock on to the next council day. */
async function toCouncilDay() {
  await laptop.goto(at("/desk"));
  const jump = button(laptop, /快进到/);
  await submit(laptop, (await jump.count()) ? jump : button(laptop, "快进一天"));
  assert.equal((await today()).day, 25);
}

async function days(count) {
  for (let nth = 0; nth < count; nth += 1) await submit(laptop, button(laptop, "快进一天"));
}

/** A building head reports a deed on a phone; the grid worker verifies it. Answers its page. */
async function report(household, item, note = "邻里都看见了") {
  await building.goto(at(`/nominations/new?household=${household.code}&item=${item}`));
  await building.fill("#note", note);
  await submit(building, building.getByRole("button", { name: "提交", exact: true }));
  const { pathname } = new URL(building.url());
  assert.match(await building.locator(".notice.ok").innerText(), /已申报/);
  await grid.goto(at(pathname));
  await submit(grid, grid.locator('button[value="approve"]'));
  assert.match(await grid.locator(".notice.ok").innerText(), /核实通过/);
  return pathname;
}

/** The council meets; everybody is in favour, but of the deed at `against`. The result is published. Answers the notice. */
async function meet(against) {
  await laptop.goto(at("/sessions"));
  await laptop.locator('input[name="area"]').first().check({ force: true });
  await laptop.fill("#place", "社区议事厅");
  await submit(laptop, button(laptop, "登记开会"));
  const number = new URL(laptop.url()).pathname.split("/").pop();
  await submit(laptop, laptop.getByRole("button", { name: "开会", exact: true }));
  const favour = button(laptop, "全部赞成");
  while (await favour.count()) {
    const motion = await laptop.locator(".motion").innerText();
    if (against && motion.includes(against)) {
      const hands = laptop.locator('form[action$="/hands"] input[value="against"]');
      for (let nth = 0; nth < (await hands.count()); nth += 1) await hands.nth(nth).check({ force: true });
      await submit(laptop, button(laptop, "记下选好的"));
    } else {
      await submit(laptop, favour);
    }
  }
  await submit(laptop, button(laptop, "散会"));
  story.sessions.push(number);
  await laptop.goto(at(`/sessions/${number}/notice`));
  await submit(laptop, laptop.locator('[value="publish"]'));
  assert.match(new URL(laptop.url()).pathname, /^\/notices\/\d+$/);
  return new URL(laptop.url()).pathname;
}

async function booksHold() {
  const { stdout } = await promisify(execFile)(process.env.JISHAN_BIN, ["check-books", "--data", town.demo.folder]);
  assert.match(stdout, /\S/);
}

/** What a household's statement says. */
async function statement(code) {
  await grid.goto(at(`/households/${code}/statement`));
  return visible(grid);
}

test("the session that is open ends first", async () => {
  const number = await town.endSession();
  await laptop.goto(at(`/sessions/${number}/notice`));
  await submit(laptop, laptop.locator('[value="publish"]'));
  const homes = (await town.households()).filter((home) => home.code.startsWith("C01-"));
  // Four with a part of their own, and two whom their neighbours praise every month.
  [story.objected, story.appealed, story.split, story.merged, story.survivor, ...story.praised] = homes.slice(5, 12);
  await booksHold();
});

/** What is particular to a month, before its council and after its notice is out. */
const PARTICULAR = {
  2: { before: theDeedThatIsObjectedTo, after: theObjection },
  4: { before: theDeedThatIsDeclined, against: "丧事从简", after: theAppeal },
  5: { before: theSplit },
  6: { before: theMerge },
  [STOPPED]: { before: theStop },
};

for (let nth = 1; nth <= MONTHS; nth += 1) {
  test(`month ${nth}: reported, verified, decided, published, posted`, async () => {
    await toCouncilDay();
    const { before: begin, against, after: end } = PARTICULAR[nth] ?? {};
    const deeds = [];
    for (const home of story.praised) deeds.push(await report(home, SMALL));
    await begin?.();
    const notice = await meet(against);
    await end?.(notice);
    // Three days on the notice; nothing counts before.
    await days(3);
    await expectAll(deeds, "公示中");
    await days(1);
    await expectAll(deeds, nth === STOPPED ? "排队等预算" : "已入账");
    // What waited for the last month's budget has posted with the new one.
    await expectAll(story.waiting ?? [], "已入账");
    story.waiting = nth === STOPPED ? deeds : null;
    await booksHold();
  });
}

/** Where these deeds stand: the badge of each one's page. */
async function expectAll(deeds, state) {
  for (const path of deeds) {
    await grid.goto(at(path));
    assert.equal(await grid.locator("main h1 + .badge").innerText(), state, path);
  }
}

async function theDeedThatIsObjectedTo() {
  story.doubtful = await report(story.objected, LARGE, "喜事简办");
}

async function theObjection(notice) {
  const passer = await town.enter(null, { js: false, viewport: PHONE });
  await passer.goto(at(notice));
  await grid.goto(at(story.doubtful));
  const slip = (await visible(grid)).match(/条目编号\s?(\d+-\d+)/)[1];
  await passer.goto(at(`/objections/new?slip=${slip}`));
  if (await passer.locator("input#slip").count()) await passer.fill("#slip", slip);
  await passer.fill("#reason", "那天摆了二十多桌，不算简办。");
  await submit(passer, button(passer, "提交异议"));
  const receipt = (await visible(passer)).match(/\d{3} \d{3} \d{4}/)[0].replaceAll(" ", "");
  const deputy = await town.enter("deputy", { js: false });
  await deputy.goto(at(`/objections/${receipt}/decision`));
  await deputy.fill("#reason", "核对了礼簿，桌数超过约定。");
  await submit(deputy, deputy.locator('button[value="upheld"]'));
  await passer.goto(at(`/objections/${receipt}`));
  assert.match(await visible(passer), /成立/);
  await grid.goto(at(story.doubtful));
  assert.match(await visible(grid), /不予入账/);
  await passer.context().close();
  await deputy.context().close();
}

async function theDeedThatIsDeclined() {
  story.declined = await report(story.appealed, LARGE, "丧事从简");
}

async function theAppeal() {
  await grid.goto(at(story.declined));
  assert.match(await visible(grid), /未通过/);
  const points = await town.pointsOf(story.appealed.code);
  await grid.goto(at(`/appeals/take?household=${story.appealed.code}`));
  await grid.locator('input[name="subject"]').first().check({ force: true });
  await grid.locator('input[name="channel"]').first().check({ force: true });
  await grid.fill("#reason", "事前报备过，报备表在网格办公室。");
  await submit(grid, button(grid, "登记，出回执"));
  const receipt = (await visible(grid)).match(/\d{3} \d{3} \d{4}/)[0].replaceAll(" ", "");
  const path = `/appeals/${receipt}/hearing`;
  const deputy = await town.enter("deputy", { js: false });
  await deputy.goto(at(path));
  await submit(deputy, button(deputy, "受理，定下复议组"));
  await deputy.fill("#hearing", "住户拿来了报备表，日期在办事以前。");
  await submit(deputy, button(deputy, "记下"));
  for (const name of ["deputy", "admin"]) {
    const member = name === "deputy" ? deputy : await town.enter(name, { js: false });
    await member.goto(at(path));
    for (let form; (form = member.locator('form[action$="/opinions"]').first()) && (await form.count()); ) {
      await form.locator("textarea").fill("报备在前，应当算。");
      await submit(member, form.locator('button[value="uphold"]'));
    }
    if (member !== deputy) await member.context().close();
  }
  await deputy.goto(at(path));
  assert.match(await visible(deputy), /申诉成立/);
  await deputy.context().close();
  assert.ok((await town.pointsOf(story.appealed.code)) > points, "what the appeal won is there at once");
  await grid.goto(at(story.declined));
  assert.match(await visible(grid), /申诉成立/);
}

async function change(household, kind, fields) {
  await laptop.goto(at(`/households/${household.code}/changes/${kind}`));
  for (const [name, value] of Object.entries(fields)) await laptop.fill(`#${name}`, value);
  await laptop.fill("#reason", "家里商量好了");
  await submit(laptop, button(laptop, "下一步：核对"));
  await submit(laptop, button(laptop, "确认办理"));
}

async function theSplit() {
  const points = await town.pointsOf(story.split.code);
  const part = Math.floor(points / 2);
  await change(story.split, "split", { head_name: "叶向荣", people: "1", points: String(part), room: "909" });
  assert.equal(await town.pointsOf(story.split.code), points - part);
  await laptop.goto(at(`/households?query=${encodeURIComponent("叶向荣")}`));
  const code = (await laptop.locator("tbody td").first().innerText()).trim();
  assert.equal(await town.pointsOf(code), part, "what the new household got is what the old one gave");
}

async function theMerge() {
  const [points, others] = [await town.pointsOf(story.merged.code), await town.pointsOf(story.survivor.code)];
  await change(story.merged, "merge", { into: story.survivor.code });
  assert.deepEqual([await town.pointsOf(story.merged.code), await town.pointsOf(story.survivor.code)], [0, points + others]);
}

async function setBudget(month, points) {
  await laptop.goto(at("/budget"));
  const area = await laptop.locator("#area option").evaluateAll((all) => all.find((one) => /社区|召店|村/.test(one.textContent) && !/网格/.test(one.textContent)).value);
  await laptop.selectOption("#area", area);
  await laptop.locator("#from_month").selectOption({ index: month });
  await laptop.fill("#points", String(points));
  await laptop.fill("#soft_percent", "80");
  await laptop.fill("#reason", "居民代表会议决定");
  await submit(laptop, button(laptop, "定预算"));
}

async function theStop() {
  await setBudget(1, 5_000);
  await setBudget(0, 1);
}

test("every month's deed is in the books, one of them after the month that it waited", async () => {
  for (const { code } of story.praised) {
    const posted = (await town.linesOf(code)).filter((line) => line.kind === "award" && line.item === SMALL);
    assert.ok(posted.length >= MONTHS, `${code}: ${posted.length}`);
  }
});

test("points of last year expired in spring, after their day of grace, and the statement says so", async () => {
  const expired = [];
  for (const { code } of await town.households()) {
    if ((await town.linesOf(code)).some((line) => line.kind === "other" && /到期/.test(line.text))) expired.push(code);
  }
  assert.ok(expired.length > 0);
  assert.match(await statement(expired[0]), /到期/);
});

test("the auditor finds the whole year, and no page complained", async () => {
  const auditor = await town.enter("auditor", { js: false });
  for (const number of story.sessions) {
    await auditor.goto(at(`/sessions/${number}/minutes`));
    assert.match(await visible(auditor), /主持人签字/);
  }
  assert.equal(story.sessions.length, MONTHS);
  assert.deepEqual(town.complaints, []);
});
