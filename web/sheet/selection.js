// The numbers of Surrogate Select Points, as surrogate/points/text.py reads them; here cells are counted from 0.

const ENTRY = /^([0-9]{1,9}|last)(?:-([0-9]{1,9}|last))?$/;

// The cells that `text` selects among `count`, in the order written; undefined where the node would refuse it.
export function parse(text, count) {
  const cells = [];
  const entries = text.replace(/^[,; \t\r\n]+|[,; \t\r\n]+$/g, "").replace(/\s*-\s*/g, "-").split(/[,;\s]+/);
  for (const entry of entries) {
    if (entry === "all") {
      for (let i = 0; i < count; i++) cells.push(i);
      continue;
    }
    const found = ENTRY.exec(entry);
    if (!found) return undefined;
    const [first, last] = [found[1], found[2] ?? found[1]].map((end) => (end === "last" ? count : Number(end)));
    if (![first, last].every((number) => number >= 1 && number <= count)) return undefined;
    const step = first <= last ? 1 : -1;
    for (let number = first; number !== last + step; number += step) cells.push(number - 1);
  }
  return cells;
}

// Selects `cell`, or takes it back. The last one stays, because Select Points needs one.
export function toggle(text, count, cell) {
  const cells = parse(text, count) ?? [];
  const others = cells.filter((other) => other !== cell);
  if (others.length === cells.length) return write([...cells, cell]);
  return write(others.length ? others : cells);
}

export const write = (cells) => cells.map((cell) => cell + 1).join(", ");
