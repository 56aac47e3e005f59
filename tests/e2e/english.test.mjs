// Pages read in English: what the program says is English, what people wrote stays, and nothing scrolls sideways for it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shot } from "./browser.mjs";
import { PHONE, SCREEN, openTown } from "./town.mjs";

let town;
before(async () => { town = await openTown(); });
after(() => town?.close());

const PAGES = [
  ["start", null, "/"], ["scheme", null, "/scheme"], ["notices", null, "/notices"], ["notice", null, "/notices/1"], ["board", null, "/board"],
  ["sign-in", null, "/sign-in"], ["household-sign-in", null, "/my"], ["nothing-here", null, "/nothing"],
  ["desk", "admin", "/desk"], ["households", "grid", "/households"], ["nominations", "grid", "/nominations"], ["nominate", "building", "/nominations/new"],
  ["sessions", "council", "/sessions"], ["titles", "admin", "/titles"], ["volunteering", "grid", "/volunteering"], ["counter", "shop", "/counter"],
  ["stock", "stock", "/stock"], ["journal", "auditor", "/journal"], ["registers", "auditor", "/registers"], ["audit", "auditor", "/audit"],
  ["users", "admin", "/users"], ["papers", "admin", "/papers"], ["forms", "grid", "/forms"],
];

// What the program says: a button, a place of the menu. A button may name somebody besides; the counter's own is written by a
// script, and scripts speak Chinese.
const PROGRAMS_OWN = ".menu a, button:not([translate=no])";

for (const [name, who, path] of PAGES) {
  test(`in English: ${name}`, async () => {
    const page = await town.enter(who, { viewport: PHONE });
    try {
      await page.context().addCookies([{ name: "jishan-language", value: "en", url: town.address }]);
      await page.goto(town.address + path);
      assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
      const chinese = await page.$$eval(PROGRAMS_OWN, (all) => all.filter((one) => !one.closest(".demo-strip") && one.id !== "confirm" && /[\u3400-\u9fff]/.test(one.textContent) && !/[A-Za-z]{3}/.test(one.textContent)).map((one) => one.textContent.trim()));
      assert.deepEqual(chinese, []);
      for (const size of [PHONE, SCREEN]) {
        await page.setViewportSize(size);
        await shot(page, `english-${name}-${size.width}`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `scrolls sideways at ${size.width}`);
      }
    } finally { await page.context().close(); }
  });
}

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
