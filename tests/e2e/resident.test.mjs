// A household with an old phone: it scans its card, types its PIN, sees its points and how they came about, looks at goods,
// agrees to something and leaves. Without a script; each page small; and again in large letters, by keyboard alone.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { shot } from "./browser.mjs";
import { PHONE, openTown, submit, visible } from "./town.mjs";

const PAGE_BYTES = 100_000;
const PATHS = ["/my/points", "/my/points/lines", "/my/points/coming", "/my/time", "/my/honours", "/my/goods", "/my/wishes", "/my/consents", "/my/data", "/my/requests"];

let town, card;
before(async () => {
  town = await openTown();
  [, card] = town.demo.said().match(/\/K\/(\S+)/);
});
after(() => town?.close());

/** A fresh phone at the card's page, as after scanning it. */
async function scanned(more = {}) {
  const page = await town.enter(null, { viewport: PHONE, ...more });
  await page.goto(`${town.address}/K/${card}`);
  return page;
}

async function signedIn(more) {
  const page = await scanned(more);
  await page.fill("#pin", "2580");
  await submit(page, page.locator("form[action$='/sign-in'] .button.primary"));
  assert.equal(new URL(page.url()).pathname, "/my/points");
  return page;
}

const place = (page, label) => submit(page, page.locator(".places a", { hasText: label }));

test("from the card to the number, the goods, a consent and out again, without JavaScript", async () => {
  const page = await scanned({ js: false });
  assert.doesNotMatch(await visible(page), /\d+分/, "no balance before the PIN");
  await shot(page, "resident-card");
  await page.fill("#pin", "9753");
  await submit(page, page.locator("form[action$='/sign-in'] .button.primary"));
  assert.match(await page.locator("[role=alert]").innerText(), /卡号或密码不对/);
  await shot(page, "resident-wrong-pin");
  await page.fill("#pin", "2580");
  await submit(page, page.locator("main .button.big"));
  assert.match(await page.locator(".purse b").innerText(), /^\d+$/);
  assert.equal(await page.locator("[data-read]").isVisible(), false, "nothing reads aloud without a script");
  await shot(page, "resident-points");

  await submit(page, page.locator(".stories a").first());
  assert.match(await visible(page), /凭条号\d+/);
  await shot(page, "resident-line");
  await place(page, "能换什么");
  assert.ok((await page.locator(".goods-list li").count()) > 0);
  await shot(page, "resident-goods");
  await place(page, "同意事项");
  await submit(page, page.getByRole("link", { name: "同意“上光荣榜”" }));
  await shot(page, "resident-consent");
  await submit(page, page.getByRole("button", { name: "同意" }));
  assert.match(await visible(page), /自己办的/);
  await submit(page, page.getByRole("link", { name: "收回“上光荣榜”" }));
  await submit(page, page.getByRole("button", { name: "收回" }));
  await submit(page, page.getByRole("button", { name: "退出" }));
  await page.goto(`${town.address}/my/points`);
  assert.equal(new URL(page.url()).pathname, "/my", "signed out");
  await page.context().close();
});

test("a helper's phone: the short address, the number and the PIN", async () => {
  const page = await town.enter(null, { viewport: PHONE, js: false });
  await page.goto(`${town.address}/my`);
  await page.fill("#card", card.slice(0, 10));
  await page.fill("#pin", "2580");
  await submit(page, page.locator("main .button.big"));
  assert.equal(new URL(page.url()).pathname, "/my/points");
  await page.context().close();
});

test("each page is small, and comes from nowhere else", async () => {
  for (const path of PATHS) {
    const page = await signedIn();
    // A phone that opens the page for the first time has nothing kept but the session.
    const storageState = await page.context().storageState();
    const fresh = town.watch(await (await town.browser.newContext({ viewport: PHONE, storageState })).newPage());
    const requests = [];
    fresh.on("requestfinished", (request) => requests.push(request));
    await fresh.goto(town.address + path, { waitUntil: "networkidle" });
    let bytes = 0;
    for (const request of requests) {
      assert.ok(request.url().startsWith(town.address) || request.url().startsWith("data:"), request.url());
      const { responseBodySize, responseHeadersSize } = await request.sizes();
      bytes += responseBodySize + responseHeadersSize;
    }
    console.log(`${path}: ${bytes} bytes`);
    assert.ok(bytes > 10_000 && bytes <= PAGE_BYTES, `${path}: ${bytes} bytes`);
    await fresh.context().close();
    await page.context().close();
  }
});

test("a book that was found right waits for whoever nominates, who needs one button", async () => {
  const home = await signedIn({ js: false });
  await home.goto(`${town.address}/my/data`);
  const household = await home.locator("main .kv .number").innerText();
  await submit(home, home.getByRole("button", { name: "对得上" }));
  assert.match(await visible(home), /您已看过，对得上/);
  await shot(home, "resident-book-checked");
  await home.context().close();
  const page = await town.enter("grid", { viewport: PHONE, js: false });
  await page.goto(`${town.address}/nominations`);
  await submit(page, page.locator("main a", { hasText: "季度对账" }));
  assert.match(await visible(page), /在网页上/);
  await shot(page, "confirmations-360");
  await submit(page, page.getByRole("button", { name: /^申报这\d+户$/ }));
  assert.match(await page.locator(".notice.ok").innerText(), /已申报\d+户/);
  assert.equal(await page.getByRole("button", { name: /^申报这/ }).count(), 0, "filed once");
  await page.fill("#household", household);
  await submit(page, page.getByRole("button", { name: "记下书面确认" }));
  assert.match(await page.locator(".notice.ok").innerText(), /已经确认过，不重复记/);
  await shot(page, "confirmations-filed-360");
  await page.context().close();
});

test("for elders the letters are large, what is pressed is large, and there is one thing a page", async () => {
  const page = await signedIn();
  for (const [text, least] of [["large", 18], ["huge", 24]]) {
    await page.goto(`${town.address}/my/points`);
    if (text === "large") await submit(page, page.locator(".view [value=large]"));
    else await submit(page, page.locator(".view [value=huge]"));
    for (const path of PATHS) {
      await page.goto(town.address + path);
      const { small, low, tables, wide } = await page.evaluate((least) => {
        const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible" && !element.closest(".hush, .skip");
        const all = [...document.querySelectorAll("body *")].filter(shown);
        const owns = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        const size = (element) => parseFloat(getComputedStyle(element).fontSize);
        return {
          small: all.filter(owns).filter((element) => size(element) < least).map((element) => `${element.tagName} ${element.textContent.trim().slice(0, 20)} ${size(element)}`),
          low: all.filter((element) => element.matches("button, main a, .places a")).filter((element) => element.getBoundingClientRect().height < 59.5).map((element) => element.outerHTML.slice(0, 80)),
          tables: document.querySelectorAll("table").length,
          wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        };
      }, least);
      assert.deepEqual({ path, small, low, tables, wide }, { path, small: [], low: [], tables: 0, wide: false });
    }
    await page.goto(`${town.address}/my/points`);
    await shot(page, `resident-elders-${text}`);
  }
  assert.equal(await page.locator("main section").count(), 0, "the number alone");
  await page.context().close();
});

test("enlarged to 200 % nothing is cut off", async () => {
  const page = await signedIn({ zoom: 2 });
  for (const path of PATHS) {
    await page.goto(town.address + path);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, path);
  }
  await page.context().close();
});

test("by keyboard alone", async () => {
  const page = await scanned();
  await page.locator("#pin").focus();
  await page.keyboard.type("2580");
  await Promise.all([page.waitForURL("**/my/points"), page.keyboard.press("Enter")]);
  const focus = () => page.evaluate(() => document.activeElement.textContent.trim());
  const reached = new Set();
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    reached.add(await focus());
  }
  for (const label of ["退出", "长辈版", "我的积分", "能换什么", "同意事项", "我的资料"]) assert.ok(reached.has(label), `${label} by keyboard`);
  await page.context().close();
});

/** Presses the button that reads aloud, and says what the browser would; again, and it is still. */
const readAloud = (page) => page.evaluate(() => {
  const button = document.querySelector("[data-read]");
  if (!("speechSynthesis" in window)) return { none: button.hidden };
  const before = speechSynthesis.speaking || speechSynthesis.pending, label = button.textContent;
  const said = [];
  let stopped = 0;
  speechSynthesis.speak = (words) => { said.push(words); };
  speechSynthesis.cancel = () => { stopped += 1; };
  button.click();
  const reading = button.textContent, begun = stopped;
  button.click();
  return { before, shown: !button.hidden, label, reading, rest: button.textContent, stops: stopped - begun, text: said.map((words) => words.text).join("\n"), languages: [...new Set(said.map((words) => words.lang))], longest: Math.max(...said.map((words) => words.text.length)) };
});

test("each page is read aloud by the browser's own voice when asked, from its heading on", async () => {
  const page = await signedIn();
  for (const path of [...PATHS, "/my/feedback", "/my/deed", "/my/appeal"]) {
    await page.goto(town.address + path);
    const read = await readAloud(page);
    if ("none" in read) return assert.ok(read.none, `${path}: no voice, and yet a button`);
    assert.deepEqual({ path, before: read.before, shown: read.shown, label: read.label, reading: read.reading, rest: read.rest, stops: read.stops, languages: read.languages }, { path, before: false, shown: true, label: "读给我听", reading: "停下，不读了", rest: "读给我听", stops: 1, languages: ["zh-CN"] });
    const [heading] = (await page.locator("h1").innerText()).split("\n");
    assert.ok(read.text.startsWith(heading.trim().slice(0, 4)), `${path}: ${read.text.slice(0, 60)}`);
    assert.doesNotMatch(read.text, /长辈版|读给我听|undefined/, path);
  }
  // Signs in words, and what people know by heart digit by digit.
  await page.goto(`${town.address}/my/points`);
  assert.match((await readAloud(page)).text, /现在可以用 ?\d+ ?分/);
  await page.evaluate(() => { const more = document.createElement("p"); more.textContent = "余−5分，凭条号12-3，卡号4028173654，9:00—12:30"; document.querySelector("h1").after(more); });
  assert.match((await readAloud(page)).text, /余减5分，凭条号12杠3，卡号四 零 二 八 一 七 三 六 五 四，9点到12点30分/);
  // Elders, who see the number alone, hear the newest lines too.
  await submit(page, page.locator(".view [value=large]"));
  assert.match((await readAloud(page)).text, /您家现在可以用\d+分。\n?最近的账/);
  // In English, what the page says in English.
  await page.context().addCookies([{ name: "jishan-language", value: "en", url: town.address }]);
  await page.goto(`${town.address}/my/consents`);
  const english = await readAloud(page);
  assert.deepEqual([english.languages, english.label.trim(), english.reading], [["en"], "Read to me", "Stop reading"]);
  await page.context().close();
});

test("the browser reported nothing", () => assert.deepEqual(town.complaints, []));
