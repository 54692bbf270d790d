// Opens the template that `run.py serve` names in a fresh user's settings, once, in place of the page's first graph.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

const SETTING = "Surrogate.OpenTemplate"; // dev/serving.py writes it
const PACK = new URL(import.meta.url).pathname.split("/").at(-2);
let begun = false;

async function open() {
  const name = await api.getSetting(SETTING);
  if (!name) return;
  await api.storeSetting(SETTING, "");
  const answer = await fetch(api.apiURL(`/workflow_templates/${PACK}/${encodeURIComponent(name)}.json`));
  if (answer.ok) await app.loadGraphData(await answer.json(), true, true, name);
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Welcome",
  // The page has loaded its own first graph, which would otherwise come later and take the template's place.
  afterConfigureGraph() {
    if (begun) return;
    begun = true;
    setTimeout(() => open().catch((error) => console.warn("Surrogate's first template was not opened:", error)));
  },
});
