// Where the cells of a sheet are. A box is [x0, y0, x1, y1] in pixels of the sheet.

const SIDEWAYS = 3; // how much worse a step to the side is than one straight on

const centre = ([x0, y0, x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];

// The cell that an arrow key leads to from cell `i`: the nearest one in that direction, or `i` at the edge.
export function next(boxes, i, [dx, dy]) {
  const [x, y] = centre(boxes[i]);
  let best = { cell: i, far: Infinity };
  boxes.forEach((box, cell) => {
    const [left, down] = [centre(box)[0] - x, centre(box)[1] - y];
    const along = left * dx + down * dy;
    const far = along + SIDEWAYS * Math.abs(left * dy + down * dx);
    if (along > 1 && far < best.far) best = { cell, far };
  });
  return best.cell;
}

// Where a box is, in shares of the sheet, as CSS.
export function place([x0, y0, x1, y1], [width, height]) {
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  return { left: percent(x0, width), top: percent(y0, height), width: percent(x1 - x0, width), height: percent(y1 - y0, height) };
}
