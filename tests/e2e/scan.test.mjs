// One card, six ways to the counter, each from the paper to the household on the screen: the gun on the square, the gun on
// the bars, the camera, a photograph, ten digits typed, ten digits read aloud in groups. Then what the camera says when it
// cannot, and the page on which guns are tried.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shot, signIn } from "./browser.mjs";
import { readQr } from "./qr.mjs";
import { PHONE, SCREEN, basket, goods, openTown, scan, settled, submit } from "./town.mjs";

const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const COUNTER_BYTES = 500_000;
const SAMPLE = "1234567894";
// A name that is not this machine's own: over plain http, browsers give pages there no camera.
const PLAIN = "shop.test";

// What Chromium's camera sees: the file is read anew each time the camera is opened.
const folder = mkdtempSync(join(tmpdir(), "jishan-camera-"));
const film = join(folder, "film.mjpeg");

let town, household, card;
before(async () => {
  writeFileSync(film, "");
  town = await openTown({
    switches: ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`, `--host-resolver-rules=MAP ${PLAIN} 127.0.0.1`],
  });
  household = await town.resident({ points: 20 });
  card = await printed();
});
after(async () => {
  await town?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A new card as the page prints it: what is on the paper, as pictures and as texts. */
async function printed() {
  const page = await town.enter("grid", { js: false });
  await page.goto(`${town.address}/households/${encodeURIComponent(household.code)}`);
  await submit(page, page.locator('form[action$="/cards"] button'));
  const square = page.locator(".id-card .qr svg");
  const paper = {
    picture: await page.locator(".id-card").screenshot(),
    bars: await page.locator(".id-card .bars svg").screenshot(),
    link: readQr(await square.evaluate((svg) => svg.outerHTML)),
    number: (await page.locator(".id-card b").innerText()).replace(/\s/g, ""),
  };
  await page.context().close();
  return paper;
}

/** A photograph of a picture that lies askew on a dim table, so wide in pixels. */
async function photograph(picture, { width = 620, turned = 0.12 } = {}) {
  const studio = await town.enter();
  const jpeg = await studio.evaluate(async ([picture, width, turned]) => {
    const paper = new Image();
    paper.src = `data:image/png;base64,${picture}`;
    await paper.decode();
    const table = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 }), brush = table.getContext("2d");
    brush.fillStyle = "#a08060";
    brush.fillRect(0, 0, 1280, 720);
    brush.translate(640, 360);
    brush.rotate(turned);
    brush.filter = "blur(0.8px) brightness(0.85)";
    const height = width * paper.height / paper.width;
    brush.drawImage(paper, -width / 2, -height / 2, width, height);
    return table.toDataURL("image/jpeg", 0.85).split(",")[1];
  }, [picture.toString("base64"), width, turned]);
  await studio.context().close();
  return Buffer.from(jpeg, "base64");
}

/** Puts a picture before the camera. */
async function putBefore(picture, how) {
  const frame = await photograph(picture, how);
  writeFileSync(film, Buffer.concat(Array.from({ length: 10 }, () => frame)));
}

async function counter(how = {}) {
  const page = await town.enter("shop", how);
  if (how.camera) await page.context().grantPermissions(["camera"], { origin: town.address });
  page.asked = [];
  page.on("requestfinished", (request) => page.asked.push(request));
  await page.goto(`${town.address}${how.path || "/counter"}`, { waitUntil: "networkidle" });
  return page;
}

/** Opens the camera with its button and waits until it reads. */
async function open(page) {
  await page.locator("#camera").click();
  await page.locator(".viewfinder[data-ready]").waitFor();
}

/** The household stands on the screen, and how its card came. */
async function recognised(page, badge) {
  await page.locator("#card-state.ok").waitFor();
  const said = await page.locator("#card-state").innerText();
  assert.ok(said.includes(household.code), said);
  assert.ok(said.includes(badge), said);
}

const heard = (page) => page.locator("body > p.hush[role=status]").innerText();

async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => (await axe.run(document, { runOnly: tags, resultTypes: ["violations"] })).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" "))}`), RULES);
}

test("the first way: the gun on the square", async () => {
  const page = await counter();
  await scan(page, card.link);
  await recognised(page, "扫卡");
  await page.context().close();
});

test("the second way: the gun on the bars, which hold the number alone", async () => {
  const page = await counter();
  await scan(page, card.number);
  await recognised(page, "手输");
  await page.context().close();
});

test("the third way: the camera, and a whole sale", async () => {
  await putBefore(card.picture);
  const page = await counter({ camera: true, viewport: PHONE });
  let bytes = 0;
  for (const request of page.asked) bytes += (await request.sizes()).responseBodySize;
  assert.ok(bytes > 1_000 && bytes <= COUNTER_BYTES, `${bytes} bytes before the camera`);
  assert.ok(!page.asked.some((request) => /decoder|camera\.js/.test(request.url())), "the camera's parts are not asked for before it is");
  await open(page);
  await recognised(page, "扫卡");
  assert.ok(page.asked.some((request) => request.url().endsWith(".wasm")), "the decoder is ours");
  assert.ok(page.asked.every((request) => request.url().startsWith(town.address)), "and came from nowhere else");
  assert.equal(await heard(page), "已读到积分卡");
  await page.waitForTimeout(3_000);
  assert.equal(await heard(page), "已读到积分卡", "a card that stays before the camera is one scan");
  assert.deepEqual(await violations(page), []);
  await shot(page, "counter-camera-360");
  await page.setViewportSize(SCREEN);
  assert.deepEqual(await violations(page), []);
  await shot(page, "counter-camera-1280");

  const salt = await goods(page, "食盐");
  await scan(page, salt.barcode);
  assert.deepEqual(await basket(page), [`${salt.name} × 1`], "the gun works beside the camera");
  await settled(page, "enough");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".viewfinder").count(), 0, "Escape closes the camera");
  assert.deepEqual(await basket(page), [`${salt.name} × 1`], "and nothing else");
  await Promise.all([page.waitForURL("**/redemptions/**"), page.keyboard.press("F9")]);
  assert.equal(await town.pointsOf(household.code), household.points - salt.points);
  await page.context().close();
});

test("the fourth way: a photograph, read by the server", async () => {
  const page = await counter({ viewport: PHONE });
  await page.setInputFiles("#photo-form [name=photo]", { name: "card.jpg", mimeType: "image/jpeg", buffer: await photograph(card.picture, { turned: 0.4 }) });
  await recognised(page, "扫卡");
  await page.context().close();
});

test("the fifth way: ten digits typed", async () => {
  const page = await counter();
  await page.keyboard.press("F2");
  await page.keyboard.type(card.number, { delay: 90 });
  await page.keyboard.press("Enter");
  await recognised(page, "手输");
  await page.context().close();
});

test("the sixth way: digits read aloud and typed in groups, and one wrong digit is noticed", async () => {
  const page = await counter();
  const { number } = card;
  const grouped = (digits) => `${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6, 9)} ${digits.slice(9)}`;
  await page.keyboard.press("F2");
  await page.keyboard.type(grouped(number.slice(0, 8) + (Number(number[8]) + 1) % 10 + number[9]), { delay: 90 });
  await page.keyboard.press("Enter");
  assert.match(await settled(page, "refused"), /没有这张卡/);
  await page.keyboard.press("F2");
  await page.keyboard.type(grouped(number), { delay: 90 });
  await page.keyboard.press("Enter");
  await recognised(page, "手输");
  await page.context().close();
});

test("without https, without leave, without a camera: the page says what to do instead", async () => {
  const said = async (page) => {
    await page.locator("#camera").click();
    const words = await page.locator(".viewfinder.failed .notice").innerText();
    assert.match(words, /请改用“拍照”，或直接输入卡号。/);
    assert.deepEqual(await violations(page), []);
    return words;
  };
  const refused = await counter();
  assert.match(await said(refused), /没有允许用摄像头/);
  await shot(refused, "counter-camera-refused-1280");
  // The camera failed, and the counter did not.
  await scan(refused, card.link);
  await recognised(refused, "扫卡");
  await refused.context().close();

  const address = town.address.replace("127.0.0.1", PLAIN);
  const plain = town.watch(await (await town.browser.newContext({ locale: "zh-CN", viewport: PHONE })).newPage());
  await signIn(plain, address, "shop");
  await plain.goto(`${address}/counter`);
  assert.match(await said(plain), /不是https/);
  await plain.context().close();
});

test("the camera closes when the page is put away", async () => {
  await putBefore(card.picture);
  const page = await counter({ camera: true });
  await open(page);
  const live = () => page.evaluate(() => window.kept.getTracks().some((track) => track.readyState === "live"));
  await page.evaluate(() => { window.kept = document.querySelector(".viewfinder video").srcObject; });
  assert.ok(await live());
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  assert.equal(await page.locator(".viewfinder").count(), 0);
  assert.ok(!(await live()), "its light is off");
  await page.context().close();
});

test("on the page 试扫一下 a gun is measured key by key, and the setting reaches the counter", async () => {
  const page = await counter({ path: "/counter/try-scan" });
  const told = (name) => page.locator(`#${name}`).innerText();
  await scan(page, card.link);
  await page.locator(".known #verdict").waitFor();
  assert.match(await told("verdict"), new RegExp(`^积分卡：${card.number}$`));
  assert.match(await told("kind"), /扫卡/);
  assert.equal(await told("end"), "回车");
  assert.equal(await told("gaps"), "平均4毫秒，最长4毫秒");
  assert.equal(await page.locator("#keys li").count(), card.link.length + 1);
  assert.deepEqual(await violations(page), []);
  await shot(page, "try-scan-card-1280");

  await scan(page, SAMPLE, { inputMethod: true, end: null });
  await page.locator("#ime", { hasText: "开着中文" }).waitFor();
  assert.match(await told("advice"), /请按Shift切换成英文。.*没有发“回车”/);
  assert.match(await told("verdict"), new RegExp(SAMPLE));

  await scan(page, "6900000001196", { after: 6, pause: 180 });
  await page.locator("#verdict", { hasText: "没有扫完整" }).waitFor();
  assert.match(await told("advice"), /超过设定的100毫秒/);
  await page.selectOption("#gap", "300");
  await scan(page, "6900000001196", { after: 6, pause: 180 });
  await page.locator("#verdict", { hasText: "商品条码：6900000001196" }).waitFor();
  await page.goto(`${town.address}/counter`);
  const salt = await goods(page, "食盐");
  await scan(page, salt.barcode, { after: 6, pause: 180 });
  assert.deepEqual(await basket(page), [`${salt.name} × 1`], "the counter waits as long now");
  await page.context().close();
});

test("the camera reads the bars that we draw, and no household has the sample card", async () => {
  const page = await counter({ camera: true, path: "/counter/try-scan" });
  const drawings = await page.locator(".samples svg").all();
  const pictures = await Promise.all(drawings.map((drawing) => drawing.screenshot()));
  const expected = [/^积分卡：1234567894$/, /^积分卡：1234567894$/, /^商品条码：2900000000018$/];
  for (const [at, picture] of [...pictures, card.bars].entries()) {
    await putBefore(picture, { width: at === 0 ? 400 : 700, turned: 0.05 });
    await page.evaluate(() => { document.getElementById("verdict").textContent = ""; });
    await open(page);
    await page.waitForFunction(() => document.getElementById("verdict").textContent);
    assert.match(await page.locator("#verdict").innerText(), expected[at] || new RegExp(`^积分卡：${card.number}$`));
    await page.keyboard.press("Escape");
  }
  await page.goto(`${town.address}/counter`);
  await scan(page, SAMPLE);
  assert.match(await settled(page, "refused"), /没有这张卡/);
  await page.context().close();
});

test("without scripts a field says what the gun sent", async () => {
  const page = await town.enter("shop", { js: false, viewport: PHONE });
  for (const [text, words] of [[card.link, `积分卡的二维码，卡号${card.number.slice(0, 3)}`], ["6900000001196", "商品：食盐"], ["WIFI:S:x", "没认出来"]]) {
    await page.goto(`${town.address}/counter/try-scan`);
    await page.fill("#text", text);
    await submit(page, page.getByRole("button", { name: "看看" }));
    assert.ok((await page.locator("#arrived").innerText()).includes(words), await page.locator("#arrived").innerText());
  }
  await shot(page, "try-scan-plain-360");
  await page.context().close();
});

// Over plain http a browser says of some headers that it does not heed them.
test("no page complained", () => assert.deepEqual(town.complaints.filter((complaint) => !/header has been ignored/.test(complaint)), []));
