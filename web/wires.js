// Colours for the pack's wires.
import { app } from "../../scripts/app.js";

const COLOURS = {
  SURROGATE_SEEDS: "#8ddb8d",
  SURROGATE_SPACE: "#5fd0c5",
  SURROGATE_POINTS: "#ffd166",
  SURROGATE_STUDY: "#f78fb3",
  SURROGATE_SCORER: "#c39bff",
};

// A colour that the user's palette gives to a type of ours is kept.
function paint() {
  const style = document.documentElement.style;
  const tables = [app.canvas?.default_connection_color_byType, app.canvas?.constructor?.link_type_colors];
  for (const [type, colour] of Object.entries(COLOURS)) {
    for (const table of tables) if (table && !table[type]) table[type] = colour;
    const name = `--color-datatype-${type}`; // Nodes 2.0
    if (!style.getPropertyValue(name)) style.setProperty(name, colour);
  }
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Wires",
  setup() {
    paint();
    // The palette is loaded after this and again whenever the user chooses another, which clears the colours of all
    // types that it does not name. It writes its colours into the page's style.
    new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["style"] });
  },
  beforeConfigureGraph: paint,
  afterConfigureGraph: paint,
});
