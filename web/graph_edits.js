// Changes of the graph that a click makes: nodes are added and connected, and undo takes them back.
import { app } from "../../scripts/app.js";
import { nodeIn } from "./graph_nodes.js";

const GAP = 60; // pixels of the graph between nodes
const TITLE = 30;

const POINTS = "SURROGATE_POINTS";
const SPACE = "SURROGATE_SPACE";
const INPUT_NODE = "-10"; // what is connected to the inside of a subgraph's inputs comes from this id

// What was changed is one step for undo. Newer pages have another name for it.
export function undoStep() {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}

// Where an input gets its value from: { giver, slot, type } with the id of a node, or undefined.
export function sourceOf(node, name) {
  const slot = slotOf(node, name);
  const link = slot < 0 ? undefined : node.getInputLink(slot); // newer pages warn of `input.link` and `output.links`
  return link ? { giver: String(link.origin_id), slot: link.origin_slot, type: link.type } : undefined;
}

const slotOf = (node, name) => node.inputs?.findIndex((one) => one.name === name) ?? -1;

// Whether something is connected to an input.
export const isConnected = (node, name) => slotOf(node, name) >= 0 && node.isInputConnected(slotOf(node, name));

// How many inputs an output goes to, outputs of the subgraph included.
export function takersOf(node, slot) {
  const links = [...node.graph.links.values()];
  return links.filter((link) => String(link.origin_id) === String(node.id) && link.origin_slot === slot).length;
}

export const sameSource = (one, other) => Boolean(one && other) && one.giver === other.giver && one.slot === other.slot;

// The node that `source` is an output of; undefined for an input of the subgraph.
export const nodeOf = (graph, source) => (source ? nodeIn(graph, source.giver) : undefined);

export const outputOf = (node, type) => ({ giver: String(node.id), slot: node.outputs.findIndex((one) => one.type === type), type });

// The space that the points of a node are in: an output of the node that gives them, or what is connected to it.
export function spaceOf(node) {
  let source = sourceOf(node, "points");
  for (let steps = 0; source && steps < 20; steps++) {
    const giver = nodeOf(node.graph, source);
    if (!giver) return undefined;
    if (giver.outputs.some((output) => output.type === SPACE)) return outputOf(giver, SPACE);
    const space = sourceOf(giver, "space");
    if (space) return space;
    source = sourceOf(giver, giver.inputs?.find((input) => input.type === POINTS || input.type === "*")?.name);
  }
  return undefined;
}

export function connect(source, node, name) {
  const slot = slotOf(node, name);
  if (!source || slot < 0) return;
  if (source.giver === INPUT_NODE) node.graph.inputNode?.slots?.[source.slot]?.connect(node.inputs[slot], node);
  else nodeOf(node.graph, source).connect(source.slot, node, slot);
}

export function setValue(node, name, value) {
  const widget = node.widgets.find((one) => one.name === name);
  widget.value = value;
  widget.callback?.(value);
}

// A new node to the right of `neighbour`, where there is room. undefined if this ComfyUI does not have it.
export function addNode(neighbour, type, values = {}) {
  const node = globalThis.LiteGraph.createNode(type);
  return node && put(neighbour.graph, node, freePlace(neighbour.graph, neighbour, node.size), values);
}

// A new node with its corner at a place of the graph. undefined if this ComfyUI does not have it.
export function addNodeAt(graph, at, type, values = {}) {
  const node = globalThis.LiteGraph.createNode(type);
  return node && put(graph, node, at, values);
}

// Nodes 2.0 draws a node where it was when it was added, so it has its place before.
function put(graph, node, at, values) {
  node.pos = [...at];
  graph.add(node);
  for (const [name, value] of Object.entries(values)) setValue(node, name, value);
  return node;
}

// Choose a file in a Load Seeds, also one that was not there when the page was loaded.
export function chooseFile(node, name) {
  const { values } = node.widgets.find((one) => one.name === "file").options;
  // In place: Nodes 2.0 holds this very list, and marks a value in red that is not in it.
  if (!values.includes(name)) values.unshift(name);
  setValue(node, "file", name);
}

// All that `edit` does is one step for undo.
export function oneStep(graph, edit) {
  graph.beforeChange?.();
  try {
    return edit();
  } finally {
    graph.afterChange?.();
    graph.setDirtyCanvas?.(true, true);
    undoStep();
  }
}

function freePlace(graph, neighbour, [width, height]) {
  const x = neighbour.pos[0] + neighbour.size[0] + GAP;
  let y = neighbour.pos[1];
  for (let tries = 0; tries <= graph.nodes.length; tries++) {
    const inTheWay = graph.nodes.filter((other) => overlaps(other, x, y, width, height));
    if (!inTheWay.length) break;
    y = Math.max(...inTheWay.map((other) => other.pos[1] + other.size[1])) + GAP;
  }
  return [x, y];
}

function overlaps({ pos, size }, x, y, width, height) {
  const across = pos[0] < x + width + GAP && x < pos[0] + size[0] + GAP;
  return across && pos[1] - TITLE < y + height && y - TITLE < pos[1] + size[1];
}
