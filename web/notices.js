// Sentences in a corner of the page.
import { app } from "../../scripts/app.js";

export function tell(severity, summary, detail) {
  app.extensionManager?.toast?.add({ severity, summary, detail, life: detail ? 20000 : 4000 });
}

// Copy a text; a page that is neither of https nor of this machine may not, and then the text is shown.
export async function tryCopy(text, done, failed) {
  try {
    await navigator.clipboard.writeText(text);
    tell("success", done);
  } catch {
    tell("warn", failed, text);
  }
}
