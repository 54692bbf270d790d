// Finds the node that a message or a stored result is about, in subgraphs too.
import { app } from "../../scripts/app.js";

const root = () => app.rootGraph ?? app.graph;

export function nodeIn(graph, id) {
  // Ids are numbers in some versions of the browser's code and strings in others.
  return graph?.getNodeById?.(id) ?? graph?.getNodeById?.(Number(id)) ?? undefined;
}

// `id`: "12"; "5:12" is node 12 in the subgraph that node 5 shows; "<uuid>:12" is node 12 in the subgraph so called.
export function nodeById(id) {
  const parts = String(id ?? "").split(":");
  const last = parts.pop();
  let graph = root();
  for (const part of parts) {
    graph = graph?.subgraphs?.get?.(part) ?? nodeIn(graph, part)?.subgraph;
    if (!graph) return undefined;
  }
  return nodeIn(graph, last);
}

// The name under which ComfyUI stores what belongs to a node.
export function storeKey(node) {
  const graph = node.graph;
  return !graph || graph === root() || graph.isRootGraph ? String(node.id) : `${graph.id}:${node.id}`;
}
