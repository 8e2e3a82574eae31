// Tabs of a page, as standard input says: a JSON array `[tab, action]` in each line; prints a line
// of JSON with what the tab shows afterwards. Standard input's end closes the browser.
//
//     node sessions.mjs CHROMIUM NODE_MODULES PAGE_URL
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [chromium, modules, page_url] = process.argv.slice(2);
const { chromium: driver } = createRequire(join(modules, "x"))("playwright-core");

const browser = await driver.launch({
  executablePath: chromium,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
  ],
});
const context = await browser.newContext();
const tabs = new Map();

async function opened() {
  const page = await context.newPage();
  const tokens = [];
  page.on("console", (message) => console.error(message.text()));
  page.on("pageerror", (error) => console.error(error.stack));
  page.on("response", (response) => {
    if (response.url().endsWith("/livekit/token") && response.request().method() === "POST") {
      tokens.push(response.status());
    }
  });
  await page.goto(page_url);
  await page.waitForFunction(() => window.page !== undefined);
  return { page, tokens };
}

const actions = {
  open: async () => {},
  reload: async ({ page }) => {
    await page.reload();
    await page.waitForFunction(() => window.page !== undefined);
  },
  // Resolves once the agent is connected, as the token says that one comes.
  start: ({ page }) => page.evaluate(() => window.page.session.start()),
  end: async ({ page }) => {
    await page.evaluate(() => window.page.session.end());
    await page.waitForFunction(() => window.page.session.connectionState === "disconnected");
  },
  closed: ({ page }) =>
    page.waitForFunction(() => window.page.session.connectionState === "disconnected"),
  fetched: async ({ tokens }) => {
    for (const end = Date.now() + 30_000; tokens.length === 0 && Date.now() < end; ) {
      await new Promise((done) => setTimeout(done, 50));
    }
  },
};

try {
  for await (const line of createInterface({ input: process.stdin })) {
    const [tab, action] = JSON.parse(line);
    if (!tabs.has(tab)) tabs.set(tab, await opened());
    const { page, tokens } = tabs.get(tab);
    await actions[action]({ page, tokens });
    const shown = await page.evaluate(() => ({
      connection: window.page.session.connectionState,
      agent: window.page.agent.state,
      room: window.page.session.room.name,
      identity: window.page.session.room.localParticipant.identity,
    }));
    console.log(JSON.stringify({ ...shown, tokens: tokens.splice(0) }));
  }
} finally {
  await browser.close();
}
