// New nodes are wide enough for their titles and for the names of their inputs, which the page would cut off.
import { app } from "../../scripts/app.js";

const LONG = 12; // letters of an input's name that fit at the usual width
const WIDE = 300; // pixels of the graph
const BESIDE = 50; // what a title leaves free to its left and right

const ink = document.createElement("canvas").getContext("2d");

function widthOf(title) {
  ink.font = app.canvas?.title_text_font ?? "14px sans-serif";
  return Math.ceil(ink.measureText(title).width) + BESIDE;
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Sizes",
  // Before a saved workflow gives the node its own size.
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Surrogate")) return;
    const longest = Math.max(0, ...(node.widgets ?? []).map((widget) => widget.name.length));
    const width = Math.max(widthOf(node.title ?? ""), longest > LONG ? WIDE : 0);
    if (node.size[0] < width) node.setSize([width, node.size[1]]);
  },
});
