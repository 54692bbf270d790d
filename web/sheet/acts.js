// What a click on a cell can do with the graph.
import { addNode, connect, nodeOf, oneStep, outputOf, sameSource, setValue, sourceOf, spaceOf, takersOf } from "../graph_edits.js";
import { parse, toggle, write } from "./selection.js";

const POINTS = "SURROGATE_POINTS";
const SEEDS = "SURROGATE_SEEDS";
// What an Explorer needs, and what it is called in the nodes that may have it.
const SAMPLING = { guider: ["guider"], sampler: ["sampler"], sigmas: ["sigmas"], vae: ["vae"], latent: ["latent", "latent_image"] };

// The Select Points that selects from what the sheet shows.
export function selector(node) {
  const shown = sourceOf(node, "points");
  return node.graph.nodes.find(
    (other) => other.type === "SurrogateSelectPoints" && sameSource(sourceOf(other, "points"), shown)
  );
}

export function selectedCells(node, count) {
  const found = selector(node);
  return found ? (parse(String(found.widgets[0].value), count) ?? []) : [];
}

export function select(node, cell, count) {
  return oneStep(node.graph, () => {
    const found = selector(node);
    if (!found) return selectPoints(node, [cell]);
    setValue(found, "numbers", toggle(String(found.widgets[0].value), count, cell));
    return found;
  });
}

function selectPoints(node, cells) {
  const made = addNode(node, "SurrogateSelectPoints", { numbers: write(cells) });
  connect(sourceOf(node, "points"), made, "points");
  return made;
}

// A node that gives the points of these cells: written as weights, so that they stay what was seen, or by their numbers.
function givePoints(node, cells, weights) {
  if (!weights) return selectPoints(node, cells);
  const made = addNode(node, "SurrogateWeights", { weights });
  connect(spaceOf(node), made, "space");
  return made;
}

// The Neighbours in the graph begins at the cell; where there is none, one is added.
export function neighbours(node, cell, weights) {
  return oneStep(node.graph, () => {
    const shown = nodeOf(node.graph, sourceOf(node, "points"));
    const there = [shown, ...node.graph.nodes].find((other) => other?.type === "SurrogateNeighbours");
    const before = there && nodeOf(node.graph, sourceOf(there, "points"));
    if (before && before === selector(node)) {
      setValue(before, "numbers", write([cell]));
      return there;
    }
    if (before?.type === "SurrogateWeights" && weights && takersOf(before, 0) === 1) {
      setValue(before, "weights", weights);
      return there;
    }
    const points = givePoints(node, [cell], weights);
    const made = there ?? addNode(points, "SurrogateNeighbours");
    connect(outputOf(points, POINTS), made, "points");
    if (!there) connect(spaceOf(node), made, "space");
    return made;
  });
}

function seedsOf(node, cells, weights) {
  const points = givePoints(node, cells, weights);
  const made = addNode(points, "SurrogateSeedsFromPoints");
  connect(spaceOf(node), made, "space");
  connect(outputOf(points, POINTS), made, "points");
  return made;
}

export function useAsSeeds(node, cells, weights) {
  return oneStep(node.graph, () => seedsOf(node, cells, weights));
}

export function explore(node, cells, weights) {
  return oneStep(node.graph, () => {
    const seeds = seedsOf(node, cells, weights);
    const made = addNode(seeds, "SurrogateExplorer");
    connect(outputOf(seeds, SEEDS), made, "seeds");
    for (const [name, others] of Object.entries(SAMPLING)) connect(sampledWith(made, others), made, name);
    return made;
  });
}

// What some node of the graph samples with.
function sampledWith(made, names) {
  const others = made.graph.nodes.filter((other) => other !== made);
  return names.flatMap((name) => others.map((other) => sourceOf(other, name))).find(Boolean);
}
