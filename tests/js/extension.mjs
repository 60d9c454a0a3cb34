// Starts Chromium with an extension and prints what its service worker made: node extension.mjs BROWSER
// FOLDER PROFILE.

import { chromium } from "playwright-core";

const [executablePath, folder, profile] = process.argv.slice(2);
const args = ["--headless=new", "--no-sandbox", `--disable-extensions-except=${folder}`, `--load-extension=${folder}`];
const browser = await chromium.launchPersistentContext(profile, { executablePath, headless: false, args });
try {
  const [worker = await browser.waitForEvent("serviceworker")] = browser.serviceWorkers();
  console.log(JSON.stringify(await worker.evaluate(() => self.made)));
} finally {
  await browser.close();
}
