// What the browser tests share: the demonstration town with its people signed in, its clock, residents with enough points,
// a scanning gun, and what is seen on a screen.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { openBrowser, signIn, startDemo } from "./browser.mjs";

/** As the pages have to serve: a cheap phone held upright, and a shop's old screen. */
export const PHONE = { width: 360, height: 800 };
export const SCREEN = { width: 1280, height: 900 };

// A debug build on a busy machine answers slowly; a test that waits longer has found a mistake.
const PATIENCE_MS = 45_000;

/** Opens the demonstration town, and a browser with these `switches`. `complaints` gathers what the browser reports of scripts and of the content policy, `visited` the paths that were opened. */
export async function openTown({ households = 60, switches = [] } = {}) {
  const demo = await startDemo({ households });
  const browser = await openBrowser(switches);
  const complaints = [];
  const visited = new Set();
  const sessions = new Map();
  const tokens = new Map();
  const taken = new Set();
  let register;
  let moved = 0;
  let ending;

  /** A new page as this user sees it; without a name, as anybody does. People sign in once: a second page is a second tab. */
  async function enter(name, { js = true, viewport = SCREEN, zoom = 1 } = {}) {
    if (name && !sessions.has(name)) sessions.set(name, sessionOf(name));
    const context = await browser.newContext({
      // An enlarged page has less room, and its pixels are larger.
      viewport: { width: Math.floor(viewport.width / zoom), height: Math.floor(viewport.height / zoom) },
      deviceScaleFactor: zoom,
      javaScriptEnabled: js,
      locale: "zh-CN",
      timezoneId: "Asia/Shanghai",
      storageState: name ? await sessions.get(name) : undefined,
    });
    return watch(await context.newPage());
  }

  async function sessionOf(name) {
    const context = await browser.newContext({ locale: "zh-CN" });
    await signIn(watch(await context.newPage()), demo.address, name);
    const session = await context.storageState();
    await context.close();
    return session;
  }

  function watch(page) {
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("framenavigated", (frame) => visited.add(new URL(frame.url()).pathname));
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // What the server refuses on purpose is reported here too; the tests look at those answers themselves.
      if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
    });
    // Leaving a full basket asks first.
    page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
    return page;
  }

  /** Calls the API as this user: posts when there is a body. */
  async function api(name, path, body) {
    if (!tokens.has(name)) tokens.set(name, tokenOf(name));
    const answer = await fetch(`${demo.address}/api/v1${path}`, {
      method: body ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${await tokens.get(name)}`,
        ...(body && { "content-type": "application/json", "idempotency-key": randomUUID() }),
      },
      body: body && JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(`${path}: ${answer.status} ${said.detail}`), { code: said.code });
    return said;
  }

  async function tokenOf(name) {
    const { stdout } = await promisify(execFile)(process.env.JISHAN_BIN, ["token", "create", "--user", name, "--data", demo.folder]);
    return stdout.trim().split("\n").pop();
  }

  /** Every household that takes part: code, and the head's name as the list shows it. */
  async function everyHousehold() {
    register ||= (async () => {
      const page = await enter("admin");
      const found = [];
      for (let next = `${demo.address}/households`; next; ) {
        await page.goto(next);
        found.push(
          ...(await page.locator("tbody tr").evaluateAll((rows) =>
            rows
              .filter((row) => !row.querySelector("th .badge"))
              .map((row) => ({
                code: row.querySelector("td").textContent.trim(),
                head: row.querySelector("th").textContent.trim().replace(/户$/, ""),
              })),
          )),
        );
        const more = page.locator("a[rel=next]");
        next = (await more.count()) ? new URL(await more.getAttribute("href"), demo.address).href : null;
      }
      await page.context().close();
      return found;
    })();
    return register;
  }

  /** How many points a household can spend now. */
  const pointsOf = async (code) => (await api("admin", `/households/${code}`)).spendable_points;

  const linesOf = async (code) => (await api("admin", `/households/${code}/statement?limit=200`)).items;

  /**
   * A household that bought nothing this month, so that no monthly limit is used up: of those with enough `points`, the one
   * with the fewest, so that the rich are left for who needs them. `ready` looks at its points and lines.
   */
  async function resident({ points = 0, ready = () => true } = {}) {
    const month = today().slice(0, 7);
    const fit = [];
    for (const household of await everyHousehold()) {
      if (taken.has(household.code)) continue;
      const lines = await linesOf(household.code);
      const bought = lines.some((line) => line.kind === "redemption" && line.effective_on.startsWith(month));
      const found = { ...household, points: await pointsOf(household.code), lines };
      if (!bought && found.points >= points && ready(found)) fit.push(found);
    }
    const [chosen] = fit.sort((one, other) => one.points - other.points);
    if (!chosen) throw new Error("No household of the demo town is as the test needs one");
    taken.add(chosen.code);
    return chosen;
  }

  /** The day in the town, in China: that of the machine until the clock is moved. */
  const today = () => new Date(Date.now() + 8 * 3_600_000 + moved * 86_400_000).toISOString().slice(0, 10);

  /** Moves the town's clock on by a day, with the button above every page of a person who is signed in. */
  async function moveOn(page) {
    await submit(page, page.locator(".demo-strip").getByRole("button", { name: "快进一天" }));
    moved += 1;
  }

  /**
   * Ends the session that the demo opens with: all are in favour of everything. Gives its number, under which its notice can
   * be written.
   */
  function endSession() {
    ending ||= (async () => {
      const page = await enter("admin", { js: false });
      await page.goto(`${demo.address}/sessions`);
      await submit(page, page.locator("a.button", { hasText: "进会场" }));
      const favour = page.getByRole("button", { name: "全部赞成" });
      while (await favour.count()) await submit(page, favour);
      await submit(page, page.getByRole("button", { name: "散会" }));
      const { pathname } = new URL(page.url());
      await page.context().close();
      return Number(pathname.split("/").pop());
    })();
    return ending;
  }

  /** A new card for a household: `number`, and `token` as its code holds it. */
  const cardFor = (code) => api("grid", `/households/${code}/cards`, { reason: "遗失补办" });

  const close = async () => {
    await browser.close();
    await demo.stop();
  };

  return { address: demo.address, demo, browser, complaints, visited, enter, watch, api, households: everyHousehold, resident, today, moveOn, endSession, pointsOf, linesOf, cardFor, close };
}

/**
 * Scans as a gun does: a burst of keys into whatever has the focus. `inputMethod` is what a Chinese input method makes of
 * the keys; `pause` holds the gun for so long after `after` characters; `end` is the key that it sends last, if any.
 */
export function scan(page, text, { inputMethod = false, end = "Enter", after = 0, pause = 0 } = {}) {
  const act = async ({ text, inputMethod, end, after, pause }) => {
    const named = { "-": "Minus", "/": "Slash", ".": "Period", ":": "Semicolon" };
    let time = performance.now();
    const press = (key, code, shiftKey = false) => {
      const eaten = inputMethod && key !== "Enter";
      const event = new KeyboardEvent("keydown", { key: eaten ? "Process" : key, keyCode: eaten ? 229 : 0, code, shiftKey, bubbles: true, cancelable: true });
      // A real key carries the time at which it was pressed, however busy the page is when it gets to see it.
      Object.defineProperty(event, "timeStamp", { value: (time += 4) });
      (document.activeElement || document.body).dispatchEvent(event);
    };
    for (const [at, key] of [...text].entries()) {
      if (pause && at === after) {
        await new Promise((done) => setTimeout(done, pause));
        time = performance.now();
      }
      const code = /\d/.test(key) ? `Digit${key}` : named[key] || `Key${key.toUpperCase()}`;
      press(key, code, /[A-Z:]/.test(key));
    }
    if (end) press(end, end);
  };
  return page.evaluate(act, { text, inputMethod, end, after, pause });
}

/** Waits until the one line that everybody at the counter looks at has settled on this, and gives its words. */
export async function settled(page, state) {
  const bar = page.locator(`#status.${state}:not(.dim)`);
  await bar.waitFor();
  return (await bar.innerText()).trim();
}

/** The basket's lines: `食盐400g × 2`. */
export const basket = (page) =>
  page.locator("#lines .line").evaluateAll((lines) => lines.map((line) => `${line.querySelector(".name").textContent} × ${line.querySelector("output").textContent}`));

/** All that can be read on the page. */
export const visible = (page) => page.evaluate(() => document.body.innerText);

/** Every number in a text, as it is written. */
export const numbers = (text) => new Set(text.match(/\d+/g));

/** Goods on the counter's shelf, by the beginning of their name, once the page's script knows all goods. */
export async function goods(page, name) {
  await page.waitForFunction(() => {
    const counter = document.querySelector("main.counter");
    return !counter.classList.contains("quick") || counter.dataset.goods;
  });
  const tile = page.locator(`.goods[data-name^="${name}"]`).first();
  const { sku, barcode, code, points } = await tile.evaluate((element) => ({ ...element.dataset }));
  return { name: await tile.getAttribute("data-name"), sku, barcode, code, points: Number(points), tile };
}

/** Presses what sends a form, and waits for the page that answers. */
export async function submit(page, button) {
  await Promise.all([page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame()), button.click()]);
  await page.waitForLoadState();
}

/** Goes to the counter; where yesterday's shift stands in the way, it is handed over and one of today opened, with a reason. */
export async function toCounter(page, address) {
  await page.goto(`${address}/counter`);
  if (!page.url().endsWith("/shift")) return;
  const closing = page.locator("form[action$='/closing']", { hasText: "交班" }).first();
  if (await page.locator("#slips").count()) {
    await page.fill("#slips", "0");
    await submit(page, closing.locator("button"));
    await page.goto(`${address}/shift`);
  }
  const reason = page.locator("form[action='/shift'] [name=reason]");
  if (await reason.count()) await reason.fill("集中兑换");
  await submit(page, page.locator("form[action='/shift'] button"));
}
