// Opens a page in Chromium and runs a function in it: node visit.mjs '{"browser", "url", "wait", "run"}'
// prints what the function gave, and everything that the page complained of.

import { readFile } from "node:fs/promises";

import { chromium } from "playwright-core";

const { browser: executablePath, url, wait, state, run, flags = [], screenshot, size, scheme, scripts = [] } = JSON.parse(process.argv[2]);
const quiet = ["--disable-background-networking", "--no-first-run", "--disable-component-update"];
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-sync", ...quiet, ...flags],
});
try {
  const page = await browser.newPage({ viewport: size ?? { width: 1280, height: 900 }, colorScheme: scheme ?? "light" });
  const complaints = [];
  const requests = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(url);
  await page.waitForSelector(wait, { timeout: 60000, state });
  for (const path of scripts) await page.evaluate(await readFile(path, "utf8")); // past the page's policy
  const result = await page.evaluate(`(${run.trim()})()`);
  if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
  const violations = await page.evaluate(() => window.violations);
  console.log(JSON.stringify({ result, complaints, violations, requests }));
} finally {
  await browser.close();
}
