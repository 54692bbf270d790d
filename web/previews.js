// When a node of ours is done, its finished pictures are shown in place of the last preview.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { nodeById, storeKey } from "./graph_nodes.js";

const PATIENCE = 100; // times 50 ms

// The store that both renderings look into. Before frontend 1.49 `app.nodePreviewImages` was another name for the
// classic nodes' part of it; since then it is a copy.
const store = () => app.extensionManager?._p?._s?.get("nodeOutput");

function forget(node) {
  const key = storeKey(node);
  store()?.revokePreviewsByLocatorId?.(key); // where there is one: it gives the pictures' memory back, too
  for (const table of [store()?.nodePreviewImages, app.nodePreviewImages]) if (table) delete table[key];
}

// A classic node keeps its pictures itself and loads them anew when it finds other ones than it knows. Those that it
// shows stay until then: drawing a node whose pictures are gone can fail, and then nothing is drawn any more.
async function loadAnew(node) {
  for (let i = 0; node.isLoading && i < PATIENCE; i++) await new Promise((done) => setTimeout(done, 50));
  node.preview = node.images = undefined;
  node.graph?.setDirtyCanvas(true, true);
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Previews",
  setup() {
    api.addEventListener("executed", ({ detail }) => {
      const id = String(detail?.display_node ?? detail?.node);
      const node = nodeById(id);
      if (!node?.comfyClass?.startsWith("Surrogate") || !detail.output?.images?.length) return;
      // The nodes that show the subgraphs around it have the same preview.
      const outer = id.split(":").map((_, i, parts) => nodeById(parts.slice(0, i).join(":")));
      for (const one of [node, ...outer]) if (one) forget(one);
      loadAnew(node);
    });
  },
});
