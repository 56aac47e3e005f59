// The counter under everything that happens to a till: Chinese input methods, guns that stumble, no mouse, no network at
// the worst moment, no script at all, not enough points, a month's share used up, an empty shelf.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { shot } from "./browser.mjs";
import { PHONE, basket, goods, openTown, scan, settled, submit, visible } from "./town.mjs";

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

test("when the network breaks while confirming, the basket stays and the same sale is sent again: it is made once", async () => {
  const household = await town.resident({ points: 20 });
  const { token } = await town.cardFor(household.code);
  const page = await counter();
  const salt = await goods(page, "食盐"), soap = await goods(page, "香皂");
  await scan(page, token);
  await scan(page, salt.barcode);
  await settled(page, "enough");

  // The first time it does not get out; the second time it is done, but the answer is lost on the way back.
  const fates = ["lost", "done", "through"];
  await page.route("**/redemptions", async (route) => {
    const fate = fates.shift();
    if (fate === "done") await route.fetch({ headers: await route.request().allHeaders(), maxRedirects: 0 });
    if (fate === "through") await route.continue();
    else await route.abort();
  });
  const unsure = page.locator("#status", { hasText: "还不知道是否兑成" });
  for (const tries of [1, 2]) {
    await page.keyboard.press("F9");
    await unsure.waitFor();
    await page.waitForFunction(() => !document.getElementById("confirm").disabled);
    assert.equal(page.sales.length, tries);
    assert.match(await page.locator("#confirm").innerText(), /重试/);
    assert.deepEqual(await basket(page), [`${salt.name} × 1`], "the basket is kept");
    await scan(page, soap.barcode);
    assert.deepEqual(await basket(page), [`${salt.name} × 1`], "and cannot be changed while nobody knows");
  }
  assert.equal((await bought(household)).length, 1, "the second time it was made");
  await shot(page, "counter-unsure-1280");

  await page.keyboard.press("F9");
  await page.waitForURL(/\/redemptions\/.*done=made$/);
  assert.equal(page.sales.length, 3);
  const keys = new Set(page.sales.map((sale) => sale.get("key")));
  assert.deepEqual([keys.size, new Set(page.sales.map(String)).size], [1, 1], "each time the same form with the same key");
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

test("no page complained", () => assert.deepEqual(town.complaints, []));
