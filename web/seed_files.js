// Surrogate Load Seeds takes files from the user's computer: a button, and dropping a file on the node.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { chooseFile } from "./graph_edits.js";

const FOLDER = "surrogate"; // within ComfyUI's input folder

async function upload(file) {
  const body = new FormData();
  body.append("image", file); // ComfyUI's route for any file; an equal file is not stored twice
  body.append("subfolder", FOLDER);
  const answer = await api.fetchApi("/upload/image", { method: "POST", body });
  if (answer.status === 413) {
    throw new Error(`${file.name} is too large to upload: copy it into ComfyUI's input folder, then press R.`);
  }
  if (answer.status !== 200) throw new Error(`${file.name}: ${answer.status} ${answer.statusText}`);
  const { name, subfolder } = await answer.json();
  return subfolder ? `${subfolder}/${name}` : name;
}

function complain(summary, detail) {
  app.extensionManager?.toast?.add({ severity: "error", summary, detail, life: 8000 });
}

async function take(node, file) {
  if (!file.name.toLowerCase().endsWith(".safetensors")) {
    complain("Load Seeds", `${file.name} is no .safetensors file: choose one that Save Seeds wrote.`);
    return;
  }
  try {
    const name = await upload(file);
    chooseFile(node, name);
    node.graph?.setDirtyCanvas(true, true);
  } catch (error) {
    complain("Load Seeds: the upload failed", String(error.message ?? error));
  }
}

app.registerExtension({
  name: "ComfyUI-Surrogate.SeedFiles",
  nodeCreated(node) {
    if (node.comfyClass !== "SurrogateLoadSeeds") return;
    const choose = () => {
      const input = document.createElement("input");
      input.type = "file";
      input.accept = ".safetensors";
      input.onchange = () => input.files[0] && take(node, input.files[0]);
      input.click();
    };
    const button = node.addWidget("button", "choose file to upload", null, choose, { serialize: false });
    button.serialize = false; // else its value shifts those of the widgets behind it in saved workflows
    node.onDragOver = (event) => [...(event.dataTransfer?.items ?? [])].some((item) => item.kind === "file");
    node.onDragDrop = (event) => {
      const file = event.dataTransfer?.files?.[0];
      if (!file) return false;
      take(node, file);
      return true;
    };
  },
});
