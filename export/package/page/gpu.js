// The choice of WebGPU, where the browser may have it. Its build is loaded only when it is asked for.

import { use } from "./source.js";

const [button, status] = ["gpu", "status"].map((id) => document.getElementById(id));
button.hidden = !("gpu" in navigator);
button.addEventListener("click", async () => {
  button.disabled = true;
  status.textContent = "Loading the build for WebGPU";
  try {
    await use("webgpu");
    button.textContent = "On WebGPU";
    dispatchEvent(new HashChangeEvent("hashchange")); // the samples are drawn anew
  } catch (error) {
    button.disabled = false;
    status.textContent = error.message;
  }
});
