// Every page as those see it who may: on a cheap phone and on an old screen it fits, passes axe, speaks Chinese, and keeps
// to the content policy; printed, it is ink on white with nothing to press. What residents open is small. The paper forms of
// the field work without a script.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { shot } from "./browser.mjs";
import { PHONE, SCREEN, goods, openTown, scan, settled, submit } from "./town.mjs";

const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
// A page enlarged to 400 % on the old screen is as narrow as this (WCAG 1.4.10).
const NARROWEST = { width: 320, height: 640 };
const RESIDENTS_PAGE_BYTES = 100_000;
// A sheet of A4 at 96 dots an inch, upright; registers lie on their side.
const SHEET = { width: 794, height: 1123 };

// Names that people at the screen know as they are, and the demo's user names.
const LATIN = /^(English|Shift|Jishan|PDF|JPG|PNG|Noto|Sans|Serif|SC|HanaMin|Emoji|printables|fonts|Excel|XLSX|xlsx|admin|auditor|building|council|deputy|grid|partner|shop|stock)$/;

// The last month that is over, as an address has it.
const lastMonth = new Date(new Date().setDate(0)).toISOString().slice(0, 7);

let town, known;
before(async () => {
  town = await openTown();
  known = await town.resident({ points: 20 });
  known.card = await town.cardFor(known.code);
});
after(() => town?.close());

const to = (path) => async (page) => page.goto(town.address + path);
const ofKnown = (rest) => async (page) => page.goto(`${town.address}/households/${known.code}${rest}`);
const followed = (path, link, rest = "") => async (page) => {
  await page.goto(town.address + path);
  const address = await page.locator(link).first().getAttribute("href");
  return page.goto(new URL(address + rest, town.address).href);
};
/** Fills in a form, sends it, and hands back what was answered to the last request for a page. */
const sent = (path, fill, button) => async (page) => {
  await page.goto(town.address + path);
  await fill(page);
  const answers = [];
  const listen = (response) => response.request().isNavigationRequest() && answers.push(response);
  page.on("response", listen);
  await submit(page, page.locator(button));
  page.off("response", listen);
  return answers.pop();
};

/** The address at which a dividend over the whole town is tried out. */
async function dividendTrial(page) {
  await page.goto(`${town.address}/dividends`);
  const [area, day] = [await page.inputValue("#area"), await page.inputValue("#scored_on")];
  return `/dividends?pool=20000&area=${area}&scored_on=${day}`;
}
/** A page of the household that has a PIN: its card stands in what the demo printed. */
const atHome = (path, text) => async (page) => {
  const [, token] = town.demo.said().match(/\/K\/(\S+)/);
  await page.goto(`${town.address}/K/${token}`);
  await page.fill("#pin", "2580");
  await submit(page, page.locator("form[action$='/sign-in'] .button.primary"));
  const usual = page.locator(".view [value=usual]");
  if (await usual.count()) await submit(page, usual);
  if (text) {
    await submit(page, page.locator(".view [value=large]"));
    if (text === "huge") await submit(page, page.locator(".view [value=huge]"));
  }
  return page.goto(town.address + path);
};

/** A slip of the known household, made once. */
let slip;
function slipPath() {
  slip ||= (async () => {
    const made = await town.api("shop", "/redemptions", { card: known.card.token, lines: [{ sku: "G019", quantity: 1 }] });
    return `/redemptions/${made.id}`;
  })();
  return slip;
}

/** A sale without network that could not be posted, sent once: the card is nobody's. */
let conflict;
function conflicted() {
  conflict ||= (async () => {
    const page = await town.enter("shop");
    await page.goto(`${town.address}/counter`);
    const answers = await page.evaluate(async () => {
      const csrf = document.getElementById("sale").elements.csrf.value;
      const ask = async (path, body) => (await fetch(`/counter/offline/${path}`, { method: "POST", headers: { "content-type": "application/json", "x-csrf": csrf }, body: JSON.stringify(body) })).json();
      await ask("hold", { device: "a test" });
      const sale = { key: crypto.randomUUID(), card: "1234567894", lines: [{ sku: "G019", quantity: 2 }], sold_at: Date.now(), number: "D-0001", given: true };
      return [await ask("sales", { hold: 1, sales: [sale] }), await ask("sales", { hold: 1, sales: [sale] })];
    });
    for (const { sales } of answers) assert.equal(sales[0].outcome, "conflict");
    await page.context().close();
  })();
  return conflict;
}

/** A gathering of the whole town, opened once. */
let opened;
function gatheringPath() {
  opened ||= (async () => {
    const page = await town.enter("grid", { js: false });
    await page.goto(`${town.address}/gatherings`);
    const form = page.locator("form[action='/gatherings']");
    if (!(await form.isVisible())) await page.locator("details", { has: form }).locator("summary").click();
    await page.fill("#name", "清扫楼道");
    await page.fill("#place", "3号楼前");
    await page.selectOption("#item", "D03");
    await submit(page, form.locator(".big"));
    const path = new URL(page.url()).pathname;
    await page.context().close();
    return path;
  })();
  return opened;
}

/** The numbers of the sign-in sheets of the first events, with their check digits. */
const VOLUNTEER_FORMS = ["Z1-7", "Z2-5", "Z3-0", "Z4-9", "Z5-8", "Z6-3", "Z7-4", "Z8-2", "Z9-6"];

/** A volunteer event of today, announced once. */
let announced;
function eventPath() {
  announced ||= (async () => {
    const page = await town.enter("grid", { js: false });
    await page.goto(`${town.address}/volunteering/new`);
    await page.fill("#name", "清扫楼道");
    await page.fill("#place", "3号楼前");
    await page.fill("#purpose", "楼道里干干净净过冬");
    await page.fill("#held_on", town.today());
    await submit(page, page.locator("form[action='/volunteering'] .big"));
    const path = new URL(page.url()).pathname;
    await page.context().close();
    return path;
  })();
  return announced;
}

const filled = (name, state) => async (page) => {
  const answer = await page.goto(`${town.address}/counter`);
  const { barcode } = await goods(page, name);
  await scan(page, known.card.token);
  await scan(page, barcode);
  await settled(page, state);
  await page.locator(".flash").waitFor({ state: "hidden" });
  return answer;
};

/** Writes a reminder note to the known household, with a week's time. */
const sentReminder = (seen) => async (page) => sent(`/reminders/new?household=${known.code}`, async (form) => {
  await form.check('input[name="rule"][value="N01"]');
  await form.fill("#seen", seen);
  await form.fill("#place", "一楼楼道");
}, "form.panel .button.big")(page);

/** Makes a sheet of a home visit with judges by these names. */
const sentVisit = (names) => async (page) => {
  await page.goto(`${town.address}/visits/new`);
  const building = await page.locator("#building option").nth(1).getAttribute("value");
  return sent(`/visits/new?building=${building}`, async (form) => {
    for (const [at, name] of names.entries()) await form.fill(`input[name="name-${at + 1}"]`, name);
  }, "form.panel .button.big")(page);
};
/** A nomination of the known household that was sent back, made once: something to appeal against. */
let back;
function returned() {
  back ||= (async () => {
    const occurred_on = town.today();
    const { id } = await town.api("building", "/awards", { household: known.code, item: "C01", occurred_on });
    await town.api("grid", `/awards/${id}/verification`, { decision: "return", reason: "签到表上没有" });
  })();
  return back;
}

const roster = "社区,网格,楼栋,单元,房号,户主,人口,备注\n阳光社区,9,12栋,1,101,李玉山,4,无\n阳光社区,9,12栋,1,102,王秀英,0,无\n阳光社区,9,12栋,1,104,李玉山,3,无\n";

/** A council with a session that is open, made once: its members and its number. */
let hall;
function council() {
  hall ||= (async () => {
    await town.endSession();
    // Something to decide: two in one motion, one on its own.
    const homes = (await town.households()).slice(20, 23);
    for (const [at, item] of ["C01", "C01", "A03"].entries()) {
      const { id } = await town.api("building", "/awards", { household: homes[at].code, item, occurred_on: town.today() });
      await town.api("grid", `/awards/${id}/verification`, { decision: "approve" });
    }
    const page = await town.enter("admin");
    const members = [];
    for (const name of ["", "周老师", "吴大姐", "郑大爷"]) {
      await page.goto(`${town.address}/council`);
      if (name) await page.fill("#name", name);
      else await page.selectOption("#user", { index: 1 });
      await submit(page, page.getByRole("button", { name: "聘任" }));
      members.push(new URL(page.url()).pathname);
    }
    await page.goto(`${town.address}/sessions`);
    await page.fill("#held_on", await page.getAttribute("#held_on", "min"));
    await page.fill("#place", "社区议事厅");
    await page.locator('input[name="area"]:enabled').first().check({ force: true });
    await page.locator('input[name="ballot"][value="secret"]').check({ force: true });
    await submit(page, page.getByRole("button", { name: "登记开会" }));
    const session = new URL(page.url()).pathname;
    await page.context().close();
    return { member: members[1], session };
  })();
  return hall;
}
const inSession = (rest) => async (page) => page.goto(town.address + (await council()).session + rest);
const ofMember = (rest) => async (page) => page.goto(town.address + (await council()).member + rest);

// What, who, how to get there, and the status if it is not 200.
const PAGES = [
  ["start", null, to("/")],
  ["scheme", null, to("/scheme")],
  ["scheme-found", null, to("/scheme?q=清扫")],
  ["scheme-nothing", null, to("/scheme?q=zzz")],
  ["scheme-versions", null, to("/scheme/versions")],
  ["scheme-versions-admin", "admin", to("/scheme/versions")],
  ["scheme-version", "admin", to("/scheme/versions/1")],
  ["scheme-scan-none", "admin", to("/scheme/versions/1/scan"), 404],
  ["scheme-difference", null, to("/scheme/difference?from=1&to=1")],
  ["scheme-draft", "admin", async (page) => { await page.goto(`${town.address}/scheme/versions`); await Promise.all([page.waitForURL("**/scheme/drafts/**"), page.click("table form button")]); return page.reload(); }],
  ["scheme-item", "admin", async (page) => { await page.goto(`${town.address}/scheme/versions`); await page.click(".entries a"); await page.waitForURL("**/scheme/drafts/**"); return page.goto(`${page.url()}/items/C01`); }],
  ["scheme-item-new", "admin", async (page) => { await page.goto(`${town.address}/scheme/versions`); await page.click(".entries a"); await page.waitForURL("**/scheme/drafts/**"); return page.goto(`${page.url()}/items/new`); }],
  ["card", null, async (page) => page.goto(`${town.address}/K/${known.card.token}`)],
  ["sign-in", null, to("/sign-in?next=/desk")],
  ["sign-in-refused", null, sent("/sign-in", async (page) => { await page.fill("#name", "grid-99"); await page.fill("#password", "no"); }, "form .button.big"), 403],
  ["not-found", null, to("/no-such-page"), 404],
  ...["admin", "grid", "building", "shop", "stock", "partner", "council", "auditor"].map((name) => [`desk-${name}`, name, to("/desk")]),
  ["nominate-whom", "building", to("/nominations/new")],
  ["nominate-nobody", "building", to("/nominations/new?query=查无此人")],
  ["nominate-what", "building", async (page) => {
    const answer = await page.goto(`${town.address}/nominations/new?household=${known.code}`);
    await page.locator("details").evaluateAll((folds) => folds.forEach((fold) => { fold.open = true; }));
    return answer;
  }],
  ["nominate-item-found", "building", async (page) => page.goto(`${town.address}/nominations/new?household=${known.code}&words=清扫`)],
  ["nominate", "building", async (page) => page.goto(`${town.address}/nominations/new?household=${known.code}&item=E10`)],
  ["nominate-refused", "building", async (page) => sent(`/nominations/new?household=${known.code}&item=E10`, (form) => form.locator("#count").evaluate((field) => { field.type = "text"; field.value = "一"; }), "#nominate .button.big")(page), 422],
  ["gatherings", "grid", to("/gatherings")],
  ["gatherings-refused", "grid", async (page) => sent("/gatherings", async (form) => { await form.locator("details").first().evaluate((fold) => { fold.open = true; }); await form.locator("form[action='/gatherings']").evaluate((one) => { one.noValidate = true; }); }, "form[action='/gatherings'] .big")(page), 422],
  ["gathering", "grid", async (page) => page.goto(town.address + (await gatheringPath()))],
  ["volunteering", "grid", to("/volunteering")],
  ["volunteering-reader", "auditor", to("/volunteering")],
  ["volunteering-new", "grid", to("/volunteering/new")],
  ["volunteering-refused", "grid", async (page) => sent("/volunteering/new", async (form) => { await form.locator("form[action='/volunteering']").evaluate((one) => { one.noValidate = true; }); }, "form[action='/volunteering'] .big")(page), 422],
  ["volunteer-event", "grid", followed("/volunteering", "#past + ul a, .big-list a")],
  ["volunteer-event-reader", "auditor", followed("/volunteering", "#past + ul a, .big-list a")],
  ["volunteer-event-today", "grid", async (page) => page.goto(town.address + (await eventPath()))],
  ["volunteer-event-leaving", "grid", async (page) => page.goto(`${town.address}${await eventPath()}?out=1`)],
  ["time-register", "auditor", to("/volunteering/register")],
  ["time-register-admin", "admin", to("/volunteering/register")],
  ["time-helps", "grid", to("/time-helps")],
  ["time-helps-refused", "grid", async (page) => sent("/time-helps", async (form) => { await form.locator("details").first().evaluate((fold) => { fold.open = true; }); await form.locator("form[action='/time-helps']").evaluate((one) => { one.noValidate = true; }); }, "form[action='/time-helps'] .big")(page), 422],
  ["time-help", "council", followed("/time-helps", "tbody a")],
  ["card-deed", null, async (page) => page.goto(`${town.address}/K/${known.card.token}/deed`)],
  ["confirmations", "grid", to("/nominations/confirmations")],
  ["confirmations-refused", "grid", sent("/nominations/confirmations", (form) => form.fill("#household", "查无此人"), "form[action$='/paper'] .button.primary"), 422],
  ["confirmations-taken", "grid", async (page) => sent("/nominations/confirmations", (form) => form.fill("#household", known.code), "form[action$='/paper'] .button.primary")(page)],
  ["confirmations-filed", "grid", sent("/nominations/confirmations", () => {}, "form[action='/nominations/confirmations'] .button.big")],
  ["nominations", "grid", to("/nominations")],
  ["nominations-all", "grid", to("/nominations?state=all")],
  ["nominations-none", "grid", to("/nominations?state=returned")],
  ["nominations-auditor", "auditor", to("/nominations?state=returned")],
  ["nomination-mine", "building", followed("/nominations?state=submitted", "tbody a.button")],
  ["nomination-to-verify", "grid", followed("/nominations?state=submitted", "tbody a.button")],
  ["nomination-posted", "auditor", followed("/nominations?state=posted", "tbody a.button")],
  ["council", "admin", async (page) => { await council(); return page.goto(`${town.address}/council`); }],
  ["council-reader", "auditor", to("/council")],
  ["council-refused", "admin", async (page) => sent("/council", () => {}, ".button.big")(page), 422],
  ["member", "admin", ofMember("?query=c")],
  ["member-reader", "auditor", ofMember("")],
  ["sessions", "admin", to("/sessions")],
  ["sessions-reader", "grid", to("/sessions")],
  ["session-before", "admin", inSession("")],
  ["screen-before", "auditor", inSession("/screen")],
  ["vote-before", "council", to("/vote")],
  ["session-refused", "admin", async (page) => {
    const { session } = await council();
    return sent(session, async (page) => { for (const box of await page.locator('input[name="present"]').all()) await box.uncheck({ force: true }); }, 'form[action$="/opening"] .button.big')(page);
  }, 422],
  ["session-open", "admin", async (page) => {
    const { session } = await council();
    await sent(session, () => {}, 'form[action$="/opening"] .button.big')(page);
    const answer = await page.goto(town.address + session);
    assert.match(await page.locator(".motion").innerText(), /正在表决/);
    return answer;
  }],
  ["session-open-reader", "auditor", inSession("")],
  ["screen", "auditor", inSession("/screen")],
  ["minutes", "auditor", inSession("/minutes")],
  ["vote", "council", to("/vote")],
  ["session-closed", "admin", async (page) => to(`/sessions/${await town.endSession()}`)(page)],
  ["minutes-closed", "auditor", async (page) => to(`/sessions/${await town.endSession()}/minutes`)(page)],
  ["nominations-under-way", "auditor", to("/nominations?state=under-way")],
  ["board", null, to("/board")],
  ["board-staff", "auditor", to("/board")],
  ["board-pictures", "admin", to("/board/pictures")],
  ["board-picture-of-nobody", "admin", to("/board/pictures/unknown"), 404],
  ["board-picture-new", "admin", async (page) => { await followed("/nominations?state=posted", "tbody a.button")(page); return page.goto(new URL(await page.locator("a[href^='/board/pictures/new']").getAttribute("href"), town.address).href); }],
  ["board-community", null, to("/board?community=C01")],
  ["board-community-of-nobody", null, to("/board?community=C99"), 404],
  ["kiosk-community", null, to("/board/kiosk?community=C01&pause=1")],
  ["open-book", null, to("/open-book")],
  ["open-book-staff", "auditor", to("/open-book")],
  ["open-book-community", null, to(`/open-book?month=${lastMonth}&community=C01`)],
  ["open-book-running", null, to("/open-book?month=2099-01"), 422],
  ["kiosk-totals", null, async (page) => {
    await to("/board/kiosk?pause=1")(page);
    // The last but one: after it the opening days.
    const of = Number((await page.locator(".wall-nav span").innerText()).split("/")[1]);
    const answer = await page.goto(`${town.address}/board/kiosk?screen=${of - 1}&pause=1`);
    assert.match(await page.locator("h1").innerText(), /积分公开/);
    return answer;
  }],
  ["feedback", null, to("/feedback")],
  ["feedback-staff", "auditor", to("/feedback")],
  ["feedback-sentences", "auditor", to("/feedback/sentences")],
  ["feedback-entry", "grid", to("/feedback/entry")],
  ["feedback-entry-wrong", "grid", sent("/feedback/entry", async (page) => { await page.fill("#household", "C01-G99"); await page.check('input[value="shop"]', { force: true }); await page.fill("#stars", "4"); }, "form.panel .button.big"), 422],
  ["retention", "auditor", to("/retention")],
  ["household-deletion", "grid", ofKnown("/deletion")],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((screen) => [`kiosk-${screen}`, null, to(`/board/kiosk?screen=${screen}&pause=1`)]),
  ["broadcast", "grid", to("/broadcast")],
  ["broadcast-old", "building", to("/broadcast?notice=1&items=3&rate=3")],
  ["notices", null, to("/notices")],
  ["notice", null, followed("/notices", ".tiles a")],
  ["notice-a3", null, async (page) => { await followed("/notices", ".tiles a")(page); return page.goto(`${page.url()}?paper=a3`); }],
  ["notice-gone", null, to("/notices/1"), 410],
  ["notices-staff", "auditor", to("/notices")],
  ["notice-ended", "auditor", to("/notices/1")],
  ["draft-published", "admin", to("/sessions/1/notice")],
  ["draft-unknown", "admin", to("/sessions/9999/notice"), 404],
  ["draft", "admin", async (page) => to(`/sessions/${await town.endSession()}/notice`)(page)],
  ["draft-refused", "admin", async (page) => sent(`/sessions/${await town.endSession()}/notice`, (form) => form.locator('input[name^="text-"]').first().fill("王建国得了癌症，是低保户，电话13800000000"), '[value="publish"]')(page), 422],
  ["draft-saved", "admin", async (page) => sent(`/sessions/${await town.endSession()}/notice`, (form) => form.locator('input[name^="text-"]').first().fill("下雨前清通楼前水沟，全楼不再积水"), '[value="save"]')(page)],
  ["budget", "auditor", to("/budget")],
  ["budget-refused", "admin", sent("/budget", (page) => page.fill("#points", "许多"), "form .button.primary"), 422],
  ["trace", "auditor", to("/trace/1-1")],
  ["trace-unknown", "auditor", to("/trace/9999-9"), 404],
  ["households", "grid", to("/households")],
  ["households-none", "council", to("/households?query=zzzz")],
  ["household", "grid", ofKnown("")],
  ["household-auditor", "auditor", ofKnown("")],
  ["household-unknown", "grid", to("/households/C99"), 404],
  ["statement", "grid", ofKnown("/statement")],
  ["statement-honour", "council", ofKnown("/statement?account=honour")],
  ["changes", "grid", ofKnown("/changes")],
  ...["split", "merge", "move", "leave", "resize", "head", "staff"].map((kind) => [`change-${kind}`, "grid", ofKnown(`/changes/${kind}`)]),
  ["change-shown", "grid", async (page) => sent(`/households/${known.code}/changes/leave`, (form) => form.fill("#reason", "回老家住"), "form.panel .button.big")(page)],
  ["change-refused", "grid", async (page) => sent(`/households/${known.code}/changes/merge`, async (form) => {
    await form.fill("#into", "C99");
    await form.fill("#reason", "合住");
  }, "form.panel .button.big")(page), 422],
  ["enrolment", "grid", ofKnown("/enrolment")],
  ["expiring", "building", to("/expiring")],
  ["expiring-far", "admin", to("/expiring?days=60")],
  ["areas", "admin", to("/areas")],
  ["reminders-none", "building", to("/reminders?code=11112222")],
  ["remind-whom", "building", to("/reminders/new?query=zzzz")],
  ["remind-refused", "building", sentReminder("他家孩子堆的"), 422],
  ["reminder-issued", "building", sentReminder("门口堆了三个纸箱")],
  ["reminder-of-colleague", "grid", followed("/reminders", ".entries a")],
  ["reminders", "auditor", to("/reminders?over=1")],
  ["visits", "auditor", to("/visits")],
  ["visit-where", "council", to("/visits/new")],
  ["visit-new", "building", to("/visits/new")],
  ["visit-refused", "council", sentVisit(["张大成"]), 422],
  ["visit-made", "council", sentVisit(["张大成", "李桂兰", "王德厚"])],
  ["visit-marks", "council", followed("/visits", ".entries a", "/marks")],
  ["counter", "shop", to("/counter")],
  ["counter-enough", "shop", filled("食盐", "enough")],
  ["counter-short", "shop", filled("棉被", "short")],
  ["counter-help", "shop", async (page) => {
    const answer = await filled("食盐", "enough")(page);
    await page.keyboard.press("?");
    await page.locator("#help").waitFor();
    await page.waitForTimeout(200);
    await scan(page, "ZZZ9999");
    await page.locator(".settle .notice.bad").waitFor();
    await page.locator(".flash").waitFor({ state: "hidden" });
    return answer;
  }],
  ["counter-refused", "shop", async (page) => {
    await page.goto(`${town.address}/counter`);
    await page.fill("#card", "12");
    const [answer] = await Promise.all([page.waitForResponse(`${town.address}/counter`), page.evaluate(() => document.getElementById("card-form").submit())]);
    await page.locator("[role=alert]").waitFor();
    return answer;
  }, 422],
  ["try-scan", "shop", to("/counter/try-scan")],
  ["try-scan-scanned", "shop", async (page) => {
    const answer = await page.goto(`${town.address}/counter/try-scan`);
    await scan(page, known.card.token, { inputMethod: true });
    await page.locator("#keys li").first().waitFor();
    return answer;
  }],
  ["slip", "shop", async (page) => to(`${await slipPath()}?done=made`)(page)],
  ["slip-auditor", "auditor", async (page) => to(await slipPath())(page)],
  ["slip-refused", "shop", async (page) => sent(await slipPath(), (form) => form.selectOption("#reason", "其他原因"), "button.danger")(page), 422],
  ["slip-refunded", "shop", async (page) => {
    const made = await town.api("shop", "/redemptions", { card: known.card.token, lines: [{ sku: "G019", quantity: 1 }], signs: true, proxy_name: "陈大勇" });
    return sent(`/redemptions/${made.id}`, async (form) => {
      await form.selectOption("#reason", "住户不要了");
      await form.fill("[name='back.1']", "1");
    }, "button:text-is('退货')")(page);
  }],
  ["shift", "shop", to("/shift")],
  ["shifts", "auditor", to("/shifts")],
  ["handover", "stock", followed("/shifts", "tbody tr:nth-child(2) a")],
  ["store", "admin", to("/store")],
  ["store-refused", "admin", sent("/store", async (page) => {
    await page.fill("#return_days", "7");
    await page.fill("[aria-label='纸品，3至4人户']", "3");
    await page.fill("#rules-reason", "试一试");
  }, "form[action='/store/rules'] .button.primary"), 422],
  ["store-auditor", "auditor", to("/store")],
  ["delivery-made", "shop", async (page) => {
    await page.goto(`${town.address}/counter`);
    await scan(page, known.card.token);
    await scan(page, "G019");
    await page.locator(".pickup summary").click();
    await page.selectOption("#pickup", "delivery");
    await page.fill("#delivery_note", "下午在家");
    await page.locator("#status.enough").waitFor();
    await Promise.all([page.waitForURL(/redemptions/), page.keyboard.press("F9")]);
    return page.goto(`${town.address}/deliveries`);
  }],
  ["pick-list", "shop", to("/deliveries/pick-list")],
  ["proxies", "grid", ofKnown("/proxies")],
  ["proxies-refused", "grid", async (page) => sent(`/households/${known.code}/proxies`, async (form) => {
    await form.fill("#pin", "1234");
    await form.fill("#again", "1234");
  }, "form[action$='/pin'] .button.primary")(page), 422],
  ["counter-held", "shop", async (page) => {
    await page.goto(`${town.address}/counter`);
    await scan(page, "G019");
    await Promise.all([page.waitForURL(/counter$/, { waitUntil: "load" }), page.keyboard.press("F4")]);
    await page.locator(".held").waitFor();
    return page.goto(`${town.address}/counter`);
  }],
  ["journal", "shop", async (page) => { await slipPath(); return to("/journal")(page); }],
  ["journal-empty", "auditor", to("/journal?on=2020-01-01")],
  ["journal-wrong", "auditor", to("/journal?on=2026-13-45"), 422],
  ["goods", "stock", to("/goods")],
  ["goods-hidden", "auditor", to("/goods?hidden=yes")],
  ["goods-new", "stock", to("/goods/new?barcode=6901234567892")],
  ["goods-import", "stock", to("/goods/import")],
  ["goods-item", "stock", to("/goods/G001")],
  ["goods-description", "stock", to("/goods/G001/description")],
  ["goods-photo-none", "stock", to("/goods/G001/photo"), 404],
  ["receipts", "stock", to("/stock/receipts")],
  ["receipt-new", "stock", to("/stock/receipts/new?line=5%7C3.60%7C%7CG006&code=G001")],
  ["receipt", "auditor", to("/stock/receipts/1")],
  ["transfer", "stock", to("/stock/transfers/new")],
  ["stock-lists", "auditor", to("/stock/lists")],
  ["write-offs", "shop", to("/stock/write-offs")],
  ["write-off-new", "shop", to("/stock/write-offs/new")],
  ["write-off", "stock", followed("/stock/write-offs", "tbody a.button")],
  ["stocktakes", "shop", to("/stocktakes")],
  ["stocktake", "stock", followed("/stocktakes", "tbody a.button")],
  ["stocktake-count", "shop", followed("/stocktakes", "tbody a.button", "/counts")],
  ["donations", "stock", to("/donations")],
  ["donor", "auditor", followed("/donations", 'tbody a[href^="/donors/"]')],
  ["wishes", "shop", to("/wishes")],
  ["stock", "stock", to("/stock")],
  ["stock-refused", "stock", sent("/stock", async (page) => {
    await page.selectOption("#goods", { index: 3 });
    await page.fill("#quantity", "7");
    await page.fill("#cost", "3.255");
  }, "form .button.primary"), 422],
  ["household-lookups", "auditor", async (page) => page.goto(`${town.address}/households/${known.code}/lookups`)],
  ["dividends", "admin", to("/dividends")],
  ["dividends-refused", "admin", to("/dividends?pool=1&area=none&scored_on=2026-01-01"), 404],
  ["dividends-tried", "admin", async (page) => page.goto(town.address + (await dividendTrial(page)))],
  ["dividend", "admin", async (page) => sent(await dividendTrial(page), async (form) => {
    const fields = { title: "2026年文明股分红", held_on: await form.inputValue("#scored_on"), place: "社区活动室", entitled: "60", present: "52", votes_for: "50", votes_against: "1", votes_abstained: "1" };
    for (const [name, value] of Object.entries(fields)) await form.fill(`#${name}`, value);
  }, "form[method='post'] .primary")(page)],
  ["registers", "admin", to("/registers")],
  ["registers-goods", "stock", to("/registers")],
  ["register-issue", "auditor", to(`/registers/issue?month=${lastMonth}`)],
  ["register-issue-paper", "auditor", to(`/registers/issue?month=${lastMonth}&lines=paper`)],
  ["register-redemptions", "auditor", to(`/registers/redemptions?month=${lastMonth}`)],
  ["register-stock", "stock", to("/registers/stock")],
  ["register-donations", "stock", to("/registers/donations")],
  ["register-empty", "admin", to("/registers/issue?month=2020-01")],
  ["register-wrong", "admin", to("/registers/issue?month=2026"), 422],
  ["partners", "admin", to("/partners")],
  ["partners-refused", "admin", sent("/partners", async (page) => {
    await page.fill("#name", "又一家");
    await page.selectOption("#area", { index: 1 });
    await page.fill("#merchant", "又一家商行");
    await page.fill("#from", "2026-11-02");
    await page.fill("#until", "2026-11-01");
    await page.fill("#daily_limit", "100");
  }, "form[action='/partners'] .button.primary"), 422],
  ["partner", "admin", followed("/partners", "tbody th a[href^='/partners/']")],
  ["partner-keeper", "partner", followed("/partners", "tbody th a[href^='/partners/']")],
  ["settlement", "admin", followed("/partners", "tbody th a[href^='/settlements/']")],
  ["settlement-keeper", "partner", followed("/partners", "tbody th a[href^='/settlements/']")],
  ["counter-partner", "partner", sent("/shift", () => {}, "form[action='/shift'] .button.primary")],
  ["users", "admin", to("/users")],
  ["users-refused", "admin", sent("/users", async (page) => {
    await page.fill("#name", "Bad Name");
    await page.fill("#display_name", "某人");
    await page.fill("#password", "short");
  }, "form.panel .button.primary"), 422],
  ["duties", "admin", followed("/users", "tbody th a")],
  ["users-forbidden", "shop", to("/users"), 403],
  ["papers", "admin", to("/papers")],
  ["papers-of-a-shopkeeper", "shop", to("/papers")],
  ["paper-template", "admin", to("/papers/preview/plaque")],
  ["card-template", "admin", to("/papers/preview/card-sheet")],
  ["print-jobs", "admin", to("/print-jobs")],
  ["print-job", "admin", async (page) => { const answer = await sent("/print-jobs", (form) => form.check("[value=statements]"), "form[action='/print-jobs'] .button.primary")(page); await page.getByText("已完成").waitFor({ timeout: 240_000 }); return answer; }],
  ["forms", "grid", to("/forms")],
  ["forms-wrong", "grid", sent("/forms", (form) => form.fill("#number", "Q12-9"), "form[aria-labelledby=number-title] .button"), 422],
  ["form-of-a-gathering", "grid", async (page) => { await page.goto(`${town.address}/gatherings`); await page.goto(town.address + await page.locator("main a[href^='/gatherings/']").first().getAttribute("href")); return page.goto(town.address + await page.locator("a[href^='/forms/']").first().getAttribute("href")); }],
  ["form-of-volunteers", "grid", async (page) => {
    await page.goto(town.address + (await eventPath()));
    const paper = await page.request.get(new URL(await page.locator("a[href^='/papers/volunteer-sheet']").getAttribute("href"), town.address).href);
    assert.equal(paper.status(), 200);
    town.visited.add("/papers/volunteer-sheet");
    const event = Number(new URL(await page.locator("a[href^='/papers/volunteer-sheet']").getAttribute("href"), town.address).searchParams.get("id"));
    return page.goto(`${town.address}/forms/${VOLUNTEER_FORMS[event - 1]}`);
  }],
  ["form-of-consent", "grid", async (page) => {
    await ofKnown("/enrolment")(page);
    // Its paper opens in a tab of its own.
    const form = await page.locator("form[action='/consent-forms'] input").evaluateAll((fields) => Object.fromEntries(fields.map((one) => [one.name, one.value])));
    assert.equal((await page.request.post(`${town.address}/consent-forms`, { form })).status(), 200);
    return page.goto(`${town.address}/forms/Y1-6`);
  }],
  ["form-of-good-deeds", "grid", sent("/forms", (form) => form.fill("#number", "S1-5"), "form[aria-labelledby=number-title] .button")],
  ["offline-sales", "admin", async (page) => { await conflicted(); return to("/offline-sales")(page); }],
  ["offline-sales-undecided", "admin", async (page) => { await conflicted(); return sent("/offline-sales", (form) => form.check("[value=borne]"), "form[action^='/offline-sales/'] .button.primary")(page); }, 422],
  ["offline-sales-read", "auditor", async (page) => { await conflicted(); return to("/offline-sales")(page); }],
  ["journal-offline", "auditor", async (page) => { await conflicted(); return to("/journal")(page); }],
  ["audit", "auditor", to("/audit")],
  ["programme", "admin", to("/programme")],
  ["programme-refused", "admin", sent("/programme", (form) => form.fill("#issuer", "　"), "form.panel .button.primary"), 422],
  ["programme-changed", "admin", sent("/programme", (form) => form.fill("#phone", "0818-5550136"), "form.panel .button.primary")],
  ["import", "admin", to("/import")],
  ["import-report", "admin", sent("/import", (page) => page.setInputFiles("#file", { name: "花名册.csv", mimeType: "text/csv", buffer: Buffer.from(roster) }), 'button[value="dry-run"]')],
  ["my-sign-in", null, to("/my")],
  ["my-sign-in-refused", null, sent("/my", async (form) => { await form.fill("#card", "1000000005"); await form.fill("#pin", "2581"); }, "main .button.big"), 403],
  ["my-points", null, atHome("/my/points")],
  ["my-points-elder", null, atHome("/my/points", "large")],
  ["my-points-huge", null, atHome("/my/points", "huge")],
  ["my-lines", null, atHome("/my/points/lines")],
  ["my-line", null, async (page) => { await atHome("/my/points/lines")(page); return page.goto(new URL(await page.locator(".stories a").first().getAttribute("href"), town.address).href); }],
  ["my-line-of-nobody", null, atHome("/my/points/999999999"), 404],
  ["my-coming", null, atHome("/my/points/coming")],
  ["my-time", null, atHome("/my/time")],
  ["my-time-huge", null, atHome("/my/time", "huge")],
  ["my-honours", null, atHome("/my/honours")],
  ["my-honours-huge", null, atHome("/my/honours", "huge")],
  ["my-title-appeal", null, async (page) => { await atHome("/my/honours")(page); return page.goto(new URL(await page.locator("a[href$='/appeal'][href^='/my/honours/']").first().getAttribute("href"), town.address).href); }],
  ["my-title-appeal-huge", null, async (page) => { await atHome("/my/honours", "huge")(page); return page.goto(new URL(await page.locator("a[href$='/appeal'][href^='/my/honours/']").first().getAttribute("href"), town.address).href); }],
  ["my-title-appeal-refused", null, async (page) => { await atHome("/my/honours")(page); return sent(await page.locator("a[href$='/appeal'][href^='/my/honours/']").first().getAttribute("href"), (form) => form.fill("#reason", " "), "form[action$='/appeal'] .button.big")(page); }, 422],
  ["my-title-appeal-of-nobody", null, atHome("/my/honours/none/appeal"), 404],
  ["my-goods", null, atHome("/my/goods")],
  ["my-goods-huge", null, atHome("/my/goods", "huge")],
  ["my-goods-photo-none", null, atHome("/my/goods/G001/photo"), 404],
  ["my-wishes", null, atHome("/my/wishes")],
  ["my-consents", null, atHome("/my/consents")],
  ["my-consent", null, atHome("/my/consents/photo")],
  ["my-picture-of-nobody", null, atHome("/my/pictures/unknown"), 404],
  ["my-data", null, atHome("/my/data")],
  ["my-feedback", null, atHome("/my/feedback")],
  ["my-feedback-huge", null, atHome("/my/feedback", "huge")],
  ["my-feedback-without-stars", null, async (page) => { await atHome("/my/feedback")(page); const form = page.locator("form[action='/my/feedback']").first(); await form.evaluate((all) => { all.noValidate = true; }); const [answer] = await Promise.all([page.waitForResponse((one) => one.request().method() === "POST"), form.locator(".button.primary").click()]); return answer; }, 422],
  ["my-deed", null, atHome("/my/deed")],
  ["my-deed-huge", null, atHome("/my/deed", "huge")],
  ["my-appeal", null, atHome("/my/appeal")],
  ["my-appeal-huge", null, atHome("/my/appeal", "huge")],
  ["my-objection-huge", null, atHome("/objections/new", "huge")],
  ["my-requests", null, atHome("/my/requests")],
  ["my-request-made", null, async (page) => { await atHome("/my/requests")(page); await page.check('input[value="correction"]', { force: true }); await page.fill("#note", "我家是五口人"); await submit(page, page.locator("form[action='/my/requests'] .button.big")); return page.reload(); }],
  ["household-requests", "grid", to("/household-requests")],
  ["household-requests-reader", "auditor", to("/household-requests")],
  ["objection-new", null, to("/objections/new")],
  ["objection-new-refused", null, sent("/objections/new?slip=99-9", (page) => page.fill("#reason", "不对"), ".button.big"), 422],
  ["receipts", null, to("/receipts")],
  ["receipts-unknown", null, to("/receipts?number=12"), 422],
  ["objection-take", "grid", to("/objections/take")],
  ["objections", "council", to("/objections")],
  ["objection-receipt-unknown", null, to("/objections/1234567890"), 404],
  ["objection-unknown", "council", to("/objections/1234567890/decision"), 404],
  ["appeal-new", null, async (page) => { await returned(); return to(`/K/${known.card.token}/appeal`)(page); }],
  ["appeal-new-refused", null, async (page) => { await returned(); return sent(`/K/${known.card.token}/appeal`, async (form) => { await form.locator("input[name=subject]").first().check(); await form.fill("#reason", " "); }, ".button.big")(page); }, 422],
  ["appeal-take", "grid", async (page) => to(`/appeals/take?household=${known.code}`)(page)],
  ["appeal-receipt", null, async (page) => { await returned(); return sent(`/K/${known.card.token}/appeal`, async (form) => { await form.locator("input[name=subject]").first().check(); await form.fill("#reason", "有人作证"); }, ".button.big")(page); }],
  ["appeals", "council", to("/appeals")],
  ["appeal-hearing", "admin", followed("/appeals", "tbody a.button")],
  ["corrections", "auditor", to("/corrections")],
  ["correction-new", "council", to("/corrections/new")],
  ["correction-unknown", "admin", to("/corrections/unknown"), 404],
  ["titles", "admin", to("/titles")],
  ["titles-refused", "admin", sent("/titles", async (page) => {
    await page.fill("#name", "最美家庭");
    await page.fill("#purpose", "全年没有上访的人家");
    await page.fill("#quota", "3");
  }, "form[action='/titles'] .button.primary"), 422],
  ["titles-auditor", "auditor", to("/titles")],
  ["titles-year", "auditor", to("/titles/year")],
  ["year-end", "admin", to("/year-end")],
  ["year-end-auditor", "auditor", to("/year-end")],
  ["year-end-empty", "building", to("/year-end?year=2001")],
  ["stars", "admin", to("/stars")],
  ["star-entry", "council", followed("/stars", "a[href^='/star-entries/']")],
  ["star-entry-own", "admin", followed("/stars", "a[href^='/star-entries/']")],
  ["star-entry-refused", "council", async (page) => {
    await followed("/stars", "a[href^='/star-entries/']")(page);
    return sent(new URL(page.url()).pathname, () => {}, 'button[value="refused"]')(page);
  }, 422],
  ["stars-list-refused", "admin", sent("/stars", async (page) => {
    await page.fill("#session", "1");
    await page.fill("#until_on", "2030-01-01");
    await page.fill("#homes", "查无此人\n也查无此人");
  }, "form[action='/star-entries'] .button.primary"), 422],
  ["stars-defined", "admin", sent("/stars", async (page) => {
    // The town has all eight.
    await submit(page, page.locator("form[action$='/retirement'] .button").first());
    await page.fill("#name", "和睦星");
    await page.fill("#criterion", "邻里和睦，有事商量着办");
  }, "form[action='/stars'] .button.primary")],
  ["household-stars", "admin", ofKnown("/stars")],
  ["title-awards", "auditor", to("/title-awards")],
  ["title-award", "admin", followed("/title-awards", "tbody a[href^='/title-awards/']")],
  ["title-award-new", "building", async (page) => to(`/title-awards/new?household=${known.code}`)(page)],
  ["title-award-refused", "building", async (page) => sent(`/title-awards/new?household=${known.code}`, async (form) => {
    await form.selectOption("#title", { index: 1 });
    await form.fill("#reason", "户主王建国带头，电话13800000000");
  }, "form[action='/title-awards'] .button.big")(page), 409],
  ["title-award-nominated", "building", async (page) => sent(`/title-awards/new?household=${known.code}`, async (form) => {
    await form.selectOption("#title", { index: 1 });
    await form.fill("#reason", "带头清扫楼道，邻里有事随叫随到");
  }, "form[action='/title-awards'] .button.big")(page)],
  ["title-ballot", "admin", async (page) => to("/sessions/1/titles")(page)],
  ["title-ballot-open", "admin", inSession("/titles")],
  ["title-notices", null, to("/title-notices")],
  ["title-notices-staff", "auditor", to("/title-notices")],
  ["title-notice", null, followed("/title-notices", ".tiles a")],
  ["title-objection-new", null, to("/title-objections/new")],
  ["title-objection-receipt", null, async (page) => {
    await followed("/title-notices", ".tiles a")(page);
    const form = new URL(await page.locator("tbody a.button").first().getAttribute("href"), town.address);
    return sent(form.pathname + form.search, (form) => form.fill("#reason", "那天他家没有人在"), ".button.big")(page);
  }],
  ["title-awards-to-decide", "admin", to("/title-awards")],
  ["title-objection", "admin", followed("/title-awards", "tbody a[href^='/title-objections/']")],
  ["title-appeal", "grid", async (page) => {
    await page.goto(`${town.address}/title-awards`);
    const held = page.locator("tr", { hasText: "已授予" }).locator("a.button").first();
    const award = new URL(await held.getAttribute("href"), town.address).href;
    await page.goto(award);
    const link = page.locator("a[href^='/title-appeals/']").first();
    if (!(await link.count())) {
      await page.locator("details", { has: page.locator("form[action$='/appeals']") }).locator("summary").click();
      await page.fill("#appeal-reason", "楼道一直是别家在扫");
      await submit(page, page.locator("form[action$='/appeals'] button"));
      await page.goto(award);
    }
    const hearing = await link.getAttribute("href");
    known.titleAppeal = hearing.replace("/hearing", "");
    return page.goto(town.address + hearing);
  }],
  ["title-appeal-receipt", null, async (page) => page.goto(town.address + known.titleAppeal)],
  // The last one: it stops the known household's card.
  ["issued", "grid", async (page) => sent(`/households/${known.code}`, () => {}, 'form[action$="/cards"] button')(page)],
];

/** What is wrong with the page as it stands, in words; nothing is an empty list. */
async function faults(page) {
  const wrong = [];
  await page.evaluate(AXE);
  for (const size of [PHONE, SCREEN]) {
    await page.setViewportSize(size);
    const here = `at ${size.width}`;
    if (await isTooWide(page)) wrong.push(`${here}: scrolls sideways`);
    const violations = await page.evaluate(async (tags) => {
      const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.any.concat(node.all, node.none).map((check) => check.message).join("; ")})`).join(" | ")}`);
    }, RULES);
    wrong.push(...violations.map((violation) => `${here}: ${violation}`));
  }
  wrong.push(...(await keyFaults(page)).map((fault) => `by keys: ${fault}`));
  wrong.push(...(await paperFaults(page)).map((fault) => `on paper: ${fault}`));
  await page.setViewportSize(NARROWEST);
  if (await isTooWide(page)) wrong.push(`at ${NARROWEST.width}: scrolls sideways`);

  // What a gun sent is shown as it came, in whatever letters; and what is a code (a proof, a file) is no word.
  await page.evaluate(() => document.querySelectorAll(".raw, .keys, code").forEach((raw) => { raw.hidden = true; }));
  const seen = await page.evaluate(() => ({
    title: document.title,
    headings: document.querySelectorAll("h1").length,
    language: document.documentElement.lang,
    words: [document.title, document.body.innerText]
      .concat(Array.from(document.querySelectorAll("[aria-label],[placeholder],[alt],[title],option"), (element) =>
        [element.getAttribute("aria-label"), element.placeholder, element.alt, element.getAttribute("title"), element.tagName === "OPTION" ? element.textContent : ""].join(" ")))
      .join(" "),
  }));
  if (!/^.+ · .+$/.test(seen.title)) wrong.push(`title: “${seen.title}”`);
  if (seen.headings !== 1) wrong.push(`${seen.headings} h1`);
  if (seen.language !== "zh-Hans") wrong.push(`lang: ${seen.language}`);
  const codes = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b\w+\/\w+\.json\b|(\/[\w.-]+){2,}|\b[\w-]+\.typ\b/g;
  const latin = new Set((seen.words.replace(codes, " ").match(/[A-Za-z]{4,}/g) || []).filter((word) => !LATIN.test(word)));
  if (latin.size) wrong.push(`not Chinese: ${[...latin].join(", ")}`);
  return wrong;
}

/** What somebody without a mouse would miss: what Tab passes over, takes out of turn, or reaches without showing it. */
async function keyFaults(page) {
  const wrong = await page.evaluate(() => {
    document.activeElement.blur();
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
    const used = all.filter((element) => element.getClientRects().length > 0 && !element.disabled && !element.matches("main, [role=alert], h1"));
    const passed = used.filter((element) => element.tabIndex < 0).map((element) => `passed over: ${element.outerHTML.slice(0, 80)}`);
    return passed.concat(used.filter((element) => element.tabIndex > 0).map((element) => `out of turn: ${element.outerHTML.slice(0, 80)}`));
  });
  for (let tabs = 0; tabs < 4; tabs += 1) {
    await page.keyboard.press("Tab");
    const unseen = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      const isShown = (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
      const { width, bottom, right } = element.getBoundingClientRect();
      return isShown && width > 0 && bottom > 0 && right > 0 ? null : element.outerHTML.slice(0, 80);
    });
    if (unseen) wrong.push(`the focus is not seen: ${unseen}`);
  }
  return wrong;
}

/** What is wrong with the page as it would be printed: what only a screen needs, colours, and what lies beyond the sheet. */
async function paperFaults(page) {
  const lies = (await page.locator(".wide-paper").count()) > 0;
  await page.setViewportSize(lies ? { width: SHEET.height, height: SHEET.width } : SHEET);
  await page.emulateMedia({ media: "print" });
  const wrong = await page.evaluate(() => {
    const isSeen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible" && !element.closest(".hush, .skip");
    const brief = (element) => `${element.tagName.toLowerCase()}${element.className && typeof element.className === "string" ? `.${element.className.trim().replace(/ +/g, ".")}` : ""} “${element.textContent.trim().slice(0, 20)}”`;
    const few = (what, all) => (all.length ? [`${what}: ${all.slice(0, 3).map(brief).join(" | ")}`] : []);
    const all = [...document.querySelectorAll("body *")].filter(isSeen);
    const owns = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    // The card's head is printed in its colours, and a drawing in its own.
    const texts = all.filter(owns).filter((element) => !element.closest(".id-card header, svg, option"));
    const isWhite = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const { backgroundColor, backgroundImage } = getComputedStyle(at);
        if (backgroundImage !== "none" || !["rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"].includes(backgroundColor)) return false;
      }
      return true;
    };
    const root = document.documentElement;
    return [
      ...few("something to press", all.filter((element) => element.matches("button, .button, [type=submit], [type=button], [type=file], [role=button]"))),
      ...few("a way to other pages", all.filter((element) => element.matches("nav, [role=navigation], .top, .foot, .menu, .places, .crumbs, .pager, .search, .demo-strip"))),
      ...few("a bar of what can be done", all.filter((element) => element.matches(".settle, .pay, .leave, .view, [role=toolbar]"))),
      ...few("not black", texts.filter((element) => getComputedStyle(element).color !== "rgb(0, 0, 0)")),
      ...few("not on white", texts.filter((element) => !isWhite(element))),
      ...few("a link that cannot be read", all.filter((element) => element.matches("a[href]") && owns(element) && parseFloat(getComputedStyle(element).fontSize) < 8)),
      ...(root.scrollWidth > root.clientWidth ? few(`wider than the sheet by ${root.scrollWidth - root.clientWidth}`, all.filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1).slice(-3)) : []),
    ];
  });
  await page.emulateMedia({ media: null });
  return wrong;
}

const isTooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

// Everybody keeps one window open all day.
const pages = new Map();

for (const [name, who, open, status = 200] of PAGES) {
  test(`page: ${name}`, async () => {
    if (!pages.has(who)) pages.set(who, town.enter(who, { viewport: PHONE }));
    const page = await pages.get(who);
    await page.setViewportSize(PHONE);
    const answer = await open(page);
    assert.equal(answer.status(), status);
    const policy = answer.headers()["content-security-policy"] || "";
    assert.match(policy, /default-src 'none'/);
    // Only where the camera can be started may its decoder run, which is WebAssembly.
    assert.doesNotMatch(/^\/counter/.test(new URL(page.url()).pathname) ? policy.replace("'wasm-unsafe-eval'", "") : policy, /unsafe/);
    await shot(page, `page-${name}-360`);
    await page.setViewportSize(SCREEN);
    await shot(page, `page-${name}-1280`);
    assert.deepEqual(await faults(page), []);
  });
}

test("page: first-run, and the programme that it founds", async () => {
  const folder = mkdtempSync(join(tmpdir(), "jishan-empty-"));
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("JISHAN_")));
  const server = spawn(process.env.JISHAN_BIN, ["serve", "--data", folder, "--listen", "127.0.0.1:0"], { env: environment, stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [address, code] = await new Promise((resolve, reject) => {
      let said = "";
      server.once("exit", () => reject(new Error(`jishan serve ended: ${said}`)));
      server.stdout.setEncoding("utf8").on("data", (text) => {
        said += text;
        const found = [said.match(/http:\/\/127\.0\.0\.1:\d+(?=\D)/), said.match(/设置码：(\S+)\n/)];
        if (found[0] && found[1]) resolve([found[0][0], found[1][1]]);
      });
    });
    const page = await town.enter(null, { viewport: PHONE });
    await page.goto(address);
    assert.equal(new URL(page.url()).pathname, "/first-run");
    assert.deepEqual(await faults(page), []);
    await page.setViewportSize(PHONE);
    const fill = { code: "00000000", programme: "试验村", township: "试验乡", office: "村委会", issuer: "试验村村民委员会", phone: "0000-0000000", store: "试验超市", opening_hours: "每周六", display_name: "李明", password: "jishan-test" };
    for (const [name, value] of Object.entries(fill)) await page.fill(`#${name}`, value);
    await submit(page, page.locator(".button.big"));
    assert.match(await page.locator("[role=alert]").innerText(), /设置码不对/);
    assert.deepEqual(await faults(page), []);
    await page.fill("#code", code);
    await page.fill("#password", fill.password);
    await submit(page, page.locator(".button.big"));
    assert.equal(new URL(page.url()).pathname, "/desk");
    assert.match(await page.locator("body").innerText(), /还没有载入积分方案/);
    for (const path of ["/desk", "/households", "/scheme", "/"]) {
      await page.goto(address + path);
      assert.deepEqual(await faults(page), [], `${path} of an empty programme`);
    }
    await page.context().close();
  } finally {
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the rules in force can be taken home as a file", async () => {
  const page = await town.enter(null, { viewport: PHONE });
  await page.goto(`${town.address}/scheme/versions/1`);
  const link = page.locator('a[href$="/file"]').first();
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const rules = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.ok(rules.items.some(({ code }) => code === "C04"));
  town.visited.add(new URL(download.url()).pathname);
  await page.context().close();
});

test("what residents open is small, and comes from nowhere else", async () => {
  for (const path of ["/", "/scheme", "/open-book", `/K/${known.card.token}`]) {
    const page = await town.enter(null, { viewport: PHONE });
    const requests = [];
    page.on("requestfinished", (request) => requests.push(request));
    await page.goto(town.address + path, { waitUntil: "networkidle" });
    let bytes = 0;
    for (const request of requests) {
      assert.ok(request.url().startsWith(town.address) || request.url().startsWith("data:"), request.url());
      const { responseBodySize, responseHeadersSize } = await request.sizes();
      bytes += responseBodySize + responseHeadersSize;
    }
    assert.ok(bytes > 1_000 && bytes <= RESIDENTS_PAGE_BYTES, `${path}: ${bytes} bytes`);
    await page.context().close();
  }
});

test("a good deed is reported and verified without JavaScript", async () => {
  const { code, head, points } = await town.resident();
  const page = await town.enter("building", { js: false, viewport: PHONE });
  await page.goto(`${town.address}/nominations/new`);
  await page.fill("#query", head);
  await submit(page, page.getByRole("button", { name: "查找" }));
  await submit(page, page.locator(`.big-list a[href*="${code}"]`));
  const item = page.locator('a[href*="item=C04"]').first();
  if (!(await item.isVisible())) await page.locator("details", { has: item }).locator("summary").click();
  await submit(page, item);
  await submit(page, page.getByRole("button", { name: "先核对" }));
  assert.match(await page.locator("#check").innerText(), /20分/);
  await submit(page, page.getByRole("button", { name: "提交", exact: true }));
  const { pathname } = new URL(page.url());
  assert.match(await page.locator(".notice.ok").innerText(), /已申报/);
  await page.context().close();

  const verifier = await town.enter("council", { js: false, viewport: PHONE });
  await verifier.goto(town.address + pathname);
  await submit(verifier, verifier.locator('button[value="return"]'));
  assert.match(await verifier.locator("[role=alert]").innerText(), /原因/, "whoever returns it says why");
  await submit(verifier, verifier.locator('button[value="approve"]'));
  assert.match(await verifier.locator(".notice.ok").innerText(), /核实通过，等评议会评议/);
  assert.equal(await town.pointsOf(code), points, "no point counts before the council and the notice");
  await verifier.context().close();
});

test("a good deed is nominated in three taps and well under half a minute on a phone, with a photo", async () => {
  const { code } = await town.resident();
  const page = await town.enter("building", { viewport: PHONE });
  await page.goto(`${town.address}/nominations/new`);
  const door = page.locator(`.door[href*="${code}"]`);
  if (!(await door.count())) {
    // Not the building that comes up first.
    for (const building of await page.locator(".doors.wide .door").evaluateAll((links) => links.map((link) => link.href))) {
      await page.goto(building);
      if (await door.count()) break;
    }
  }
  await shot(page, "nominate-doors-360");
  const began = Date.now();
  let taps = 0;
  const tap = async (what) => { taps += 1; await submit(page, what); };
  await tap(door);
  await shot(page, "nominate-items-360");
  await tap(page.locator(".big-list a:not(.full)").first());
  await page.locator("#photo").setInputFiles({ name: "IMG_0001.png", mimeType: "image/png", buffer: await page.screenshot() });
  await page.locator("#thumbs img").waitFor();
  await shot(page, "nominate-last-look-360");
  await tap(page.getByRole("button", { name: "提交", exact: true }));
  const seconds = (Date.now() - began) / 1000;
  console.log(`nominated with ${taps} taps in ${seconds.toFixed(1)} s of machine time`);
  assert.equal(taps, 3);
  assert.ok(seconds < 30, `${seconds} s`);
  assert.match(await page.locator(".notice.ok").innerText(), /已申报/);
  await shot(page, "nomination-with-photo-360");
  await page.locator(".shots img").first().scrollIntoViewIfNeeded();
  await page.waitForFunction(() => { const shown = document.querySelector(".shots img"); return shown.complete && shown.naturalWidth > 0; });
  const answer = await page.goto(new URL(await page.locator(".shots a").first().getAttribute("href"), town.address).href);
  assert.equal(answer.headers()["content-type"], "image/jpeg");
  await page.context().close();
});

test("the last look keeps up with what is changed", async () => {
  const { code } = await town.resident();
  const page = await town.enter("building", { viewport: PHONE });
  await page.goto(`${town.address}/nominations/new?household=${code}&item=E10`);
  assert.match(await page.locator("#check .kv").innerText(), /2分/);
  await page.getByRole("button", { name: "多一次" }).click();
  await page.waitForFunction(() => /4分/.test(document.querySelector("#check .kv dd").textContent));
  assert.equal(await page.locator(".other-day").isVisible(), false);
  await page.locator("label.chip", { hasText: "昨天" }).click();
  await page.waitForFunction(() => !document.querySelector("#check.dim"));
  await submit(page, page.getByRole("button", { name: "提交", exact: true }));
  assert.match(await page.locator(".notice.ok").innerText(), /已申报/);
  await page.context().close();
});

test("cards are scanned one after the other at the door of a gathering", async () => {
  const path = await gatheringPath();
  const page = await town.enter("grid", { viewport: PHONE });
  await page.goto(town.address + path);
  const [one, other] = [await town.resident(), await town.resident()];
  const cards = [await town.cardFor(one.code), await town.cardFor(other.code)];
  await scan(page, cards[0].token);
  await page.locator(".big-word", { hasText: one.head }).waitFor();
  await scan(page, cards[1].token);
  await page.locator(".big-word", { hasText: other.head }).waitFor();
  await shot(page, "gathering-door-360");
  await scan(page, cards[1].token);
  await page.locator(".big-word.again").waitFor();
  assert.match(await page.locator(".big-word").innerText(), /已经签过到了/);
  assert.equal(new URL(page.url()).pathname, path);
  await page.locator("#list summary").click();
  await shot(page, "gathering-list-360");
  await submit(page, page.getByRole("button", { name: /结束签到/ }));
  assert.match(await page.locator("#board .notice.ok").innerText(), /户已生成申报/);
  await shot(page, "gathering-closed-360");
  await page.context().close();
});

test("what the stock keeper takes along arrives as a file", async () => {
  const page = await town.enter("stock");
  for (const [path, kind, begins] of [
    ["/goods/file.csv", /^text\/csv/, "\ufeff"],
    ["/goods/file.xlsx", /spreadsheetml/, "PK"],
    ["/stock/lists/order.csv", /^text\/csv/, "\ufeff"],
    ["/registers/file.xlsx", /spreadsheetml/, "PK"],
    ["/registers/stock/file.xlsx", /spreadsheetml/, "PK"],
    ["/registers/donations/file.xlsx", /spreadsheetml/, "PK"],
  ]) {
    const answer = await page.request.get(town.address + path);
    assert.equal(answer.status(), 200, path);
    assert.match(answer.headers()["content-type"], kind, path);
    assert.match(answer.headers()["content-disposition"], /^attachment/, path);
    assert.ok((await answer.body()).toString().startsWith(begins), path);
    town.visited.add(path);
  }
  await page.context().close();
});

test("the counter's script gets all goods, and the second time only that they are the same", async () => {
  const page = await town.enter("shop");
  await page.goto(`${town.address}/counter`);
  const list = await page.request.get(`${town.address}/counter/goods`), left = await page.request.get(`${town.address}/counter/goods/left`);
  assert.deepEqual([list.status(), left.status()], [200, 200]);
  assert.equal(list.headers()["cache-control"], "private, no-cache");
  const tag = list.headers().etag;
  assert.equal(tag.replace(/^W\/|"/g, ""), (await left.json()).list);
  assert.equal((await list.json()).skus.length, (await left.json()).left.length);
  const again = await page.request.get(`${town.address}/counter/goods`, { headers: { "if-none-match": tag } });
  assert.equal(again.status(), 304);
  const worker = await page.request.get(`${town.address}/counter/sw.js`);
  assert.deepEqual([worker.status(), worker.headers()["service-worker-allowed"]], [200, "/counter"]);
  for (const answer of [list, left, worker]) town.visited.add(new URL(answer.url()).pathname);
  await page.context().close();
});

test("what the loudspeaker says arrives as a file, and the kiosk turns by itself", async () => {
  const page = await town.enter("grid");
  await page.goto(`${town.address}/broadcast`);
  const notices = await page.locator("#notice option").evaluateAll((all) => all.map((one) => one.value));
  let text;
  for (const notice of notices) {
    text = await page.request.get(`${town.address}/broadcast/script.txt?notice=${notice}`);
    if (text.ok()) break;
  }
  assert.equal(text.status(), 200, "a notice with somebody who agreed");
  assert.match(text.headers()["content-type"], /^text\/plain/);
  assert.match(await text.text(), /家，.+。\n/);
  const speech = await page.request.get(text.url().replace("script.txt", "speech.wav"));
  // As far as this machine has a voice.
  assert.ok([200, 409].includes(speech.status()), String(speech.status()));
  for (const answer of [text, speech]) town.visited.add(new URL(answer.url()).pathname);
  await page.clock.install();
  await page.goto(`${town.address}/board/kiosk`);
  const number = () => page.locator(".wall-nav span").innerText();
  const first = await number();
  await page.clock.runFor(15_500);
  await page.waitForFunction((first) => document.querySelector(".wall-nav span").innerText !== first, first);
  await page.context().close();
});

test("what the auditor takes along arrives as a file", async () => {
  const page = await town.enter("auditor");
  for (const path of ["/registers/issue/file.xlsx", "/registers/redemptions/file.xlsx", "/settlements/1/file.xlsx"]) {
    const answer = await page.request.get(town.address + path);
    assert.equal(answer.status(), 200, path);
    assert.match(answer.headers()["content-type"], /spreadsheetml/, path);
    assert.ok((await answer.body()).toString().startsWith("PK"), path);
    town.visited.add(path);
  }
  await page.context().close();
});

test("a dividend and the trial of one arrive as files", async () => {
  const page = await town.enter("admin");
  await page.goto(town.address + (await dividendTrial(page)));
  const tried = await page.locator('a[href^="/dividends/file.xlsx"]').getAttribute("href");
  const fields = { title: "2026年文明股分红", held_on: await page.inputValue("#scored_on"), place: "社区活动室", entitled: "60", present: "52", votes_for: "50", votes_against: "1", votes_abstained: "1" };
  for (const [name, value] of Object.entries(fields)) await page.fill(`#${name}`, value);
  await submit(page, page.locator("form[method='post'] .primary"));
  const decided = await page.locator('a[href$="/file.xlsx"]').getAttribute("href");
  for (const path of [tried, decided]) {
    const answer = await page.request.get(town.address + path);
    assert.equal(answer.status(), 200, path);
    assert.match(answer.headers()["content-type"], /spreadsheetml/, path);
    assert.ok((await answer.body()).toString().startsWith("PK"), path);
    town.visited.add(new URL(answer.url()).pathname);
  }
  await page.context().close();
});

test("the papers of a year's end open, and certificates are printed in bulk", async () => {
  const page = await town.enter("admin");
  await page.goto(`${town.address}/year-end`);
  const paper = async (address) => {
    const answer = await page.request.get(new URL(address, town.address).href);
    assert.equal(answer.status(), 200, address);
    return (await answer.body()).toString("latin1");
  };
  const file = await page.locator("a[href^='/year-end/file.xlsx']").getAttribute("href");
  assert.ok((await paper(file)).startsWith("PK"));
  town.visited.add("/year-end/file.xlsx");
  const year = new URL(file, town.address).searchParams.get("year");
  assert.ok((await paper(await page.locator("a[href^='/papers/award-list']").getAttribute("href"))).startsWith("%PDF-"));
  assert.ok((await paper(`/papers/ceremony?year=${year}&place=${encodeURIComponent("社区活动室")}`)).startsWith("%PDF-"));
  await submit(page, page.getByRole("button", { name: "打印全部奖状" }));
  await page.getByText("已完成").waitFor({ timeout: 240_000 });
  const first = await page.locator("a[href*='/files/1']").getAttribute("href");
  assert.ok((await paper(first)).startsWith("%PDF-"));
  await shot(page, "year-end-certificates");
  await page.context().close();
});

test("what a household takes along arrives as a file", async () => {
  const page = await town.enter(null);
  await atHome("/my/data")(page);
  for (const [path, kind, begins] of [["/my/data/lines.csv", /^text\/csv/, "\ufeff"], ["/my/data/honour.csv", /^text\/csv/, "\ufeff"], ["/my/data/honours.csv", /^text\/csv/, "\ufeff"], ["/my/data/time.csv", /^text\/csv/, "\ufeff"], ["/my/data/looks.csv", /^text\/csv/, "\ufeff"], ["/my/data/statement.pdf", /^application\/pdf/, "%PDF-"]]) {
    const answer = await page.request.get(town.address + path);
    assert.equal(answer.status(), 200, path);
    assert.match(answer.headers()["content-type"], kind, path);
    assert.ok((await answer.body()).toString().startsWith(begins), path);
    town.visited.add(path);
  }
  await page.context().close();
});

test("papers open as PDF, and a page of a sample as a picture", async () => {
  const page = await town.enter("admin");
  const statement = await page.request.get(`${town.address}/papers/statement?household=${encodeURIComponent(known.code)}`);
  assert.equal(statement.status(), 200);
  assert.match(statement.headers()["content-type"], /^application\/pdf/);
  assert.ok((await statement.body()).toString("latin1").startsWith("%PDF-"));
  const picture = await page.request.get(`${town.address}/papers/preview/plaque/picture?page=0`);
  assert.match(picture.headers()["content-type"], /^image\/png/);
  const jobs = await page.goto(`${town.address}/print-jobs`).then(() => page.locator("a[href^='/print-jobs/']").first().getAttribute("href"));
  const file = await page.request.get(`${town.address}${jobs}/files/1`);
  assert.equal(file.status(), 200);
  for (const answer of [picture, file]) town.visited.add(new URL(answer.url()).pathname);
  await page.context().close();
});

test("a photograph goes onto the board after two people have seen it, and off again", async () => {
  const [admin, council, stranger] = await Promise.all(["admin", "council", null].map((who) => town.enter(who, { viewport: PHONE })));
  await admin.goto(`${town.address}/nominations?state=posted`);
  const deeds = await admin.locator("tbody a.button").evaluateAll((links) => links.map((link) => new URL(link.href).pathname.split("/").pop()));
  // A deed on the wall of good deeds: its household agrees to the board, and now to photographs.
  let found = false;
  for (const deed of deeds) {
    const form = `${town.address}/board/pictures/new?deed=${deed}`;
    await admin.goto(form);
    const why = admin.locator("main .notice.warn");
    if ((await why.count()) && /使用照片/.test(await why.innerText())) {
      await admin.goto(`${town.address}/nominations/${deed}`);
      await admin.goto(new URL(await admin.locator("aside a.button[href^='/households/']").getAttribute("href"), town.address).href);
      await admin.check("form[action$='/consents'] input[name=photo]", { force: true });
      await submit(admin, admin.locator("form[action$='/consents'] .button"));
      await admin.goto(form);
    }
    found = (await admin.locator("#one-photo").count()) > 0;
    if (found) break;
  }
  assert.ok(found, `none of ${deeds.length} deeds has a place for a photograph`);
  await shot(admin, "board-picture-new-360");
  assert.deepEqual(await faults(admin), []);
  await admin.setViewportSize(PHONE);
  const dots = Buffer.alloc(640 * 480 * 4, 160);
  await admin.setInputFiles("#one-photo", { name: "IMG_1.png", mimeType: "image/png", buffer: PNG.sync.write({ width: 640, height: 480, data: dots }) });
  await admin.fill("#words", "清通以后的水沟");
  await admin.check("input[name=children][value=none]", { force: true });
  await submit(admin, admin.locator("form[action='/board/pictures'] .button.big"));
  const path = new URL(admin.url()).pathname;
  assert.match(path, /^\/board\/pictures\/[0-9a-f-]{36}$/, await admin.locator("main").innerText());
  const photo = `/board/photos/${path.split("/").pop()}`;
  assert.equal((await stranger.request.get(town.address + photo)).status(), 404, "nobody sees it before a second person");
  await council.goto(town.address + path);
  await shot(council, "board-picture-360");
  assert.deepEqual(await faults(council), []);
  await council.setViewportSize(PHONE);
  await submit(council, council.locator("button[value=approve]"));
  await admin.goto(`${town.address}/board/pictures`);
  await shot(admin, "board-pictures-360");
  assert.deepEqual(await faults(admin), []);
  await admin.setViewportSize(PHONE);
  await stranger.goto(`${town.address}/board`);
  const picture = stranger.locator(`img[src="${photo}"]`);
  for (const [size, name] of [[PHONE, 360], [SCREEN, 1280]]) {
    await stranger.setViewportSize(size);
    await picture.scrollIntoViewIfNeeded();
    await stranger.waitForFunction((image) => image.complete && image.naturalWidth > 0, await picture.elementHandle());
    const { width, height } = await picture.boundingBox();
    assert.ok(Math.abs(width / height - 4 / 3) < 0.05, `${width} × ${height} at ${name}`);
    await shot(stranger, `board-with-photograph-${name}`);
  }
  assert.deepEqual(await faults(stranger), []);
  const file = await admin.request.get(`${town.address}${path}/file`);
  assert.equal(file.headers()["content-type"], "image/jpeg");
  for (const seen of [photo, `${path}/file`]) town.visited.add(seen);
  await admin.goto(town.address + path);
  await admin.fill("#why", "试一试");
  await submit(admin, admin.locator("button[value=take_down]"));
  await stranger.reload();
  assert.equal(await picture.count(), 0);
  for (const page of [admin, council, stranger]) await page.context().close();
});

test("every page that routes.rs knows was looked at", () => {
  const source = readFileSync(new URL("../../src/routes.rs", import.meta.url), "utf8");
  const doors = [...source.matchAll(/\bget\(\s*"([^"]+)"/g)].map(([, path]) => path).filter((path) => !/^\/(healthz|static|api)\b/.test(path));
  assert.ok(doors.length > 15, "the table of routes was found");
  const seen = [...town.visited].concat("/first-run");
  const shape = (door) => new RegExp(`^${door.replace(/\{[^}]+\}/g, "[^/]+")}$`);
  assert.deepEqual(doors.filter((door) => !seen.some((path) => shape(door).test(path))), [], "doors that no test here opens");
});

test("no page complained", () => assert.deepEqual(town.complaints, []));
