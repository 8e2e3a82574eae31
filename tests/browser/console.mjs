// A tab of the console, as standard input says: a JSON array `[action, …arguments]` in each line;
// prints a line of JSON with the result, or with `{"error"}`. Standard input's end closes it.
//
//     node console.mjs CHROMIUM NODE_MODULES
import { readFileSync, writeFileSync } from "node:fs";
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
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
  ],
});
// Makes pictures small; the page's own policy permits it no such thing.
const drawing = await browser.newPage();
const hosts = new Set();
const problems = [];
const debuggers = [];
let page;
let loads;
let expected;

// Opens a tab without cookies, of which nothing is known yet, in place of the one before.
const fresh = async () => {
  await page?.context().close();
  for (const known of [problems, debuggers]) known.length = 0;
  hosts.clear();
  loads = 0;
  expected = null;
  // Times and numbers are written alike on every machine.
  page = await browser.newPage({
    viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "UTC",
  });
  page.setDefaultTimeout(30_000);
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("load", () => (loads += 1));
  page.on("pageerror", (error) => problems.push(error.stack));
  page.on("dialog", (dialog) => {
    if (expected !== null && dialog.message().includes(expected)) {
      expected = null;
      void dialog.accept();
      return;
    }
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
};
await fresh();

// How loud each level of the conversation has been at most, as the page shows it.
const loudest = () => {
  globalThis.loudest = {};
  setInterval(() => {
    for (const meter of document.querySelectorAll("meter")) {
      const name = meter.getAttribute("aria-label");
      globalThis.loudest[name] = Math.max(globalThis.loudest[name] ?? 0, meter.value);
    }
  }, 50);
};

// When the page told LiveKit that the call was answered, and when each status was on screen first.
const steps = () => {
  globalThis.steps = {};
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const text = typeof data === "string" ? data : new TextDecoder("latin1").decode(data);
    if (text.includes("sip.callStatus")) globalThis.steps.answered ??= Date.now();
    return send.call(this, data);
  };
  new MutationObserver(() => {
    const status = document.querySelector("section[aria-label='In the ledger'] h2 > *");
    if (status !== null) globalThis.steps[status.textContent.trim()] ??= Date.now();
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
};

const seen = (text) => page.getByText(text, { exact: false }).filter({ visible: true }).first();
const actions = {
  fresh,
  open: (url) => page.goto(url).then(() => null),
  view: (hash) => page.evaluate((to) => void (location.hash = to), hash),
  choose: (label, option) => page.getByLabel(label, { exact: true }).selectOption({ label: option }),
  // The next dialog with this text is answered with yes.
  accept: (text) => void (expected = text),
  fill: (label, text) => page.getByLabel(label, { exact: true }).fill(text),
  press: (name) => page.getByRole("button", { name, exact: true }).first().click(),
  follow: (name) => page.getByRole("link", { name }).first().click(),
  key: (key) => page.keyboard.press(key),
  see: (text) => seen(text).waitFor(),
  gone: (text) => page.getByText(text).filter({ visible: true }).first().waitFor({ state: "hidden" }),
  listen: () => page.evaluate(loudest),
  steps: () => page.evaluate(steps),
  text: () => page.innerText("body"),
  html: () => page.innerHTML("body"),
  evaluate: (expression) => page.evaluate(expression),
  media: (colorScheme) => page.emulateMedia({ colorScheme }),
  size: (width, height) => page.setViewportSize({ width, height }),
  screenshot: async (path) => {
    const picture = await page.screenshot({ animations: "disabled", caret: "hide" });
    const webp = await drawing.evaluate(async (bytes) => {
      const image = await createImageBitmap(await (await fetch(bytes)).blob());
      const canvas = new OffscreenCanvas(image.width, image.height);
      canvas.getContext("2d").drawImage(image, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
      return [...new Uint8Array(await blob.arrayBuffer())];
    }, `data:image/png;base64,${picture.toString("base64")}`);
    writeFileSync(path, Buffer.from(webp));
  },
  cookies: () => page.context().cookies(),
  // Seconds of the processor that the page's thread has used, however busy the machine is.
  cpu: async () => {
    if (debuggers.length === 0) {
      debuggers.push(await page.context().newCDPSession(page));
      await debuggers[0].send("Performance.enable", { timeDomain: "threadTicks" });
    }
    const { metrics } = await debuggers[0].send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  },
  // By the debugger: the page's own policy permits no such script.
  axe: async () => {
    if (await page.evaluate(() => globalThis.axe === undefined)) await page.evaluate(axe);
    // What it finds well is not asked for, which would take most of its time.
    const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  },
  // What Tab does not reach, and what it reaches without showing so.
  unreached: async () => {
    const steps = await page.evaluate(() => {
      const kinds = "a[href], button, input, select, textarea, summary, [tabindex='0']";
      globalThis.actions = [...document.querySelectorAll(kinds)].filter(
        (each) => !each.disabled && each.checkVisibility(),
      );
      document.activeElement.blur();
      // A field of a date is several steps.
      return globalThis.actions.length + 8 * document.querySelectorAll("[type^=date]").length + 5;
    });
    const outlined = new Map();
    for (let step = 0; step < steps; step += 1) {
      await page.keyboard.press("Tab");
      const [index, seen] = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        const at = globalThis.actions.indexOf(document.activeElement);
        return [at, outlineStyle !== "none" && outlineWidth !== "0px"];
      });
      outlined.set(index, seen);
    }
    const names = await page.evaluate(() => globalThis.actions.map((each) => each.outerHTML));
    return names.filter((_, index) => outlined.get(index) !== true);
  },
  // The stream's next connections can be broken as a network would break them.
  breaking: (path) =>
    page.addInitScript((broken) => {
      const real = globalThis.fetch;
      globalThis.fetch = async (input, init) => {
        if (input !== broken) return real(input, init);
        const network = new AbortController();
        init?.signal?.addEventListener("abort", () => network.abort());
        globalThis.breakStream = () => network.abort();
        return real(input, { ...init, signal: network.signal });
      };
    }, path),
  break: () => page.evaluate(() => void globalThis.breakStream?.()),
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
