// The counter under everything that happens to a till: Chinese input methods, guns that stumble, no mouse, no network at
// the worst moment, no script at all, not enough points, a month's share used up, an empty shelf, more goods than a page holds.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { shot } from "./browser.mjs";
import { PHONE, SCREEN, basket, goods, openTown, scan, settled, submit, visible } from "./town.mjs";

const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

let town;
before(async () => { town = await openTown(); });
after(() => town?.close());

/** The counter, with the requests that it sends. */
async function counter(how) {
  const page = await town.enter("shop", how);
  page.sales = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && new URL(request.url()).pathname === "/redemptions") page.sales.push(new URLSearchParams(request.postData()));
  });
  await page.goto(`${town.address}/counter`);
  return page;
}

/** Presses keys at a person's pace; faster ones are a gun's. */
async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
    await page.waitForTimeout(150);
  }
}

/** What a household bought since the test chose it, as its statement tells it. */
const bought = async ({ code, lines }) => {
  const before = new Set(lines.map((line) => line.slip));
  return (await town.linesOf(code)).filter((line) => line.kind === "redemption" && !before.has(line.slip));
};

/** What the page says is wrong, below the basket. */
const notice = async (page) => (await page.locator(".settle .notice.bad").innerText()).trim();

test("a scan arrives although a Chinese input method is on", async () => {
  const { code } = await town.resident();
  const { token } = await town.cardFor(code);
  const page = await counter();
  const salt = await goods(page, "食盐");
  assert.equal(await page.evaluate(() => document.activeElement.id), "counter", "no field has the focus, so the input method sleeps");
  await scan(page, token, { inputMethod: true });
  await page.locator("#card-state.ok").waitFor();
  assert.match(await page.locator("#card-state").innerText(), /扫卡/);
  await scan(page, salt.barcode, { inputMethod: true });
  assert.deepEqual(await basket(page), [`${salt.name} × 1`]);
  // Also with the focus in a field, where the input method has put half of it on the screen.
  await page.keyboard.press("F3");
  await scan(page, salt.barcode, { inputMethod: true });
  assert.deepEqual(await basket(page), [`${salt.name} × 2`]);
  assert.equal(await page.locator("#find").inputValue(), "");
  await page.context().close();
});

test("a scan that came in two pieces is refused loudly, and neither piece is taken for goods", async () => {
  const page = await counter();
  const { barcode } = await goods(page, "食盐");
  await scan(page, barcode, { after: 9, pause: 250 });
  await page.locator(".settle .notice.bad").waitFor();
  assert.equal(await notice(page), "没有扫完整，请再扫一次");
  assert.match(await page.locator(".flash").getAttribute("class"), /bad/);
  assert.deepEqual(await basket(page), []);
  await scan(page, barcode);
  assert.equal((await basket(page)).length, 1, "scanned once more, it is taken");
  assert.ok(await page.locator(".settle .notice.bad").isHidden());
  await scan(page, "6901234567892");
  assert.equal(await notice(page), "没有这个商品：6901234567892");
  await page.context().close();
});

test("a sale by the keyboard alone: number, search, plus and minus, a line away, confirm", async () => {
  const household = await town.resident({ points: 40 });
  const { number } = await town.cardFor(household.code);
  const page = await counter();
  const powder = await goods(page, "洗衣粉"), salt = await goods(page, "食盐"), bulb = await goods(page, "节能灯泡");

  await page.keyboard.press("F2");
  await page.keyboard.type(`${number.slice(0, 3)} ${number.slice(3, 6)} ${number.slice(6)}`);
  await page.keyboard.press("Enter");
  await page.locator("#card-state.ok").waitFor();
  assert.match(await page.locator("#card-state").innerText(), /手输/, "a typed number is marked as such");

  await page.keyboard.press("F3");
  await page.keyboard.type("xyf");
  assert.deepEqual(await page.locator(".goods:not([hidden])").evaluateAll((all) => all.map((one) => one.dataset.name)), [powder.name]);
  await page.keyboard.press("Enter");
  await page.keyboard.type(salt.code);
  await page.keyboard.press("Enter");
  await page.keyboard.type(bulb.sku);
  await page.keyboard.press("Enter");
  assert.deepEqual(await basket(page), [`${powder.name} × 1`, `${salt.name} × 1`, `${bulb.name} × 1`]);

  await press(page, "F8", "Escape");
  assert.deepEqual(await basket(page), [`${powder.name} × 1`, `${salt.name} × 1`]);
  await press(page, "+", "+", "-");
  assert.deepEqual(await basket(page), [`${powder.name} × 1`, `${salt.name} × 2`]);
  await press(page, "ArrowUp", "+");
  assert.deepEqual(await basket(page), [`${powder.name} × 2`, `${salt.name} × 2`]);
  await press(page, "?");
  assert.ok(await page.locator("#help").isVisible());
  await press(page, "Escape");
  assert.ok(await page.locator("#help").isHidden());

  const price = 2 * powder.points + 2 * salt.points;
  assert.equal(await settled(page, "enough"), "够");
  await shot(page, "counter-keyboard-1280");
  await page.keyboard.press("F9");
  await page.waitForURL(/\/redemptions\/.*done=made$/);
  assert.match(await page.locator(".slip").innerText(), /积分卡\s+手输/);
  assert.equal(await town.pointsOf(household.code), household.points - price);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/counter$/);
  await page.context().close();
});

test("another card while there are goods in the basket asks first", async () => {
  const [one, other] = [await town.resident(), await town.resident()];
  const [first, second] = [await town.cardFor(one.code), await town.cardFor(other.code)];
  const page = await counter();
  const { barcode } = await goods(page, "食盐");
  await scan(page, first.token);
  await scan(page, barcode);
  await page.locator("#card-state.ok").waitFor();
  await scan(page, second.token);
  await page.locator(".ask").waitFor();
  await page.keyboard.press("Escape");
  assert.ok((await page.locator("#card-state").innerText()).includes(one.code), "Escape leaves the card as it was");
  await scan(page, second.token);
  await page.getByRole("button", { name: "换卡，留下篮子" }).click();
  await page.locator("#card-state.ok", { hasText: other.code }).waitFor();
  assert.equal((await basket(page)).length, 1);
  await page.context().close();
});

test("when the answer to a sale is lost, the basket stays, and the till asks by itself what became of it: it is made once", async () => {
  const household = await town.resident({ points: 20 });
  const { token } = await town.cardFor(household.code);
  const page = await counter();
  const salt = await goods(page, "食盐"), soap = await goods(page, "香皂");
  await scan(page, token);
  await scan(page, salt.barcode);
  await settled(page, "enough");

  // It is done, but the answer is lost on the way back; and then the line stays cut for a while.
  await page.route("**/counter/offline/*", (route) => route.abort());
  await page.route("**/redemptions", async (route) => {
    await route.fetch({ headers: await route.request().allHeaders(), maxRedirects: 0 });
    await route.abort();
  });
  await page.keyboard.press("F9");
  await page.locator("#status", { hasText: "还不知道是否兑成" }).waitFor();
  assert.equal(page.sales.length, 1);
  assert.deepEqual(await basket(page), [`${salt.name} × 1`], "the basket is kept");
  await scan(page, soap.barcode);
  assert.deepEqual(await basket(page), [`${salt.name} × 1`], "and cannot be changed while nobody knows");
  assert.equal((await bought(household)).length, 1, "it was made");
  await shot(page, "counter-unsure-1280");

  await page.unroute("**/counter/offline/*");
  await page.waitForURL(/\/redemptions\//);
  const made = await bought(household);
  assert.equal(made.length, 1, "one redemption only");
  assert.equal(await town.pointsOf(household.code), household.points - salt.points);
  assert.ok((await page.locator(".slip").innerText()).includes(String(made[0].slip)), "the slip is the one of the sale that was made");
  await page.context().close();
});

test("without a network there is no verdict, and it comes back by itself", async () => {
  const household = await town.resident({ points: 20 });
  const { token } = await town.cardFor(household.code);
  const page = await counter();
  const { barcode, name } = await goods(page, "食盐");
  await page.route("**/counter/quote", (route) => route.abort());
  await scan(page, token);
  await scan(page, barcode);
  assert.match(await settled(page, "refused"), /网络不通，尚未兑换/);
  assert.ok(await page.locator("#confirm").isDisabled());
  await page.unroute("**/counter/quote");
  assert.equal(await settled(page, "enough"), "够");
  assert.deepEqual(await basket(page), [`${name} × 1`]);
  await page.context().close();
});

test("not enough points: it says how many are missing and sells nothing", async () => {
  const household = await town.resident();
  const { token } = await town.cardFor(household.code);
  const page = await counter();
  const quilt = await goods(page, "棉被");
  await scan(page, token);
  await scan(page, quilt.barcode);
  const missing = quilt.points - household.points;
  assert.ok(missing > 0, "the demo's households are not that rich");
  assert.equal(await settled(page, "short"), `差${missing}分`);
  assert.ok(await page.locator("#confirm").isDisabled());
  await page.keyboard.press("F9");
  assert.equal(await page.locator(".flash").textContent(), `差${missing}分`);
  // And the server, if somebody sends the form all the same.
  await page.evaluate(() => document.getElementById("sale").submit());
  await page.locator(".notice.bad[role=alert]").waitFor();
  assert.match(await page.locator(".notice.bad[role=alert]").innerText(), new RegExp(`还差\\s?${missing}\\s?分`));
  assert.deepEqual(await bought(household), []);
  await page.context().close();
});

test("a month's share is written on the shelf, and more than it is refused at its line", async () => {
  const household = await town.resident({ points: 20 });
  const { token } = await town.cardFor(household.code);
  const page = await counter();
  const salt = await goods(page, "食盐");
  const limit = Number((await salt.tile.innerText()).match(/每月限(\d+)袋/)[1]);
  await scan(page, token);
  for (let i = 0; i < limit; i += 1) await scan(page, salt.barcode);
  await settled(page, "enough");
  await scan(page, salt.barcode);
  assert.match(await settled(page, "refused"), new RegExp(`每户每月限兑\\s?${limit}\\s?件`));
  assert.match(await page.locator("#lines .line.refused .error").innerText(), new RegExp(`本月还可兑\\s?${limit}\\s?件`));
  await shot(page, "counter-limit-1280");
  await page.keyboard.press("-");
  assert.equal(await settled(page, "enough"), "够");
  await page.context().close();
});

test("the same sale without JavaScript, as plain forms on a phone", async () => {
  const household = await town.resident({ points: 20 });
  const { number } = await town.cardFor(household.code);
  const page = await counter({ js: false, viewport: PHONE });
  const field = (name) => page.locator(`.goods[data-name^="${name}"] input[type=number]`).first();
  const check = () => submit(page, page.locator("#check"));
  const status = async () => (await page.locator("#status").innerText()).trim();

  await page.fill("#card", "12345");
  await submit(page, page.locator("#card-form button"));
  assert.match(await page.locator("[role=alert]").innerText(), /卡号应为10位数字/);
  await page.fill("#card", `${number.slice(0, 3)} ${number.slice(3, 6)} ${number.slice(6)}`);
  await submit(page, page.locator("#card-form button"));
  assert.match(await page.locator("#card-state").innerText(), /手输/);

  await field("食盐").fill("2");
  await field("棉被").fill("1");
  await check();
  assert.match(await status(), /^差\d+分$/);
  await submit(page, page.locator("#confirm"));
  assert.match(await page.locator("[role=alert]").innerText(), /积分不够/, "refused, and nothing is lost");
  assert.equal(await field("食盐").inputValue(), "2");
  await shot(page, "counter-plain-360");
  await field("棉被").fill("0");
  await check();
  assert.equal(await status(), "够");
  const price = Number(await page.locator("#total").innerText());
  const form = Object.fromEntries(await page.locator("#sale [name]").evaluateAll((fields) => fields.map(({ name, value }) => [name, value])));
  await submit(page, page.locator("#confirm"));
  assert.match(page.url(), /\/redemptions\/.*done=made$/);
  assert.equal(await town.pointsOf(household.code), household.points - price);

  // Going back and sending the form once more is answered like the first time.
  const again = await page.context().request.post(`${town.address}/redemptions`, { form });
  assert.equal(again.url(), page.url());
  assert.equal((await bought(household)).length, 1);
  await page.context().close();
});

test("an empty shelf: the open page is told so, a new one does not offer it", async () => {
  // Two boxes of eggs come in; while one till has its page open, another sells both.
  const keeper = await town.enter("stock");
  await keeper.goto(`${town.address}/stock`);
  await keeper.selectOption("#goods", "G024");
  await keeper.fill("#quantity", "2");
  await keeper.fill("#cost", "8.5");
  await submit(keeper, keeper.getByRole("button", { name: "入库", exact: true }));
  await keeper.context().close();

  const household = await town.resident({ points: 20 });
  const { token } = await town.cardFor(household.code);
  const page = await counter();
  const eggs = await goods(page, "鸡蛋");
  assert.match(await eggs.tile.innerText(), /存2份/);
  const other = await town.resident({ points: 2 * eggs.points });
  await town.api("shop", "/redemptions", { card: (await town.cardFor(other.code)).token, lines: [{ sku: eggs.sku, quantity: 2 }] });

  await scan(page, token);
  await scan(page, eggs.barcode);
  assert.match(await settled(page, "refused"), /鸡蛋.*没有库存/);
  assert.ok(await page.locator("#confirm").isDisabled());
  await page.goto(`${town.address}/counter`);
  const gone = (await goods(page, "鸡蛋")).tile;
  assert.match(await gone.innerText(), /暂时没有货/);
  assert.equal(await gone.locator("input").count(), 0);
  await scan(page, eggs.barcode);
  assert.match(await notice(page), /鸡蛋.*暂时没有货/);
  assert.deepEqual(await basket(page), []);
  await shot(page, "counter-sold-out-1280");
  assert.deepEqual(await bought(household), []);
  await page.context().close();
});

/** What axe finds on the page as it stands, once no flash lies over it. */
async function violations(page) {
  await page.locator(".flash").waitFor({ state: "hidden" });
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => (await axe.run(document, { runOnly: tags, resultTypes: ["violations"] })).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" "))}`), RULES);
}

/** The page is no wider than the screen, and this can be seen and pressed: it is on the screen and nothing lies over it. */
async function inReach(page, selector) {
  await page.locator(".flash").waitFor({ state: "hidden" });
  const found = await page.evaluate((selector) => {
    const wide = document.documentElement.scrollWidth - window.innerWidth, element = selector ? document.querySelector(selector) : document.activeElement;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const covered = [[left + 3, top + 3], [right - 3, bottom - 3], [(left + right) / 2, (top + bottom) / 2]].filter(([x, y]) => {
      const above = document.elementFromPoint(x, y);
      return !above || !(element.contains(above) || above.contains(element));
    });
    return { wide: Math.max(0, wide), covered, of: element.outerHTML.slice(0, 120) };
  }, selector);
  assert.deepEqual({ wide: found.wide, covered: found.covered }, { wide: 0, covered: [] }, found.of);
}

/** A whole sale with a keyboard and nothing else, from the card to the next household. */
async function saleByKeys(how, picture) {
  const household = await town.resident({ points: 40 });
  const { number } = await town.cardFor(household.code);
  const page = await counter(how);
  const powder = await goods(page, "洗衣粉"), salt = await goods(page, "食盐"), bulb = await goods(page, "节能灯泡");
  const typed = async (text) => {
    for (const key of text) await press(page, key);
  };

  await press(page, "F2");
  await inReach(page);
  await typed(number);
  await press(page, "Enter");
  await page.locator("#card-state.ok").waitFor();
  // Two by the number pad, each with Enter; more of the second with +.
  await press(page, "F3");
  await inReach(page);
  await typed(salt.code);
  await press(page, "Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "find", "the next number follows at once");
  await typed(bulb.code);
  await press(page, "Enter", "+");
  assert.deepEqual(await basket(page), [`${salt.name} × 1`, `${bulb.name} × 2`]);
  await inReach(page, "#lines .line.current");
  // One by its name, chosen among what was found with the arrows, and one of it put back.
  await typed("x");
  const names = await page.locator(".goods:not([hidden])").evaluateAll((all) => all.map((one) => one.dataset.name));
  assert.ok(names.length > 1 && names.includes(powder.name), `${names}`);
  for (let at = 0; at <= names.indexOf(powder.name); at += 1) await press(page, "ArrowDown");
  await inReach(page);
  await press(page, "Enter", "Space");
  assert.deepEqual(await basket(page), [`${salt.name} × 1`, `${bulb.name} × 2`, `${powder.name} × 2`]);
  await shot(page, `${picture}-found`);
  await press(page, "Escape", "-");
  await inReach(page, "#lines .line.current");
  await press(page, "ArrowUp", "ArrowUp");
  await inReach(page, "#lines .line.current");
  assert.equal(await settled(page, "enough"), "够");
  await inReach(page, "#status");
  await inReach(page, "#total");
  await inReach(page, "#confirm");
  await shot(page, picture);
  // Whoever knows no key reaches the button with Tab.
  for (let tabs = 0; tabs < 400 && (await page.evaluate(() => document.activeElement.id)) !== "confirm"; tabs += 1) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "confirm");
  await press(page, "Enter");
  await page.waitForURL(/\/redemptions\/.*done=made$/);
  const price = salt.points + 2 * bulb.points + powder.points;
  assert.equal(await town.pointsOf(household.code), household.points - price);
  assert.equal((await bought(household)).length, 1);
  await inReach(page);
  await press(page, "Enter");
  await page.waitForURL(/\/counter$/);
  assert.deepEqual(await basket(page), []);
  await page.context().close();
}

test("a whole sale with the keyboard alone", () => saleByKeys({}, "counter-keys-1280"));

test("the same with the page enlarged to 200 %: nothing runs off the screen, and nothing lies over what has the focus", () => saleByKeys({ viewport: SCREEN, zoom: 2 }, "counter-keys-200"));

test("Enter in a field does what the field is for, and never puts the basket aside", async () => {
  const page = await counter();
  const salt = await goods(page, "食盐");
  await scan(page, salt.barcode);
  await press(page, "F3", "Enter");
  await salt.tile.locator("input").fill("3");
  await press(page, "Enter");
  assert.deepEqual(await basket(page), [`${salt.name} × 3`]);
  assert.match(page.url(), /\/counter$/);
  assert.equal(await page.locator(".held").count(), 0);
  await page.context().close();
});

test("axe finds nothing on the counter: empty, with a basket, with a refusal, with a question, while searching", async () => {
  const { code } = await town.resident({ points: 20 });
  const { token } = await town.cardFor(code);
  for (const viewport of [SCREEN, PHONE]) {
    const page = await counter({ viewport });
    const clean = async (state) => assert.deepEqual(await violations(page), [], `${state} at ${viewport.width}`);
    const salt = await goods(page, "食盐"), quilt = await goods(page, "棉被");
    await clean("empty");
    await page.fill("#find", "x");
    await page.locator(".goods:not([hidden])").first().waitFor();
    await clean("found");
    await page.fill("#find", "没有这种");
    await page.locator("#none").waitFor();
    await clean("nothing found");
    await page.fill("#find", "");
    await scan(page, token);
    await scan(page, salt.barcode);
    await settled(page, "enough");
    await clean("basket");
    await scan(page, quilt.barcode);
    await settled(page, "short");
    await clean("short");
    await scan(page, "6901234567892");
    await page.locator(".settle .notice.bad").waitFor();
    await clean("refused");
    await page.locator("main").focus();
    await page.keyboard.press("Escape");
    await page.locator(".ask").waitFor();
    await clean("question");
    await page.context().close();
  }
});

test("more goods than a page holds: all are scanned and found, sixty stand there, and the list is fetched once", async () => {
  const file = join(town.demo.folder, "more.csv");
  const rows = Array.from({ length: 150 }, (_, at) => `M${500 + at},,喜宝牌${"甲乙丙丁戊"[at % 5]}字${at + 1}号水杯,个,日用,${1 + at % 5},100,,,collective,no`);
  writeFileSync(file, `sku,barcode,name_zh,unit,category,price_points,cost_cents,limit_per_household_per_month,shelf_life_days,funding,open_priced\n${rows.join("\n")}\n`);
  await promisify(execFile)(process.env.JISHAN_BIN, ["import", "goods", file, "--data", town.demo.folder]);
  // The stock keeper finds the one that came in.
  const keeper = await town.enter("stock");
  await keeper.goto(`${town.address}/stock`);
  assert.equal(await keeper.locator("tbody tr").count(), 50);
  await keeper.fill("#words", "甲字146号");
  await submit(keeper, keeper.locator("form[action='/stock'] button"));
  await keeper.selectOption("#goods", "M645");
  await keeper.fill("#quantity", "4");
  await keeper.fill("#cost", "1");
  await submit(keeper, keeper.getByRole("button", { name: "入库", exact: true }));
  await keeper.context().close();

  const page = await counter();
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const salt = await goods(page, "食盐");
  assert.equal(await page.locator(".goods").count(), 60);
  assert.equal(await page.locator('.goods[data-sku="M649"]').count(), 0);
  await scan(page, "M645");
  await scan(page, salt.barcode);
  assert.deepEqual(await basket(page), ["喜宝牌甲字146号水杯 × 1", `${salt.name} × 1`]);
  await scan(page, "M649");
  assert.match(await notice(page), /戊字150号水杯暂时没有货/);
  await press(page, "F3");
  await page.keyboard.type("xbp", { delay: 120 });
  assert.equal(await page.locator(".goods:not([hidden])").count(), 60);
  assert.equal(await page.locator("#more").innerText(), "还有90种，请再输几个字。");
  await shot(page, "counter-found-1280");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#more").innerText(), "");
  // The sign on its tab the browser fetches when it likes.
  assert.deepEqual(asked.filter((path) => path !== "/counter/quote" && !path.startsWith("/counter/offline/") && path !== "/static/icon.svg"), [], "after the first load only the question whether it is enough, and a sign of life");

  // Without the script the server looks, and what was chosen stays chosen.
  const household = await town.resident({ points: 20 });
  const { number } = await town.cardFor(household.code);
  const plain = await counter({ js: false, viewport: PHONE });
  await plain.fill("#card", number);
  await submit(plain, plain.locator("#card-form button"));
  await plain.locator('.goods[data-name^="食盐"] input').fill("1");
  await plain.fill("#find", "水杯");
  await plain.keyboard.press("Enter");
  await plain.locator("#more", { hasText: "还有90种" }).waitFor();
  assert.equal(await plain.locator(".goods").count(), 61, "sixty that were found, and what was chosen");
  await shot(plain, "counter-plain-found-360");
  await plain.fill("#find", "甲字146号");
  await submit(plain, plain.locator("#look"));
  await plain.locator('.goods[data-sku="M645"] input').fill("1");
  await submit(plain, plain.locator("#check"));
  assert.equal((await plain.locator("#status").innerText()).trim(), "够");
  await submit(plain, plain.locator("#confirm"));
  assert.match(plain.url(), /\/redemptions\/.*done=made$/);
  assert.equal(await town.pointsOf(household.code), household.points - 1 - salt.points);
  await plain.context().close();
  await page.context().close();
});

test("no page complained", () => assert.deepEqual(town.complaints, []));
