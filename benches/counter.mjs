// How long it takes from the last key of a scanning gun until the line stands on the screen, with 20,000 kinds of goods; how
// long a search takes while somebody types; what the first load weighs on the wire, and what is fetched after it.
//
// `bin/bench counter [--goods N] [--scans N]`. The goods are made up and the same in every run: brands, kinds, sorts, sizes,
// EAN-13. The keys go through the browser's own input into the counter's real wedge. Chromium, the server and this program
// share the machine, so the times depend on it and are only printed; the bytes and the requests do not.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openTown } from "../tests/e2e/town.mjs";

const LINE_MS = 150, SEARCH_MS = 50, FIRST_LOAD_BYTES = 500_000;
const BASKET = 15;

const settings = { goods: 20_000, scans: 300 };
for (const [at, word] of process.argv.entries()) if (word.startsWith("--")) settings[word.slice(2)] = Number(process.argv[at + 1]);

/** The same numbers in every run. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// What a county's shelf holds, by category: kinds, the units they are sold in, their sizes and their sorts.
const SHELF = {
  粮油: [["大米", "小米", "挂面", "菜籽油", "大豆油", "花生油", "玉米油", "面粉", "糯米", "荞麦面", "绿豆", "红豆", "燕麦片", "藕粉"], ["袋", "桶", "瓶"], ["500g", "1kg", "2.5kg", "5kg", "10kg", "900ml", "1.8L", "5L"], ["东北", "高山", "有机", "一级", "压榨", "富硒", "农家", "精选", "长粒香", "低温冷榨"]],
  调味: [["酱油", "陈醋", "料酒", "蚝油", "鸡精", "味精", "豆瓣酱", "辣椒酱", "食盐", "白砂糖", "红糖", "花椒", "八角", "芝麻油", "豆腐乳", "榨菜"], ["瓶", "袋", "包", "罐"], ["60g", "150g", "200g", "250g", "400g", "500ml", "800ml", "1.28L"], ["味极鲜", "生抽", "老抽", "零添加", "香辣", "麻辣", "原味", "减盐", "三年陈", "蒜蓉"]],
  纸品: [["抽纸", "卷纸", "湿巾", "手帕纸", "厨房纸", "纸尿裤", "卫生巾", "棉柔巾", "纸杯"], ["提", "包", "箱", "组"], ["3包装", "6包装", "10卷装", "12卷装", "80抽", "100抽×24包", "400张", "50只"], ["竹浆", "原生木浆", "加厚", "柔韧", "无香", "四层", "婴儿", "超吸水"]],
  洗涤: [["洗衣粉", "洗衣液", "洗洁精", "肥皂", "漂白水", "柔顺剂", "洁厕灵", "去油剂", "地板清洁液", "玻璃水", "消毒液", "皂粉"], ["袋", "瓶", "组", "桶"], ["260g", "500g", "1kg", "1.7kg", "2kg", "3kg", "500ml", "1.5L"], ["薰衣草", "柠檬", "除菌", "低泡", "深层洁净", "护色", "天然", "浓缩", "无磷"]],
  个护: [["牙膏", "牙刷", "洗发水", "沐浴露", "香皂", "护手霜", "花露水", "面霜", "剃须刀", "护发素", "润唇膏", "洗手液", "爽身粉"], ["支", "瓶", "块", "盒", "组"], ["60g", "90g", "125g", "140g", "195ml", "400ml", "750ml", "2支装"], ["清爽", "去屑", "滋润", "薄荷", "绿茶", "芦荟", "儿童", "敏感", "男士", "生姜", "茉莉"]],
  日用: [["毛巾", "浴巾", "保温杯", "脸盆", "水桶", "衣架", "拖把", "扫帚", "垃圾袋", "保鲜膜", "雨伞", "手电筒", "节能灯泡", "插线板", "电池", "剪刀", "菜刀", "砧板", "炒锅", "汤锅", "饭盒", "热水袋", "晾衣绳", "粘毛器", "门帘"], ["条", "个", "把", "只", "套", "卷", "节"], ["大号", "中号", "小号", "5只装", "10个装", "30cm", "28L", "9W", "5米"], ["不锈钢", "加厚", "纯棉", "折叠", "防滑", "家用", "竹制", "便携", "多功能"]],
  食品: [["饼干", "方便面", "火腿肠", "牛奶", "酸奶", "豆奶粉", "奶粉", "蜂蜜", "茶叶", "瓜子", "花生", "核桃", "红枣", "木耳", "香菇", "粉丝", "腊肠", "罐头", "饮用水", "果汁", "糖果", "蛋糕", "麦片", "鸡蛋"], ["袋", "盒", "箱", "罐", "瓶", "包"], ["70g", "100g", "200g", "250ml×12", "300g", "454g", "1L", "16盒装"], ["原味", "香葱", "红烧", "五香", "低糖", "中老年", "全脂", "高钙", "手工", "散养", "特级", "陕北"]],
  农资: [["复合肥", "尿素", "有机肥", "白菜种子", "辣椒种子", "玉米种子", "地膜", "锄头", "镰刀", "喷雾器", "劳保手套", "雨靴", "草帽", "编织袋"], ["袋", "包", "卷", "把", "双", "顶"], ["10g", "50g", "5kg", "25kg", "40kg", "2米宽", "16L", "42码"], ["缓释", "硫酸钾型", "早熟", "抗病", "高产", "加密", "耐磨", "锰钢"]],
  文具: [["作业本", "铅笔", "中性笔", "书包", "文具盒", "橡皮", "彩笔", "字帖", "跳绳", "篮球", "拼图", "胶水"], ["本", "支", "盒", "个", "套", "根"], ["16K", "32K", "0.5mm", "12支装", "24色", "36张", "7号"], ["学生", "小学", "护眼", "加厚", "卡通", "按动", "可水洗"]],
};
const SYLLABLES = "金福吉祥瑞丰泰和安康宁顺兴隆华美佳丽雅洁净白玉清源泉山河江湖海天云霞春秋夏冬梅兰竹菊松柏林森禾谷稻穗田园乡土家人好友悦乐喜庆龙凤麒麟鹤雁燕鹭星月阳光辉明亮晶宝珍贝锦绣".split("");

/** Goods as `jishan import goods` takes them. */
function makeGoods(count) {
  const roll = dice(20_261_122), pick = (all) => all[roll(all.length)], names = new Set(), barcodes = new Set(), rows = [];
  const brands = Array.from({ length: 320 }, () => ({
    name: pick(SYLLABLES) + pick(SYLLABLES) + (roll(4) ? "" : pick(SYLLABLES)), prefix: `69${String(10_000 + roll(890_000)).padStart(6, "0").slice(0, 5)}`,
  }));
  while (rows.length < count) {
    const category = pick(Object.keys(SHELF)), [kinds, units, sizes, sorts] = SHELF[category], brand = pick(brands);
    const name = `${brand.name}${roll(4) ? pick(sorts) : ""}${pick(kinds)} ${pick(sizes)}`;
    const body = `${brand.prefix}${String(roll(100_000)).padStart(5, "0")}`;
    const sum = [...body].reduce((sum, digit, at) => sum + Number(digit) * (at % 2 ? 3 : 1), 0), barcode = `${body}${(10 - sum % 10) % 10}`;
    if (names.has(name) || barcodes.has(barcode)) continue;
    names.add(name);
    barcodes.add(barcode);
    rows.push({ sku: `G${1_001 + rows.length}`, barcode, name, unit: pick(units), category, points: 1 + roll(120), limit: roll(3) ? "" : 1 + roll(6) });
  }
  return rows;
}

async function importGoods(town, rows) {
  const file = join(town.demo.folder, "goods.csv");
  const lines = rows.map((row) => [row.sku, row.barcode, row.name, row.unit, row.category, row.points, row.points * 70, row.limit, "", "collective", "no"].join(","));
  writeFileSync(file, `sku,barcode,name_zh,unit,category,price_points,cost_cents,limit_per_household_per_month,shelf_life_days,funding,open_priced\n${lines.join("\n")}\n`);
  await promisify(execFile)(process.env.JISHAN_BIN, ["import", "goods", file, "--data", town.demo.folder], { maxBuffer: 1e8 });
}

/** Receipts of sixty lines, as the stock keeper would write them. One kind in twenty stays without any. */
async function fillShelf(town, rows) {
  const roll = dice(7), page = await town.enter("stock", { js: false });
  await page.goto(`${town.address}/stock/receipts/new`);
  const csrf = await page.locator("#document [name=csrf]").getAttribute("value");
  const held = rows.filter(() => roll(20));
  for (let at = 0; at < held.length; at += 60) {
    const form = new URLSearchParams({ csrf, key: randomUUID(), kind: "purchase" });
    for (const row of held.slice(at, at + 60)) form.append("line", `${2 + roll(400)}|1.00||${row.sku}`);
    const answer = await page.request.post(`${town.address}/stock/receipts/new`, {
      headers: { "content-type": "application/x-www-form-urlencoded", origin: town.address }, data: form.toString(), maxRedirects: 0,
    });
    if (answer.status() !== 303) throw new Error(`a receipt was not taken: ${answer.status()}\n${(await answer.text()).slice(0, 3_000)}`);
  }
  await page.context().close();
  return held;
}

/** Times from a key to the frame that shows what it did; `watched` is where that is seen. */
function watch(watched) {
  const pressed = { at: 0, open: false };
  window.times = [];
  addEventListener("keydown", (event) => {
    if (event.key !== window.timedKey && window.timedKey !== "any") return;
    Object.assign(pressed, { at: event.timeStamp, open: true });
  }, true);
  const seen = () => {
    if (!pressed.open) return;
    pressed.open = false;
    // A message that is sent while a frame is made arrives when that frame has been painted.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.times.push(performance.now() - pressed.at);
      port2.postMessage(0);
    });
  };
  for (const place of watched) new MutationObserver(seen).observe(document.querySelector(place), { childList: true, subtree: true, characterData: true });
}

const timesOf = (page, count) => page.waitForFunction((count) => window.times.length >= count, count, { timeout: 3_000 }).then(() => true, () => false);

/** Keys as fast as the browser takes them, the last of which is Enter: no slower than a gun's. */
async function gun(page, text) {
  for (const key of text) await page.keyboard.press(key);
  await page.keyboard.press("Enter");
}

/** Empties the basket as a person does: Escape, and yes. */
async function clear(page) {
  await page.evaluate(() => { window.timedKey = ""; });
  while (await page.locator("#lines .line").count()) {
    if (await page.locator(".ask").isVisible()) await page.locator(".ask .primary").click({ timeout: 2_000 }).catch((error) => console.warn(error.message));
    else await page.keyboard.press("Escape");
    await page.waitForTimeout(100);
  }
}

async function scans(page, rows, card) {
  const roll = dice(99);
  let wanted = 0, again = 0;
  while (wanted < settings.scans) {
    if (wanted % BASKET === 0) {
      if (wanted) await clear(page);
      else await gun(page, card);
      await page.evaluate(() => { window.timedKey = "Enter"; });
    }
    const row = rows[roll(rows.length)];
    await gun(page, row.barcode);
    if (await timesOf(page, wanted + 1)) wanted += 1;
    else again += 1; // The machine held this program up for so long that the wedge took its keys for a person's.
    if (again > 50) throw new Error(`the counter does not take scans: ${await page.locator("body").innerText()}`);
    await page.waitForTimeout(60 + roll(240));
  }
  await clear(page);
  return { times: await page.evaluate(() => window.times.splice(0)), again };
}

async function searches(page) {
  await page.evaluate(() => { window.timedKey = "any"; });
  await page.keyboard.press("F3");
  await page.evaluate(() => { window.times = []; });
  let count = 0;
  for (const word of ["xyf", "cjy", "bwb", "jnd", "lajn", "hzt", "dmq", "xfs", "fhf", "zsd"]) {
    for (const letter of word) {
      await page.keyboard.press(letter);
      if (await timesOf(page, count + 1)) count += 1;
      await page.waitForTimeout(180);
    }
    // Emptying the field is a key too, but none of a search.
    await page.evaluate(() => { window.timedKey = ""; });
    await page.locator("#find").fill("");
    await page.waitForTimeout(200);
    await page.evaluate(() => { window.timedKey = "any"; });
  }
  return page.evaluate(() => window.times);
}

const at = (times, share) => [...times].sort((one, other) => one - other)[Math.floor((times.length - 1) * share)].toFixed(0);
const row = (what, times, limit) => `| ${what}, ${times.length} times | ${at(times, 0.5)} | ${at(times, 0.95)} | ${at(times, 1)} | ${limit} |`;

const rows = makeGoods(settings.goods);
const town = await openTown();
try {
  await importGoods(town, rows);
  const held = await fillShelf(town, rows);
  const { code } = await town.resident({ points: 20 });
  const { token } = await town.cardFor(code);

  const page = await town.enter("shop");
  const requests = [];
  page.on("requestfinished", (request) => requests.push(request));
  const began = performance.now();
  await page.goto(`${town.address}/counter`);
  await page.locator("main.counter[data-goods]").waitFor();
  const ready = performance.now() - began;
  await page.waitForTimeout(1_000);
  const first = requests.splice(0), weights = [];
  for (const request of first) {
    const { responseBodySize, responseHeadersSize } = await request.sizes();
    weights.push([new URL(request.url()).pathname, responseBodySize + responseHeadersSize]);
  }
  const bytes = weights.reduce((sum, [, weight]) => sum + weight, 0);

  await page.evaluate(watch, ["#lines", ".shelves"]);
  const { times, again } = await scans(page, held, token);
  const typed = await searches(page);
  // The sign on its tab the browser fetches when it likes.
  const quotes = requests.filter((request) => request.url().endsWith("/counter/quote")), fetched = requests.filter((request) => !quotes.includes(request) && !request.url().endsWith("/icon.svg") && !request.url().includes("/counter/offline/"));

  console.log(`
| ${settings.goods} kinds of goods, ms | p50 | p95 | most | p95 wanted |
| --- | ---: | ---: | ---: | ---: |
${row("last key of a scan to its line on the screen", times, LINE_MS)}
${row("key of a search to what it found on the screen", typed, SEARCH_MS)}

| on the wire | there | wanted |
| --- | ---: | ---: |
| first load, bytes with headers | ${bytes} | at most ${FIRST_LOAD_BYTES} |
| requests for goods or files of the page in ${times.length} scans | ${fetched.length} | 0 |
| questions whether it is enough (POST /counter/quote) | ${quotes.length} | |

the first load: ${weights.sort((one, other) => other[1] - one[1]).map(([path, weight]) => `${path} ${weight}`).join(", ")}
list of goods there after ${ready.toFixed(0)} ms; scans sent again: ${again}; load of the machine: ${loadavg()[0].toFixed(1)}`);
  for (const request of fetched) console.log(`fetched: ${request.url()}`);
} finally {
  await town.close();
}
