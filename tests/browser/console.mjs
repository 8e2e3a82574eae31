// Tabs of the console, one after the other, as standard input says: a JSON array
// `[action, …arguments]` in each line, of which the first is `["fresh"]`; prints a line of JSON with
// the result, or with `{"error"}`. Standard input's end closes it.
//
//     node console.mjs CHROMIUM NODE_MODULES
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [chromium, modules] = process.argv.slice(2);
const { chromium: driver } = createRequire(join(modules, "x"))("playwright-core");
const axe = readFileSync(join(modules, "axe-core", "axe.min.js"), "utf8");

const browser = await driver.launch({
  executablePath: chromium,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
let page;
const hosts = new Set();
const problems = [];
let loads = 0;

// A tab without cookies, of which nothing is known yet, in place of the one before.
async function fresh() {
  await page?.context().close();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(30_000);
  hosts.clear();
  problems.length = 0;
  loads = 0;
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("load", () => (loads += 1));
  page.on("pageerror", (error) => problems.push(error.stack));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    // Chromium reports each answer that is no success, such as that of a wrong key.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      problems.push(message.text());
    }
  });
  await page.addInitScript(() => {
    globalThis.refused = [];
    addEventListener("securitypolicyviolation", (event) => {
      globalThis.refused.push(`${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
}

const seen = (text) => page.getByText(text, { exact: false }).filter({ visible: true }).first();
const actions = {
  fresh,
  open: (url) => page.goto(url).then(() => null),
  view: (hash) => page.evaluate((to) => void (location.hash = to), hash),
  fill: (label, text) => page.getByLabel(label, { exact: true }).fill(text),
  press: (name) => page.getByRole("button", { name, exact: true }).first().click(),
  follow: (name) => page.getByRole("link", { name }).first().click(),
  key: (key) => page.keyboard.press(key),
  see: (text) => seen(text).waitFor(),
  gone: (text) => page.getByText(text).filter({ visible: true }).first().waitFor({ state: "hidden" }),
  text: () => page.innerText("body"),
  html: () => page.innerHTML("body"),
  evaluate: (expression) => page.evaluate(expression),
  media: (colorScheme) => page.emulateMedia({ colorScheme }),
  size: (width, height) => page.setViewportSize({ width, height }),
  screenshot: (path) => page.screenshot({ path }).then(() => null),
  cookies: () => page.context().cookies(),
  // By the debugger: the page's own policy permits no such script.
  axe: async () => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  },
  state: async () => ({
    loads,
    hosts: [...hosts],
    problems,
    refused: await page.evaluate(() => globalThis.refused),
    hacked: await page.evaluate(() => globalThis.hacked ?? null),
  }),
};

try {
  for await (const line of createInterface({ input: process.stdin })) {
    const [action, ...given] = JSON.parse(line);
    let result;
    try {
      result = { result: (await actions[action](...given)) ?? null };
    } catch (error) {
      result = { error: `${error.message}\n${await page.innerText("body").catch(() => "")}` };
    }
    console.log(JSON.stringify(result));
  }
} finally {
  await browser.close();
}
