// Opens a page, presses its button and waits until it talks with an agent; then prints what it
// shows. The page's copy of livekit-client comes from node_modules instead of the CDN.
//
//     node talk.mjs CHROMIUM NODE_MODULES PAGE
import { createRequire } from "node:module";
import { join } from "node:path";

const [chromium, modules, page_url] = process.argv.slice(2);
const { chromium: driver } = createRequire(join(modules, "x"))("playwright-core");
const client = join(modules, "livekit-client", "dist", "livekit-client.esm.mjs");

const browser = await driver.launch({
  executablePath: chromium,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
  ],
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  page.on("pageerror", (error) => console.error(error.stack));
  await page.route("https://cdn.jsdelivr.net/**", (route) =>
    route.fulfill({
      path: client,
      contentType: "text/javascript",
      headers: { "access-control-allow-origin": "*" },
    }),
  );
  await page.goto(page_url);
  await page.click("#talk");
  await page.waitForSelector("audio", { state: "attached", timeout: 60_000 });
  console.log(await page.textContent("#state"));
  // The agent stays until the other side of the test has looked into the room.
  await new Promise((done) => process.stdin.once("end", done).resume());
} finally {
  await browser.close();
}
