// A real browser and a real server for the tests in this folder: the demonstration town as `jishan demo` opens it,
// in a fresh folder, and the Chromium that the machine has. It knows no page but the one where people sign in.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

// A debug build fills its town slowly on a busy machine.
const DEMO_OPENS_WITHIN_MS = 180_000;
const DEMO_STOPS_WITHIN_MS = 10_000;

// What a test leaves open when it fails halfway is put away here; otherwise it would keep the test file from ending.
const running = new Set();
const browsers = new Set();
if (process.env.NODE_TEST_CONTEXT) {
  const { after } = await import("node:test");
  after(() => Promise.all([...browsers].map((browser) => browser.close()).concat([...running].map((demo) => demo.stop()))));
}
process.on("exit", () => running.forEach((demo) => demo.killNow()));
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

/** Opens the demonstration town. `more` is passed to the command as it stands; `environment` is added to its settings. */
export async function startDemo({ households, more = [], environment = {} } = {}) {
  const program = process.env.JISHAN_BIN;
  if (!program) throw new Error("JISHAN_BIN is not set; run bin/test, or set it to target/debug/jishan");

  const folder = mkdtempSync(join(tmpdir(), "jishan-demo-"));
  const size = households === undefined ? [] : ["--households", String(households)];
  const child = spawn(program, ["demo", "--data", folder, "--listen", "127.0.0.1:0", ...size, ...more], {
    // The settings of whoever runs the tests are not the demo's.
    env: { ...withoutOurSettings(process.env), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });

  const demo = { folder, stop, killNow, said: () => said };
  running.add(demo);

  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started (${error.message})`));
    child.once("close", (code, signal) => resolve(`ended with ${signal ?? `exit status ${code}`}`));
  });

  function killNow() {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }

  async function stop() {
    if (!running.delete(demo)) return;
    child.kill("SIGTERM");
    await Promise.race([ended, elapsed(DEMO_STOPS_WITHIN_MS)]);
    killNow();
  }

  // Both streams are read to the end, or the program would one day wait for room in a pipe.
  let said = "";
  const listening = new Promise((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-100_000);
      const address = said.match(/http:\/\/127\.0\.0\.1:\d+(?=\D)/);
      if (address) resolve(address[0]);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-100_000);
    });
  });

  const first = await Promise.race([
    listening,
    ended.then((how) => new Error(`jishan demo ${how} before it named its address:\n${said}`)),
    elapsed(DEMO_OPENS_WITHIN_MS).then(
      () => new Error(`jishan demo named no http://127.0.0.1 address within ${DEMO_OPENS_WITHIN_MS / 1000} s:\n${said}`),
    ),
  ]);
  if (first instanceof Error) {
    await stop();
    throw first;
  }
  return Object.assign(demo, { address: first });
}

/** The machine's own Chromium, with everything off that would call home. `more` switches are added. */
export async function openBrowser(more = []) {
  const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = process.env.CHROMIUM || places.find((place) => existsSync(place));
  if (!executablePath) throw new Error(`No Chromium: CHROMIUM is not set, and there is none of ${places.join(", ")}`);
  const browser = await chromium.launch({
    executablePath,
    args: [
      // Chromium's sandbox refuses to run as root, as which CI runs.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
  browsers.add(browser);
  browser.once("disconnected", () => browsers.delete(browser));
  return browser;
}

/** Signs in as a person does, and says what the page answered if it did not let them in. */
export async function signIn(page, address, name, password = "jishan-demo") {
  await page.goto(`${address}/sign-in`);
  const form = page.locator("form", { has: page.locator('input[name="password"]') });
  await form.locator('input[name="name"]').fill(name);
  await form.locator('input[name="password"]').fill(password);
  await Promise.all([
    page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame()),
    form.locator('button:not([type="button"]), input[type="submit"]').first().click(),
  ]);
  await page.waitForLoadState();
  if (await form.locator('input[name="name"]').count()) {
    throw new Error(`${name} was not let in at ${page.url()}:\n${await page.locator("body").innerText()}`);
  }
}

/** Keeps a picture of the whole page in the folder JISHAN_SHOTS, for people to look at; without it, does nothing. */
export async function shot(page, name) {
  const folder = process.env.JISHAN_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, animations: "disabled" });
}

function withoutOurSettings(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("JISHAN_")));
}

function elapsed(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
