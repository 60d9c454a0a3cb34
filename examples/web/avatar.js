// A picture for every user name, the one that ../python_app/avatar.py makes, in the visitor's browser.

import { generator } from "./clothes-gan/index.js";

const element = (id) => document.getElementById(id);

async function seedOf(name) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
  return new DataView(digest).getBigUint64(0, true);
}

async function draw() {
  const name = element("name").value;
  try {
    const opened = await generator();
    const samples = await opened.sample(1, { seed: await seedOf(name) });
    if (name !== element("name").value) return; // typed on meanwhile
    samples.toCanvas(element("avatar"), { gap: 0 });
    element("status").textContent = `made here, on ${opened.provider}`;
  } catch (error) {
    element("status").textContent = error.message;
  }
}

element("name").addEventListener("input", draw);
await draw();
element("status").dataset.state = "done";
