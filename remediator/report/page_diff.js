"use strict";

// Everything is made of elements and text nodes: nothing that a template says is read as HTML.

const TURNING = /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g;

// What turns the direction of a text is written out: such a line reads as another one.
function visible(text) {
  return text.replace(TURNING, (found) =>
    "⟨U+" + found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
}

function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value);
  }
  for (const child of children.flat()) {
    if (child instanceof Node) element.append(child);
    else if (child !== undefined && child !== "") element.append(visible(String(child)));
  }
  return element;
}

// The hunks of one file's unified diff: a header, and lines with sign, text and numbers.
function hunksOf(diff) {
  const hunks = [];
  let before = 0, after = 0;
  diff.split("\n").forEach((line, at) => {
    const sign = line[0];
    const head = sign === "@" && /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (head) {
      // Of no lines, a header names the line before.
      before = Number(head[1]) + (head[2] === "0");
      after = Number(head[3]) + (head[4] === "0");
      hunks.push({ head: line, lines: [] });
    } else if (hunks.length && sign) {
      hunks.at(-1).lines.push({
        at, sign, text: line.slice(1),
        before: sign === "+" || sign === "\\" ? "" : before++,
        after: sign === "-" || sign === "\\" ? "" : after++,
      });
    }
  });
  return hunks;
}

// A line's text in spans: a class for the kind of each token, another for words that changed.
function coloured(line, body) {
  const tokens = body.tokens[line.at] ?? [], words = body.words[line.at] ?? [];
  const cuts = new Set([0, line.text.length, ...words]);
  const kinds = [];
  let from = 0;
  for (let next = 0; next < tokens.length; next += 2) {
    kinds.push([from, from + tokens[next], tokens[next + 1]]);
    from += tokens[next];
    cuts.add(from);
  }
  const places = [...cuts].filter((cut) => cut <= line.text.length).sort((a, b) => a - b);
  const spans = [];
  for (let next = 1, kind = 0; next < places.length; next++) {
    const start = places[next - 1];
    while (kind < kinds.length - 1 && kinds[kind][1] <= start) kind++;
    const [, end, name] = kinds[kind] ?? [0, 0, ""];
    let classes = start < end ? name : "";
    for (let word = 0; word < words.length; word += 2) {
      if (words[word] <= start && start < words[word + 1]) classes += " changed";
    }
    const text = line.text.slice(start, places[next]);
    spans.push(classes ? el("span", { class: classes.trim() }, text) : text);
  }
  return spans;
}

const SIDES = { "-": ["removed", "removed"], "+": ["added", "added"] };

function cells(line, body, numbers) {
  const [name, said] = SIDES[line?.sign] ?? [line ? "" : "none", ""];
  if (!line) return [...numbers, "", ""].map(() => el("td", { class: "none" }));
  return [
    ...numbers.map((number) => el("td", { class: `at ${name}` }, number)),
    el("td", { class: `sign ${name}` }, el("span", said ? { "aria-label": said } : {}, line.sign)),
    el("td", { class: `code ${name}` }, coloured(line, body)),
  ];
}

function head(hunk, columns) {
  return el("tr", { class: "hunk" }, el("td", { colSpan: columns }, hunk.head));
}

function noEnd(line, columns) {
  return el("tr", { class: "hunk" }, el("td", { colSpan: columns }, line.text.trim()));
}

function unifiedRows(hunk, body) {
  return hunk.lines.map((line) => line.sign === "\\" ? noEnd(line, 4)
    : el("tr", {}, cells(line, body, [line.before, line.after])));
}

// Lines that became one another stand side by side; the others fill up from the top.
function splitRows(hunk, body) {
  const partner = new Map(body.pairs);
  const rows = [];
  let removed = [], added = [];
  const row = (left, right) => rows.push(el("tr", {},
    cells(left, body, [left?.before ?? ""]), cells(right, body, [right?.after ?? ""])));
  const zip = (left, right) => {
    for (let next = 0; next < Math.max(left.length, right.length); next++) {
      row(left[next], right[next]);
    }
  };
  const flush = () => {
    let done = 0, met = 0;
    removed.forEach((line, place) => {
      const other = added.findIndex((each) => each.at === partner.get(line.at));
      if (other < met) return;
      zip(removed.slice(done, place), added.slice(met, other));
      row(line, added[other]);
      [done, met] = [place + 1, other + 1];
    });
    zip(removed.slice(done), added.slice(met));
    removed = [];
    added = [];
  };
  for (const line of hunk.lines) {
    if (line.sign === "-") removed.push(line);
    else if (line.sign === "+") added.push(line);
    else {
      flush();
      if (line.sign === "\\") rows.push(noEnd(line, 6));
      else row(line, line);
    }
  }
  flush();
  return rows;
}

function diffTable(body, split, path) {
  const form = split ? "side by side" : "unified";
  const widths = split ? ["at", "sign", "code", "at", "sign", "code"] : ["at", "at", "sign", "code"];
  return el("table", { class: `diff ${split ? "split" : "unified"}` },
    el("caption", { class: "unseen" }, `Changes of ${path}, ${form}`),
    el("colgroup", {}, widths.map((name) => el("col", { class: name }))),
    el("tbody", {}, hunksOf(body.diff).flatMap((hunk) =>
      [head(hunk, widths.length), ...(split ? splitRows : unifiedRows)(hunk, body)])));
}
