// Colours for the pack's wires, and Render Points shows its pictures when it is done.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

const COLOURS = {
  SURROGATE_SEEDS: "#8ddb8d",
  SURROGATE_SPACE: "#5fd0c5",
  SURROGATE_POINTS: "#ffd166",
  SURROGATE_STUDY: "#f78fb3",
  SURROGATE_SCORER: "#c39bff",
};

app.registerExtension({
  name: "Surrogate.Wires",
  setup() {
    for (const [type, colour] of Object.entries(COLOURS)) {
      if (app.canvas?.default_connection_color_byType) app.canvas.default_connection_color_byType[type] = colour;
      if (globalThis.LGraphCanvas?.link_type_colors) globalThis.LGraphCanvas.link_type_colors[type] = colour;
      document.documentElement.style.setProperty(`--color-datatype-${type}`, colour); // Nodes 2.0
    }
    // The last preview would otherwise hide the finished pictures until the next run.
    api.addEventListener("executed", ({ detail }) => {
      const id = String(detail?.display_node ?? detail?.node);
      const node = app.graph?.getNodeById?.(id);
      if (node?.comfyClass !== "SurrogateRenderPoints") return;
      if (app.nodePreviewImages) delete app.nodePreviewImages[id];
      node.preview = node.imgs = undefined;
      app.graph.setDirtyCanvas(true, true);
    });
  },
});
