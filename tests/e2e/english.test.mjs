// Pages read in English: what the program says is English, what people wrote stays, and nothing scrolls sideways for it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shot } from "./browser.mjs";
import { PHONE, SCREEN, basket, goods, openTown, scan } from "./town.mjs";

let town;
before(async () => { town = await openTown(); });
after(() => town?.close());

const PAGES = [
  ["start", null, "/"], ["scheme", null, "/scheme"], ["notices", null, "/notices"], ["notice", null, "/notices/1"], ["board", null, "/board"], ["open-book", null, "/open-book"],
  ["sign-in", null, "/sign-in"], ["household-sign-in", null, "/my"], ["nothing-here", null, "/nothing"],
  ["desk", "admin", "/desk"], ["households", "grid", "/households"], ["nominations", "grid", "/nominations"], ["nominate", "building", "/nominations/new"],
  ["sessions", "council", "/sessions"], ["titles", "admin", "/titles"], ["volunteering", "grid", "/volunteering"], ["counter", "shop", "/counter"],
  ["stock", "stock", "/stock"], ["journal", "auditor", "/journal"], ["registers", "auditor", "/registers"], ["audit", "auditor", "/audit"],
  ["users", "admin", "/users"], ["papers", "admin", "/papers"], ["forms", "grid", "/forms"],
];

// What the program says: a button, a place of the menu. A button may name somebody besides.
const PROGRAMS_OWN = ".menu a, button:not([translate=no])";

for (const [name, who, path] of PAGES) {
  test(`in English: ${name}`, async () => {
    const page = await town.enter(who, { viewport: PHONE });
    try {
      await page.context().addCookies([{ name: "jishan-language", value: "en", url: town.address }]);
      await page.goto(town.address + path);
      assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
      const chinese = await page.$$eval(PROGRAMS_OWN, (all) => all.filter((one) => /[\u3400-\u9fff]/.test(one.textContent) && !/[A-Za-z]{3}/.test(one.textContent)).map((one) => one.textContent.trim()));
      assert.deepEqual(chinese, []);
      for (const size of [PHONE, SCREEN]) {
        await page.setViewportSize(size);
        await shot(page, `english-${name}-${size.width}`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `scrolls sideways at ${size.width}`);
      }
    } finally { await page.context().close(); }
  });
}

test("the counter's script speaks English too, and so does what the server answers it", async () => {
  const page = await town.enter("shop", { viewport: SCREEN });
  await page.context().addCookies([{ name: "jishan-language", value: "en", url: town.address }]);
  await page.goto(`${town.address}/counter`);
  assert.match(await page.locator("#status").innerText(), /Please scan/);
  await scan(page, "6901234567892");
  await page.locator(".settle .notice.bad").waitFor();
  assert.equal(await page.locator(".settle .notice.bad").innerText(), "There are no such goods: 6901234567892");
  const { code } = await town.resident();
  const salt = await goods(page, "食盐");
  await scan(page, salt.barcode);
  await scan(page, (await town.cardFor(code)).token);
  await page.locator("#status.enough").waitFor();
  assert.match(await page.locator("#confirm").innerText(), /Confirm redemption/);
  // Goods are called what the shop calls them; all else is English.
  assert.deepEqual(await basket(page), [`${salt.name} × 1`]);
  const answer = await page.evaluate(async () => (await fetch("/counter/quote", { method: "POST", body: "{}", headers: { "content-type": "application/json" } })).json());
  assert.ok(/[a-z]/.test(answer.detail) && !/[\u3400-\u9fff]/.test(answer.detail), JSON.stringify(answer));
  await shot(page, "english-counter-at-work-1280");
  await page.context().close();
});

test("the button at the foot changes the language and comes back", async () => {
  const page = await town.enter(null, { viewport: PHONE });
  await page.goto(`${town.address}/notices`);
  await page.getByRole("button", { name: "English" }).click();
  await page.waitForURL(`${town.address}/notices`);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  await page.getByRole("button", { name: "中文" }).click();
  await page.waitForURL(`${town.address}/notices`);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans");
  await page.context().close();
});
