// Sound Sheet: a player for each sound, in the node.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { nodeById } from "./graph_nodes.js";

const ROW = 36;
const HIGHEST = 8 * ROW; // then it scrolls

function player(file, name) {
  const row = document.createElement("div");
  row.style.cssText = "display: flex; align-items: center; gap: 8px; margin: 2px 0;";
  const label = document.createElement("span");
  label.textContent = name ?? "";
  label.title = label.textContent;
  label.style.cssText =
    "flex: 0 0 26%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font: 12px sans-serif; color: #ccc;";
  const audio = document.createElement("audio");
  audio.controls = true;
  audio.preload = "none";
  audio.style.cssText = "flex: 1; min-width: 0; height: 32px;";
  audio.src = api.apiURL(`/view?${new URLSearchParams({ filename: file.filename, subfolder: file.subfolder, type: file.type })}`);
  // One at a time.
  audio.addEventListener("play", () => {
    for (const other of row.parentElement?.querySelectorAll("audio") ?? []) if (other !== audio) other.pause();
  });
  row.append(label, audio);
  return row;
}

function show(node, output) {
  const files = output?.audio ?? [];
  node.soundList.replaceChildren(...files.map((file, i) => player(file, output.names?.[i])));
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
  node.graph?.setDirtyCanvas(true, true);
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Sounds",
  nodeCreated(node) {
    if (node.comfyClass !== "SurrogateSoundSheet") return;
    const list = (node.soundList = document.createElement("div"));
    list.style.cssText = "overflow: hidden auto; width: 100%; contain: inline-size;"; // as wide as the node, no wider
    list.addEventListener("pointerdown", (event) => event.stopPropagation()); // Nodes 2.0 would drag the node
    list.addEventListener("wheel", (event) => event.stopPropagation());
    // Called as in core's own nodes for sound: the browser looks for it in every node that gives sounds.
    const widget = node.addDOMWidget("audioUI", "surrogateSounds", list, {
      serialize: false,
      getMinHeight: () => Math.min(HIGHEST, ROW * list.childElementCount),
    });
    widget.serialize = false; // else it has a place among the saved values
    const { onExecuted, onRemoved } = node;
    node.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      show(this, output);
    };
    node.onRemoved = function () {
      for (const audio of list.querySelectorAll("audio")) audio.pause();
      onRemoved?.apply(this, arguments);
    };
  },
  // A workflow that is opened again has its results again.
  onNodeOutputsUpdated(outputs) {
    for (const [id, output] of Object.entries(outputs)) {
      const node = nodeById(id);
      if (node?.soundList && output.audio) show(node, output);
    }
  },
});
