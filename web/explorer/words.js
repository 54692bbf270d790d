// The texts of the page in the user's language: locales/LANGUAGE/main.json, which ComfyUI serves for all packs.
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";

const ENGLISH = {
  page: "Page {page} of {pages}",
  none_liked: "Click the pictures you like, then press Run.",
  liked: "{count} liked",
  empty: "Press Run to see the first page.",
  waiting: "Press Run to see this page.",
  more: "More like these",
  new: "New page",
  mix: "Mix",
  mix_tip: "Blends of what you liked, without anything new",
  surprise: "Surprise me",
  surprise_tip: "Pictures far away from what you liked",
  none: "None of these",
  none_tip: "Another page from what you liked before, farther away",
  finish: "Finish {count}",
  finish_tip: "Render what you liked with all steps and save it",
  closer: "closer",
  farther: "farther",
  turn_tip: "How much the next page differs from what you liked",
  back: "Earlier page",
  forward: "Later page",
  run: "Run on click",
  run_tip: "Buttons and double clicks run the workflow at once",
  draft: "draft, {steps} of {all} steps",
  finished: "finished and saved",
  failed: "failed",
  picture: "Picture {number}. Space: like. Enter: show its neighbours. V: large.",
};

let found = {};

export async function load() {
  try {
    const all = await (await api.fetchApi("/i18n")).json();
    const language = app.ui?.settings?.getSettingValue?.("Comfy.Locale") ?? navigator.language;
    found = (all[language] ?? all[language?.split("-")[0]])?.surrogate_explorer ?? {};
  } catch {
    found = {};
  }
}

export function say(name, values = {}) {
  return (found[name] ?? ENGLISH[name]).replace(/{(\w+)}/g, (_, key) => values[key] ?? "");
}
