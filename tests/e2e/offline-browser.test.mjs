// The counter without the network, for once in a real browser: sold online, cut, sold with slips, opened anew from what is
// kept, refused above the allowance, not signed out; then the line is back, and everything is in the books once.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { shot } from "./browser.mjs";
import { basket, goods, openTown, scan, settled } from "./town.mjs";

let town;
before(async () => { town = await openTown(); });
after(() => town?.close());

const network = (page) => page.locator("#network").innerText();

/** Waits until the line at the top says this. */
async function says(page, text) {
  try {
    await page.waitForFunction((wanted) => document.querySelector("#network")?.textContent.includes(wanted), text);
  } catch (error) {
    throw new Error(`“${text}” is not said, but “${await network(page)}” and “${await page.locator(".news").innerText()}”`, { cause: error });
  }
}

/** Sells without the network, and gives what stands on the slip. */
async function sellCut(page, token, item, times) {
  await scan(page, token);
  for (let i = 0; i < times; i += 1) await scan(page, item.barcode);
  assert.equal(await settled(page, "enough"), "够");
  await page.keyboard.press("F9");
  const slip = page.locator(".offline-slip .paper");
  await slip.waitFor();
  const text = await slip.innerText();
  await shot(page, `offline-slip-${text.match(/D-\d+/)[0]}`);
  await page.getByRole("button", { name: "下一位" }).click();
  return text;
}

test("a counter that is cut off opens, sells by its hold, prints its slips, and loses nothing", async () => {
  const first = await town.resident({ points: 40 }), second = await town.resident({ points: 40 });
  const [one, two] = [await town.cardFor(first.code), await town.cardFor(second.code)];
  const page = await town.enter("shop");
  const context = page.context();
  await page.goto(`${town.address}/counter`);
  await says(page, "断网备用已就绪，每户最多20分");
  await page.waitForFunction(async () => {
    for (const name of await caches.keys()) if (await (await caches.open(name)).match("/counter/whole")) return Boolean(navigator.serviceWorker.controller);
    return false;
  });
  const salt = await goods(page, "食盐");
  const most = Math.floor(20 / salt.points);

  // Online: the sale comes out of the till's hold first.
  await scan(page, one.token);
  await scan(page, salt.barcode);
  assert.equal(await settled(page, "enough"), "够");
  await page.keyboard.press("F9");
  await page.waitForURL(/\/redemptions\/.*done=made$/);
  await page.goto(`${town.address}/counter`);
  await says(page, "断网备用已就绪");

  await context.setOffline(true);
  await says(page, "断网办理中，每户最多20分");
  const slip = await sellCut(page, one.token, salt, 1);
  assert.match(slip, /D-\d{4}/);
  assert.match(slip, /待入账，联网后生效/);
  assert.ok(!slip.includes(first.head ?? "没有名字"), "no name on the paper");
  await says(page, "断网办理中，1单待入账，每户最多20分");

  // The page is opened anew, as after a power cut.
  await page.reload();
  await says(page, "1单待入账");
  await sellCut(page, two.token, salt, 1);
  await says(page, "断网办理中，2单待入账，每户最多20分");
  await shot(page, "offline-waiting-1280");

  // More than is set aside.
  await scan(page, one.token);
  for (let i = 0; i < most - 1; i += 1) await scan(page, salt.barcode);
  await page.waitForFunction(() => /超过了|不够/.test(document.querySelector("#status").textContent));
  await page.keyboard.press("F9");
  assert.equal(await page.locator(".offline-slip").count(), 0);
  assert.equal((await basket(page)).length, 1);

  // Nobody signs out over it.
  await page.locator('form[action="/sign-out"] button').click();
  await page.locator(".must-wait").waitFor();
  assert.match(await page.locator(".must-wait").innerText(), /还有2单没有入账/);

  await context.setOffline(false);
  await says(page, "断网备用已就绪");
  assert.equal(await page.locator(".waiting").isHidden(), true);
  assert.equal(await town.pointsOf(first.code), first.points - 2 * salt.points);
  assert.equal(await town.pointsOf(second.code), second.points - salt.points);
  assert.match(await network(page), /每户最多20分/);

  // A second window neither sells nor sends.
  const beside = await context.newPage();
  await beside.goto(`${town.address}/counter`);
  await says(beside, "另一个窗口正在用柜台");
  await beside.close();

  await page.locator('form[action="/sign-out"] button').click();
  await page.waitForURL((url) => url.pathname !== "/counter");
  assert.deepEqual(await page.evaluate(() => caches.keys()), []);
  assert.deepEqual(town.complaints.filter((one) => !/ERR_INTERNET_DISCONNECTED|Failed to fetch/.test(one)), []);
  await context.close();
});
