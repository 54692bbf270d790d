// The texts of the page in the user's language: locales/LANGUAGE/main.json, which ComfyUI serves for all packs.
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";

let found = {};

export async function load() {
  try {
    const all = await (await api.fetchApi("/i18n")).json();
    const language = app.ui?.settings?.getSettingValue?.("Comfy.Locale") ?? navigator.language;
    const own = all[language] ?? all[language?.split("-")[0]];
    found = { ...all.en?.surrogate_explorer, ...own?.surrogate_explorer };
  } catch (error) {
    console.warn("Surrogate Explorer has no texts:", error); // buttons then have the names of their texts
  }
}

export function say(name, values = {}) {
  return (found[name] ?? name).replace(/{(\w+)}/g, (_, key) => values[key] ?? "");
}
