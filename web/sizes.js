// New nodes are wide enough for the names of their inputs, which Nodes 2.0 would cut off.
import { app } from "../../scripts/app.js";

const LONG = 12; // letters that fit at the usual width
const WIDE = 300; // pixels of the graph

app.registerExtension({
  name: "ComfyUI-Surrogate.Sizes",
  // Before a saved workflow gives the node its own size.
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Surrogate")) return;
    const longest = Math.max(0, ...(node.widgets ?? []).map((widget) => widget.name.length));
    if (longest > LONG && node.size[0] < WIDE) node.setSize([WIDE, node.size[1]]);
  },
});
