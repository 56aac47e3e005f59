// The main job as one story, each in their own browser: a building head reports a good deed, a grid worker verifies it, the
// council decides, a notice hangs for some days, the points are posted, the household gets a card, buys salt and soap with it, brings everything back, loses the card and gets another. In the end an
// auditor looks at it all, and a stranger at nothing.
//
// The tests of this file are the chapters; each goes on where the one before it ended.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { shot, signIn } from "./browser.mjs";
import { readQr } from "./qr.mjs";
import { PHONE, basket, goods, numbers, openTown, scan, settled, submit, visible, toCounter } from "./town.mjs";

const DEED = { item: "C04", name: "红白事简办并事前报备", points: 20, note: "儿子结婚，只摆了八桌", told: "婚事简办，事前报备，不收厚礼" };
const MINUTES = "大家都说办得好。";
const SALT = "食盐", SOAP = "香皂";

let town;
// What the story has come to.
const story = {};

before(async () => {
  town = await openTown();
  // One council sits once at a time.
  await town.endSession();
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

const statementOf = (code) => `${town.address}/households/${encodeURIComponent(code)}/statement`;

/** The statement's newest lines as a reader sees them, and the balance above them. */
async function statement(page) {
  await page.goto(statementOf(story.household.code));
  await page.locator("tbody tr").first().waitFor();
  const balance = Number((await page.locator(".points").innerText()).replace(/\D/g, ""));
  const lines = await page.locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => {
      const cell = (label) => row.querySelector(`[data-label="${label}"]`).textContent.trim();
      return { what: row.querySelector("th").innerText, slip: cell("凭条号").match(/^\d+/)[0], points: cell("积分"), balance: Number(cell("余额")) };
    }),
  );
  return { balance, lines };
}

/** The letters that a name's pinyin begins with, by the order in which Chinese dictionaries put the characters. */
function initials(name) {
  const first = { 阿: "a", 八: "b", 嚓: "c", 咑: "d", 妸: "e", 发: "f", 旮: "g", 哈: "h", 丌: "j", 咔: "k", 垃: "l", 妈: "m", 拿: "n", 噢: "o", 妑: "p", 七: "q", 然: "r", 仨: "s", 他: "t", 挖: "w", 夕: "x", 丫: "y", 匝: "z" };
  const { compare } = new Intl.Collator("zh-Hans-CN-u-co-pinyin");
  return [...name].map((character) => Object.keys(first).findLast((begin) => compare(begin, character) <= 0)).map((begin) => first[begin]).join("");
}

chapter("a building head signs in, finds a household by its initials and reports a good deed", async () => {
  // The balance must be a number that stands nowhere else on the till's screen; otherwise looking for it there proves nothing.
  const till = await town.enter("shop");
  await toCounter(till, town.address);
  const onTheShelves = numbers(await visible(till));
  await till.context().close();
  // Nothing else of theirs is on its way; neither this month's share nor the community's budget is used up.
  const month = town.today().slice(0, 7);
  const free = new Set();
  for (const { code } of await town.households()) {
    if (code.startsWith("C01-") && !(await town.api("admin", `/households/${code}`)).pending_points) free.add(code);
  }
  const isUntouched = (lines) =>
    lines.filter((line) => line.kind === "award" && line.effective_on.startsWith(month)).reduce((sum, line) => sum + line.points, 0) <= 10 &&
    !lines.some((line) => line.item === DEED.item);
  story.household = await town.resident({
    ready: ({ code, points, head, lines }) =>
      free.has(code) && isUntouched(lines) && points > 0 && !onTheShelves.has(String(points + DEED.points)) && /^[\u4e00-\u9fa5]{2,3}$/.test(head),
  });
  story.before = story.household.points;

  const page = town.watch(await (await town.browser.newContext({ viewport: PHONE, locale: "zh-CN" })).newPage());
  await signIn(page, town.address, "building");
  story.nominator = (await page.locator(".who span").textContent()).trim().split(/\s/)[0];
  await page.locator(".tiles a", { hasText: "申报好事" }).click();
  await page.fill("#query", initials(story.household.head));
  await submit(page, page.getByRole("button", { name: "查找" }));
  const choice = page.locator(`.big-list a[href*="household=${story.household.code}"]`);
  assert.equal(await choice.count(), 1, `${initials(story.household.head)} finds ${story.household.head}`);
  await submit(page, choice);
  const item = page.locator(`a[href*="item=${DEED.item}"]`).first();
  if (!(await item.isVisible())) await page.locator("details", { has: item }).locator("summary").click();
  await submit(page, item);
  await page.fill("#note", DEED.note);
  await shot(page, "nominate-360");
  await submit(page, page.getByRole("button", { name: "提交", exact: true }));

  story.nomination = new URL(page.url()).pathname;
  assert.match(story.nomination, /^\/nominations\/[0-9a-f-]{36}$/);
  const told = await visible(page);
  assert.match(told, /已申报，等别人核实，再由评议会评议、公示/);
  assert.match(told, /待核实/);
  assert.match(told, /自己申报的，由他人核实/);
  assert.equal(await page.locator('[name="decision"]').count(), 0, "nobody verifies what they reported themselves");
  assert.equal(await town.pointsOf(story.household.code), story.before, "nothing is posted before it is verified");
  await page.context().close();
});

chapter("a grid worker sees it waiting, looks at the rule and verifies it", async () => {
  const page = await town.enter("grid");
  await page.goto(`${town.address}/desk`);
  story.verifier = (await page.locator(".who span").textContent()).trim().split(/\s/)[0];
  const tile = page.locator(".tiles a", { hasText: "待核实" });
  const waiting = Number((await tile.locator(".count").innerText()).match(/\d+/)[0]);
  assert.ok(waiting > 0);
  await tile.click();
  await page.locator(`a[href="${story.nomination}"]`, { hasText: "去核实" }).click();
  await page.locator('[name="decision"]').first().waitFor();
  const seen = await visible(page);
  for (const part of [DEED.name, DEED.note, story.nominator, "依据的规则", "凭什么"]) assert.ok(seen.includes(part), part);
  await page.fill("#reason", "看了事前报备表");
  await submit(page, page.locator('button[name="decision"][value="approve"]'));

  assert.match(await page.locator(".notice.ok").innerText(), /核实通过，等评议会评议/);
  assert.equal(await town.pointsOf(story.household.code), story.before, "nothing is posted before the council has decided");
  await page.goto(`${town.address}/desk`);
  const left = Number((await page.locator(".tiles a", { hasText: "待核实" }).locator(".count").innerText()).match(/\d+/)[0]);
  assert.equal(left, waiting - 1);
  await page.context().close();
});

chapter("the council meets: on one laptop it is convened, opened by roll call, and votes on this deed alone", async () => {
  const page = (story.laptop = await town.enter("admin"));
  await page.goto(`${town.address}/sessions`);
  await page.locator('input[name="area"]').first().check({ force: true });
  await page.fill("#held_on", town.today());
  await page.fill("#place", "社区议事厅");
  await submit(page, page.getByRole("button", { name: "登记开会" }));
  story.session = new URL(page.url()).pathname.match(/^\/sessions\/(\d+)$/)[1];
  assert.match(await page.locator("[data-roll-count]").innerText(), /到会\d人，最少\d人，可以开会/);
  await submit(page, page.getByRole("button", { name: "开会", exact: true }));

  const favour = page.getByRole("button", { name: "全部赞成" });
  while (await favour.count()) {
    const seen = await page.locator(".motion").innerText();
    if (seen.includes(DEED.note)) {
      for (const part of [DEED.name, story.household.head, "看了事前报备表"]) assert.ok(seen.includes(part), part);
      assert.ok(!seen.includes("抽出单独表决"), "a deed of the highest level is decided on its own");
      await shot(page, "session-motion-1280");
      story.heard = true;
    }
    await submit(page, favour);
  }
  assert.ok(story.heard, "the deed was on the agenda");
  await page.fill("#minutes", MINUTES);
  await submit(page, page.getByRole("button", { name: "散会" }));
  assert.match(await visible(page), new RegExp(`${DEED.name}[^]*?通过：赞成\\d+，反对0，弃权0`));
  assert.equal(await town.pointsOf(story.household.code), story.before, "what the council carried is held until the notice is over");
});

chapter("what was carried is written for the public, looked at and published", async () => {
  const page = story.laptop;
  await submit(page, page.getByRole("link", { name: "写公示说明，公示" }));
  assert.equal(new URL(page.url()).pathname, `/sessions/${story.session}/notice`);
  const sentence = page.locator(".field", { hasText: DEED.name }).filter({ hasText: DEED.note }).locator("input");
  await sentence.fill(`${story.household.head}家${DEED.told}`);
  await submit(page, page.locator('[value="save"]'));
  assert.match(await page.locator("[role=alert]").innerText(), /没有保存/, "no name goes to the wall");
  await page.locator('input[aria-invalid="true"]').fill(DEED.told);
  await submit(page, page.locator('[value="save"]'));
  assert.match(await page.locator(".notice.ok").innerText(), /已保存/);
  assert.ok((await page.locator("tbody tr", { hasText: DEED.told }).innerText()).includes(DEED.name));
  await shot(page, "draft-1280");
  await submit(page, page.locator('[value="publish"]'));
  story.notice = new URL(page.url()).pathname;
  assert.match(story.notice, /^\/notices\/\d+$/);
  story.row = (await page.locator("tbody tr", { hasText: DEED.told }).locator(".slip-number").innerText()).trim();
  assert.match(story.row, new RegExp(`^${story.notice.split("/").pop()}-\\d+$`));
  const [, month, day] = (await visible(page)).match(/(\d+)月(\d+)日自动入账/);
  story.postsOn = `${month}月${day}日`;

  // Everybody may read it, and learns the family name and the building.
  const passer = await town.enter(null, { viewport: PHONE });
  await passer.goto(town.address);
  await passer.goto(town.address + story.notice);
  const row = await passer.locator("tbody tr", { hasText: DEED.told }).innerText();
  assert.ok(row.includes(`${[...story.household.head][0]}*`), row);
  assert.ok(!(await passer.content()).includes(story.household.head));
  await shot(passer, "notice-360");
  const touch = (one, other) => one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
  const parts = await passer.locator("tbody tr").first().locator("th, td").evaluateAll((cells) => cells.map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const { x, y, width, height } = range.getBoundingClientRect();
    return { x, y, width, height };
  }));
  for (const [at, one] of parts.entries()) for (const other of parts.slice(at + 1)) assert.ok(!touch(one, other), "nothing lies over anything else");
  await passer.context().close();
  assert.equal(await town.pointsOf(story.household.code), story.before);
});

chapter("while the notice hangs nothing counts; the morning after its last day the points are there", async () => {
  const page = story.laptop;
  await page.goto(statementOf(story.household.code));
  assert.match(await page.locator(".coming").first().innerText(), new RegExp(`${story.row}[^]*${DEED.name}[^]*\\+${DEED.points}`));
  let days = 0;
  for (; !(await page.locator(".demo-strip b").innerText()).startsWith(story.postsOn); days += 1) {
    assert.ok(days < 10, `the notice ends on ${story.postsOn}`);
    assert.equal(await town.pointsOf(story.household.code), story.before, `after ${days} days`);
    await town.moveOn(page);
    assert.equal(page.url(), statementOf(story.household.code), "the clock's button leads back to the page");
  }
  assert.ok(days > 3, `three whole days, not ${days}`);
  story.points = story.before + DEED.points;
  assert.equal(await town.pointsOf(story.household.code), story.points);
});

chapter("the household's statement shows the rule, who reported it, who verified it, the session, the notice and the new balance", async () => {
  story.grid = await town.enter("grid");
  const { balance, lines } = await statement(story.grid);
  await shot(story.grid, "statement-1280");
  assert.equal(balance, story.points);
  const [line] = lines;
  story.slip = line.slip;
  assert.ok(line.what.startsWith(`${DEED.item} ${DEED.name}`), line.what);
  assert.match(line.what, /每次\s?20\s?分.*最多\s?40\s?分/, "the rule with its points and its cap");
  assert.ok(line.what.includes(DEED.note));
  assert.ok(line.what.includes(`${story.nominator}申报，${story.verifier}核实，第${story.session}次评议会通过，公示条目${story.row}`), line.what);
  assert.deepEqual([line.points, line.balance], [`+${DEED.points}`, story.points]);

  // The slip leads through every step, and the number on the notice to the same page.
  await story.grid.locator(`a[href="/trace/${story.slip}"]`).click();
  await story.grid.locator(".steps").waitFor();
  const steps = await story.grid.locator(".steps").innerText();
  for (const part of [story.nominator, story.verifier, `第${story.session}次`, story.row]) assert.ok(steps.replace(/\s/g, "").includes(part), `${part}:\n${steps}`);
  await shot(story.grid, "trace-1280");
  await story.grid.goto(`${town.address}/trace/${story.row}`);
  const again = await story.grid.locator(".steps").innerText();
  // A step does not lead to the page on which it stands.
  assert.equal(again.replace(`第${story.slip}号凭条 `, ""), steps);
});

/** Hands out a new card as the page does, and reads what is on the paper. */
async function issueCard() {
  const page = story.grid;
  await page.goto(`${town.address}/households/${encodeURIComponent(story.household.code)}`);
  await submit(page, page.locator('form[action$="/cards"] button'));
  const drawing = page.locator(".qr svg");
  const card = {
    number: (await page.locator(".id-card b").innerText()).replace(/\s/g, ""),
    text: readQr(await drawing.evaluate((svg) => svg.outerHTML)),
    picture: await drawing.screenshot(),
    paper: await page.locator(".id-card").innerText(),
  };
  // As the phone opens it.
  card.address = new URL(card.text).href;
  return card;
}

chapter("the household gets a card whose code is shown this once, without a name or a balance on it", async () => {
  story.card = await issueCard();
  await shot(story.grid, "card-1280");
  assert.match(story.card.text, new RegExp(`^HTTP://[0-9.:]+/K/${story.card.number}-[0-9A-Z]{12}$`));
  assert.ok(!story.card.paper.includes(story.household.head));
  assert.ok(!numbers(story.card.paper.replace(/[\d ]{10,}/, "")).has(String(story.points)));
  const secret = story.card.text.split("-").pop();
  await story.grid.goto(`${town.address}/households/${encodeURIComponent(story.household.code)}`);
  assert.ok((await visible(story.grid)).replace(/\s/g, "").includes(story.card.number));
  assert.ok(!(await story.grid.content()).includes(secret), "the secret is never shown again");
});

/** Looks for the balance wherever the till could show it: on the screen and in everything that the page was sent. */
function watchForBalance(page) {
  const sent = [];
  page.on("response", (answer) => {
    if (!answer.url().includes("/static/")) sent.push(answer.text().then((text) => [new URL(answer.url()).pathname, text], () => null));
  });
  return async (balances, where) => {
    const seen = await visible(page);
    const shown = where === "slip" ? withoutNumbersOfOtherThings(seen) : seen;
    for (const balance of balances) assert.ok(!numbers(shown).has(String(balance)), `the till's screen shows ${balance} (${where}):\n${seen}`);
    assert.doesNotMatch(seen, /余额|可用积分/, where);
    const answers = (await Promise.all(sent)).filter((answer) => answer && answer[0] === "/counter/quote");
    for (const [, text] of answers) {
      for (const balance of balances) assert.ok(!numbers(text).has(String(balance)), `the till is sent ${balance}: ${text}`);
    }
    return answers.length;
  };
}

const withoutNumbersOfOtherThings = (text) => text.replace(/\d+年\d+月\d+日( \d+:\d+)?|凭条号\s*\d+|\d+ 号|[A-Z]\d+(-[A-Z]?\d+)+/g, "");

chapter("the shopkeeper scans the card and the goods, sees “够” and never the balance, and confirms with F9", async () => {
  const page = (story.till = await town.enter("shop"));
  const noBalance = watchForBalance(page);
  await toCounter(page, town.address);
  const salt = await goods(page, SALT), soap = await goods(page, SOAP), quilt = await goods(page, "棉被");
  story.price = 2 * salt.points + soap.points;
  const secrets = [story.points, story.points - story.price];

  await scan(page, story.card.text);
  await page.locator("#card-state.ok").waitFor();
  const shown = await page.locator("#card-state").innerText();
  assert.ok(shown.includes(`${[...story.household.head][0]}*`), shown);
  assert.ok(!shown.includes(story.household.head), "the full name is not on the till's screen");
  assert.match(shown, /扫卡/);
  await noBalance(secrets, "card");

  await scan(page, salt.barcode);
  await scan(page, salt.barcode);
  await page.keyboard.press("F3");
  await page.keyboard.type(soap.code);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  assert.deepEqual(await basket(page), [`${salt.name} × 2`, `${soap.name} × 1`]);
  assert.equal(await settled(page, "enough"), "够");
  assert.equal(Number(await page.locator("#total").innerText()), story.price);
  await shot(page, "counter-enough-1280");
  await noBalance(secrets, "enough");

  await scan(page, quilt.barcode);
  const missing = story.price + quilt.points - story.points;
  assert.equal(await settled(page, "short"), `差${missing}分`);
  assert.ok(await page.locator("#confirm").isDisabled());
  await shot(page, "counter-short-1280");
  assert.ok((await noBalance(secrets, "short")) >= 3, "the counter asked the server, so there was something to look at");
  await page.keyboard.press("F8");
  await settled(page, "enough");

  await page.keyboard.press("F9");
  await page.waitForURL(/\/redemptions\/[0-9a-f-]{36}\?done=made$/);
  await page.locator(".slip").waitFor();
  story.redemption = new URL(page.url()).pathname;
  const slip = await page.locator(".slip").innerText();
  assert.match(await page.locator(".notice.ok").innerText(), /已兑换，商品可以交给住户/);
  for (const part of [salt.name, soap.name, `${story.price}分`, "扫卡", "领取人签字"]) assert.ok(slip.includes(part), part);
  story.sale = slip.match(/凭条号\s*(\d+)/)[1];
  await shot(page, "slip-1280");
  await noBalance(secrets, "slip");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "下一位", "Enter goes on to the next household");

  // The household's own paper says it.
  await page.emulateMedia({ media: "print" });
  assert.match(await page.locator(".slip").innerText(), new RegExp(`兑换后可用积分：\\s*${story.points - story.price}分`));
  await page.emulateMedia({ media: null });
});

chapter("the statement shows the redemption", async () => {
  const { balance, lines } = await statement(story.grid);
  assert.equal(balance, story.points - story.price);
  for (const bought of [/^兑换：/, /食盐[^、]*× 2/, /香皂[^、]*× 1/]) assert.match(lines[0].what, bought);
  assert.deepEqual([lines[0].slip, lines[0].points, lines[0].balance], [story.sale, `−${story.price}`, balance]);
});

chapter("the shopkeeper voids the slip with a reason, and the statement shows it with the balance as before", async () => {
  const page = story.till;
  assert.equal(new URL(page.url()).pathname, story.redemption);
  await page.selectOption("#reason", "其他原因");
  await submit(page, page.locator("button.danger"));
  assert.match(await page.locator(".notice.bad").innerText(), /请写明作废原因/);
  assert.equal(await town.pointsOf(story.household.code), story.points - story.price);
  await page.selectOption("#reason", "选错商品或数量");
  await submit(page, page.locator("button.danger"));
  assert.match(await visible(page), /已作废/);
  assert.equal(await page.locator("button.danger").count(), 0, "it cannot be voided twice");

  const { balance, lines } = await statement(story.grid);
  assert.equal(balance, story.points);
  assert.match(lines[0].what, new RegExp(`^作废第${story.sale}号凭条：选错商品或数量`));
  assert.deepEqual([lines[0].points, lines[0].balance], [`+${story.price}`, story.points]);
  assert.deepEqual([lines[1].slip, lines[1].balance], [story.sale, story.points - story.price], "the redemption stays in the books");
});

chapter("after a new card was issued, the old one is refused", async () => {
  story.newCard = await issueCard();
  assert.notEqual(story.newCard.number, story.card.number);
  const page = story.till;
  await toCounter(page, town.address);
  const { barcode } = await goods(page, SALT);
  await scan(page, barcode);
  await scan(page, story.card.text);
  assert.equal(await settled(page, "refused"), "此卡已挂失停用，不能兑换");
  assert.match(await page.locator("#card-state").innerText(), /此卡已挂失停用/);
  assert.ok(await page.locator("#confirm").isDisabled());
  await shot(page, "counter-stopped-1280");
  const sent = [];
  page.on("request", (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.keyboard.press("F9");
  assert.match(await page.locator(".flash").textContent(), /此卡已挂失停用/, "F9 says why instead of selling");
  assert.ok(!sent.includes("POST /redemptions"));
  assert.equal(await town.pointsOf(story.household.code), story.points);
});

chapter("a photograph of the new card, taken askew on a table, is recognised", async () => {
  const studio = await town.enter();
  const photo = await studio.evaluate(async (picture) => {
    const card = new Image();
    card.src = `data:image/png;base64,${picture}`;
    await card.decode();
    const table = document.createElement("canvas");
    table.width = 2000;
    table.height = 1500;
    const brush = table.getContext("2d");
    brush.fillStyle = "#a08060";
    brush.fillRect(0, 0, 2000, 1500);
    brush.translate(1000, 750);
    brush.rotate(0.31);
    brush.filter = "blur(1.5px)";
    brush.drawImage(card, -350, -350, 700, 700);
    brush.setTransform(1, 0, 0, 1, 0, 0);
    const light = brush.createLinearGradient(0, 0, 2000, 1500);
    light.addColorStop(0, "rgba(0, 0, 0, 0)");
    light.addColorStop(1, "rgba(0, 0, 0, .35)");
    brush.filter = "none";
    brush.fillStyle = light;
    brush.fillRect(0, 0, 2000, 1500);
    return table.toDataURL("image/jpeg", 0.8).split(",")[1];
  }, story.newCard.picture.toString("base64"));
  await studio.context().close();

  const page = await town.enter("shop", { viewport: PHONE });
  await toCounter(page, town.address);
  await page.setInputFiles("#photo-form [name=photo]", { name: "card.jpg", mimeType: "image/jpeg", buffer: Buffer.from(photo, "base64") });
  await page.locator("#card-state.ok").waitFor();
  assert.match(await page.locator("#card-state").innerText(), /扫卡/, "a photograph proves the card as a scan does");
  assert.ok((await page.locator("#card-state").innerText()).includes(story.household.code));
  await shot(page, "counter-photo-360");
  await page.context().close();
});

chapter("an auditor sees what was done and by whom, and can change nothing", async () => {
  const page = await town.enter("auditor");
  await page.goto(`${town.address}/audit`);
  const rows = await page.locator("tbody tr").evaluateAll((all) => all.map((row) => row.innerText.replace(/\s+/g, " ")));
  await shot(page, "audit-1280");
  // Newest first: the second card, the void, the sale, the first card, the posting, and so back to the nomination.
  const acts = ["制发积分卡", "作废兑换", "兑换", "制发积分卡", "积分入账", "发布公示", "评议会结束", "评议表决", "评议会开会", "核实通过", "申报"].map((act) => ` ${act} `);
  let from = 0;
  for (const act of acts) {
    const at = rows.findIndex((row, place) => place >= from && row.includes(act));
    assert.ok(at >= 0, `${act} is on record after line ${from}:\n${rows.slice(0, 12).join("\n")}`);
    from = at + 1;
  }
  assert.ok(rows.some((row) => row.includes(" 申报 ") && row.includes(story.nominator) && row.includes(DEED.item)));
  assert.ok(rows.some((row) => row.includes(" 核实通过 ") && row.includes(story.verifier)));
  assert.ok(rows.some((row) => row.includes(" 作废兑换 ") && row.includes("选错商品或数量")));
  assert.ok(!rows.some((row) => row.includes(story.household.head)), "the record holds no resident's name");

  const links = await page.locator(".menu a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  const pages = new Set([...links, story.nomination, story.redemption, story.notice, `/sessions/${story.session}`, `/households/${story.household.code}`, `/households/${story.household.code}/statement`]);
  for (const path of pages) {
    const answer = await page.goto(town.address + path);
    assert.equal(answer.status(), 200, path);
    const forms = await page.locator('form[method="post" i]').evaluateAll((all) => all.map((form) => form.getAttribute("action")));
    // The clock is the demo's, not the programme's; the language is the reader's own.
    assert.deepEqual(forms, ["/demo/clock", "/sign-out", "/language"], `${path} offers an auditor a form`);
  }
  await page.context().close();
});

chapter("a stranger who scans the card, or opens the site, learns nothing of anybody", async () => {
  const everybody = await town.households();
  const page = await town.enter();
  for (const [address, stopped] of [[town.address, false], [story.newCard.address, false], [story.card.address, true]]) {
    const answer = await page.goto(address);
    assert.equal(answer.status(), 200, address);
    const source = await page.content(), seen = await visible(page);
    assert.equal(seen.includes("此卡已挂失"), stopped, "only a stopped card is spoken of");
    for (const { head, code } of everybody) assert.ok(!source.includes(head) && !source.includes(code), `${address} names ${head}`);
    assert.doesNotMatch(source, /单元|户主|兑换后|荣誉分/, address);
    assert.ok(!numbers(seen).has(String(story.points)), `${address} shows the balance`);
    assert.equal(await page.locator("form:not([action$='/sign-in'], [action='/language'])").count(), 0, "nothing is asked but the PIN");
  }
  await page.context().close();
});

test("no page complained", () => assert.deepEqual(town.complaints, []));
