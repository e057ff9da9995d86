
// --- pictures: who feeds whom, before and after ---------------------------------------------

const BOX = { width: 232, height: 50, gap: 64, space: 12, margin: 18 };
const KINDS = {
  parameter: "parameter", secret: "secret", tie: "attachment", text: "written out",
  outside: "secret outside the template", service: "made by the service",
};

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function cut(text, length) {
  const shown = visible(text);
  return shown.length > length ? shown.slice(0, length - 1) + "…" : shown;
}

// Sources on the left, what they feed in the middle, what ties them together on the right.
function placed(side) {
  const columns = [[], [], []];
  for (const [name, kind, type] of side.nodes) {
    columns[kind === "resource" ? 1 : kind === "tie" ? 2 : 0].push({ name, kind, type });
  }
  columns[0].sort((one, other) => (one.kind === "secret") - (other.kind === "secret"));
  const boxes = new Map();
  columns.filter((column) => column.length).forEach((column, place) => column.forEach((box, row) => {
    box.column = place;
    box.x = BOX.margin + place * (BOX.width + BOX.gap);
    box.y = 2 + row * (BOX.height + BOX.space);
    boxes.set(box.name, box);
  }));
  return boxes;
}

function arrow(from, to) {
  const middle = (box) => box.y + BOX.height / 2;
  if (from.column === to.column) { // around the left side
    return [`M${from.x} ${middle(from)}h-10V${middle(to)}h6`, [to.x, middle(to), 1]];
  }
  const right = from.column < to.column;
  const start = right ? from.x + BOX.width : from.x, end = right ? to.x : to.x + BOX.width;
  const turn = right ? 6 : -6;
  return [`M${start} ${middle(from)}L${end - turn} ${middle(to)}`, [end, middle(to), right ? 1 : -1]];
}

function drawnBox(box, fed, state) {
  const second = box.kind === "resource" ? box.type : KINDS[box.kind] ?? box.type;
  const lines = [[box.name, 28, "name"], [second, 34, "type"], [fed, 34, "fed"]];
  return svg("g", { class: `box ${state}` },
    svg("rect", { x: box.x, y: box.y, width: BOX.width, height: BOX.height, rx: 3 }),
    ...lines.filter(([text]) => text).map(([text, length, name], row) =>
      svg("text", { x: box.x + 8, y: box.y + 16 + 14 * row, class: name }, cut(text, length))));
}

function drawn(side, other, state) {
  const boxes = placed(side);
  const others = new Set(other.nodes.map(([name]) => name));
  const list = [...boxes.values()];
  const isTie = (name) => boxes.get(name).kind === "tie";
  const parts = [];
  for (const [source, target] of side.edges) {
    const from = boxes.get(source), to = boxes.get(target);
    // An attachment stands beside its database: the secret on the far side is said in words.
    if (isTie(source) && from.column - to.column > 1) continue;
    const [line, [x, y, way]] = arrow(from, to);
    parts.push(svg("path", { class: "edge", d: line }),
      svg("path", { class: "tip", d: `M${x} ${y}l${-7 * way} -4v8z` }));
  }
  for (const box of list) {
    const fed = side.edges.filter(([source, target]) => target === box.name && !isTie(source))
      .map(([, , label]) => label);
    const note = [...new Set(fed)].join(", ");
    parts.push(drawnBox(box, note && `← ${note}`, others.has(box.name) ? "same" : state));
  }
  const width = Math.max(...list.map((box) => box.x)) + BOX.width + 2;
  const height = Math.max(...list.map((box) => box.y)) + BOX.height + 2;
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    ...parts);
}

function figure(picture) {
  const part = (title, side, other, state) => side.nodes.length ? [el("div", {},
    el("span", { class: "when" }, title), drawn(side, other, state),
    side.more ? el("span", { class: "when" }, `and ${side.more} more`) : "")] : [];
  return el("figure", { role: "img", "aria-label": picture.text },
    part("Before", picture.before, picture.after, "removed"),
    part("After", picture.after, picture.before, "added"));
}
