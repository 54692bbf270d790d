// Texts in the user's language: locales/LANGUAGE/main.json, which ComfyUI serves for all packs.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

let all; // the answer of the server, asked for once

async function ask() {
  try {
    return await (await api.fetchApi("/i18n")).json();
  } catch (error) {
    console.warn("Surrogate has no texts:", error); // buttons then have the names of their texts
    return {};
  }
}

// The texts of one part of the pack: `load` before the first `say`.
export function wordsOf(section) {
  let found = {};
  return {
    async load() {
      const languages = await (all ??= ask());
      const language = app.ui?.settings?.getSettingValue?.("Comfy.Locale") ?? navigator.language;
      const own = languages[language] ?? languages[language?.split("-")[0]];
      found = { ...languages.en?.[section], ...own?.[section] };
    },
    say: (name, values = {}) => (found[name] ?? name).replace(/{(\w+)}/g, (_, key) => values[key] ?? ""),
  };
}
