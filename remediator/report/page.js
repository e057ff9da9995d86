
// --- the files, their filter, and the choice among their repairs ----------------------------

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const FILTERS = ["status", "transform", "consequence", "repository", "folder"];
const WORDS = {
  "would-fix": "would be repaired", fixed: "repaired", left: "left for a person",
  declined: "declined", error: "error", clean: "clean",
};
const rejected = new Set();
let split = matchMedia("(min-width: 1000px)").matches, printing = false;

const isRepair = (finding) => finding.status === "would-fix" || finding.status === "fixed";
const statusOf = (finding) => finding.code === "declined" ? "declined" : finding.status;
const many = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const rows = [...$("list").children].map((item, at) => {
  const file = data.files[at];
  const place = [file.repository, file.path, file.error].join(" ").toLowerCase();
  for (const finding of file.findings) {
    finding.text = `${place} ${Object.values(finding).flat().join(" ")}`.toLowerCase();
  }
  return {
    item, file, place, details: item.querySelector("details"),
    repairs: file.findings.filter(isRepair), boxes: [], parts: [], shown: true,
  };
});

// --- filter

// A filter is of use where the files differ.
function options(name, found, words = {}) {
  const values = [...new Set(found)].filter(Boolean).sort();
  const select = $(name), chosen = select.value;
  const first = name === "status" ? "anything found" : "all";
  select.replaceChildren(el("option", { value: "" }, first), ...values.map((value) =>
    el("option", { value }, words[value] ?? value)));
  select.value = values.includes(chosen) ? chosen : "";
  select.parentElement.hidden = new Set(found).size < 2;
}

function offer() {
  const found = rows.flatMap((row) => row.file.findings);
  options("status", [...found.map(statusOf), ...rows.map((row) => row.file.status)], WORDS);
  options("transform", found.map((finding) => finding.transform));
  options("consequence", found.filter(isRepair).map((finding) => finding.consequence));
  options("repository", rows.map((row) => row.file.repository));
  offerFolders();
}

function offerFolders() {
  const repository = $("repository").value;
  options("folder", rows.map((row) => row.file)
    .filter((file) => file.status !== "clean" && (!repository || file.repository === repository))
    .map((file) => file.folder));
}

function filter() {
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, $(name).value]));
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const says = (text) => words.every((word) => text.includes(word));
  const fits = (finding) => (!wanted.status || statusOf(finding) === wanted.status)
    && (!wanted.transform || finding.transform === wanted.transform)
    && (!wanted.consequence || (isRepair(finding) && finding.consequence === wanted.consequence))
    && says(finding.text);
  for (const row of rows) {
    const { file } = row;
    const inPlace = (!wanted.repository || file.repository === wanted.repository)
      && (!wanted.folder || file.folder === wanted.folder);
    row.found = inPlace ? file.findings.filter(fits) : [];
    const isItself = wanted.status ? file.status === wanted.status : file.status === "error";
    row.shown = row.found.length > 0 || (inPlace && isItself && says(row.place)
      && !wanted.transform && !wanted.consequence);
    row.item.hidden = !row.shown;
    showParts(row);
  }
  const shown = rows.filter((row) => row.shown);
  const found = shown.flatMap((row) => row.found);
  $("shown").value = `${many(shown.length, "file")}, ${many(found.filter(isRepair).length, "repair")}, `
    + `${found.filter((finding) => finding.status === "left").length} left`;
  $("nothing").hidden = shown.length > 0;
  refresh();
}

function showParts(row) {
  const found = new Set(row.found);
  for (const [finding, part] of row.parts) part.hidden = !found.has(finding);
}

// --- one file

function about(title, text) {
  return text ? el("details", { class: "about" }, el("summary", {}, title), el("p", {}, marked(text))) : "";
}

// The documentation puts what is code between backticks.
function marked(text) {
  return text.split("`").map((piece, place) => place % 2 ? el("code", {}, piece) : piece);
}

function copied(text, shown) {
  const button = el("button", { type: "button" }, "Copy");
  button.addEventListener("click", () => copy(text, shown, (said) => { button.textContent = said; }));
  return button;
}

function repairPart(row, finding, picture) {
  const box = data.choosable ? el("input", { type: "checkbox", checked: !rejected.has(finding.id) }) : "";
  if (box) {
    row.boxes.push([finding.id, box]);
    box.addEventListener("change", () => choose([finding], box.checked));
  }
  const consequence = row.file.new ? "new" : finding.consequence;
  return el("article", {},
    el("h3", {}, el("label", {}, box, ` ${begun(finding.title)}`), " ",
      el("span", { class: `tag ${consequence}` }, consequence), " ", meta(finding)),
    el("p", {}, ended(begun(finding.message))),
    finding.because && !row.file.new ? el("p", {}, el("b", {}, "Because "), ended(finding.because)) : "",
    finding.follow_ups ? [el("p", {}, el("b", {}, "To do by hand")),
      el("ol", { class: "steps" }, finding.follow_ups.map((step) => el("li", {}, step)))] : "",
    picture ? figure(picture) : "",
    about(`About ${finding.transform}`, data.transforms[finding.transform]));
}

function leftPart(finding) {
  const advice = finding.advice ? el("pre", { tabindex: "0" }, finding.advice) : "";
  return el("article", {},
    el("h3", {}, begun(finding.title ?? finding.message), " ",
      el("span", { class: "tag left" }, statusOf(finding)), " ", meta(finding)),
    el("p", {}, finding.code ? el("b", {}, finding.code + ": ") : "", finding.reason),
    advice ? el("div", { class: "advice" }, advice, copied(finding.advice, advice)) : "",
    about(`About ${finding.code}`, data.codes[finding.code]));
}

// Only an article becomes a capital: `dbPassword` is a name.
function begun(text) {
  return text.replace(/^(the|an?|no) /, (word) => word[0].toUpperCase() + word.slice(1));
}

function ended(text) {
  return /[.!?:]$/.test(text) ? text : text + ".";
}

function meta(finding) {
  return el("span", { class: "meta" }, `line ${finding.line} · ${finding.transform} · `,
    el("code", {}, finding.id ?? ""));
}

function open(row) {
  if (!row.view) {
    const { file } = row;
    row.body = JSON.parse(row.item.querySelector("script").textContent);
    row.view = el("div", { class: "view" });
    row.patch = el("button", { type: "button" }, "Download patch of this file");
    row.patch.addEventListener("click", () => download([row]));
    row.why = el("span", { class: "meta" });
    row.parts = file.findings.map((finding) => [finding, isRepair(finding)
      ? repairPart(row, finding, row.body.pictures?.[finding.id]) : leftPart(finding)]);
    const facts = [
      file.error, file.needs.length && file.changed ? `Still needs a value for ${file.needs.join(", ")}.` : "",
      file.undefined.length ? `Refers to what nothing defines: ${file.undefined.join(", ")}.` : "",
      ...file.notes.map((note) => ended(begun(note))),
    ].filter(Boolean);
    row.details.append(el("div", { class: "body" },
      el("div", { class: "findings" }, row.parts.map(([, part]) => part)),
      facts.length ? el("ul", { class: "facts-of-file" }, facts.map((fact) => el("li", {}, fact))) : "",
      row.view, row.body.diff ? el("p", { class: "patch" }, row.patch, " ", row.why) : ""));
    showParts(row);
  }
  showDiff(row);
  refreshFile(row);
}

function showDiff(row) {
  const asSplit = split && !printing;
  if (row.body.diff && row.split !== asSplit) {
    row.split = asSplit;
    row.view.replaceChildren(diffTable(row.body, asSplit, row.file.path));
  }
}

function turn(asSplit) {
  split = asSplit;
  $("split").setAttribute("aria-pressed", String(split));
  $("unified").setAttribute("aria-pressed", String(!split));
  for (const row of rows) if (row.details.open && row.view) showDiff(row);
}

// --- choice

const ids = (findings) => [...new Set(findings.map((finding) => finding.id))];
const all = rows.flatMap((row) => row.repairs);

function choose(findings, accept) {
  for (const id of ids(findings)) accept ? rejected.delete(id) : rejected.add(id);
  refresh();
}

// PATHs stay those of the run: what else lies there decides what can be repaired.
function commandLine() {
  const accepted = ids(all).filter((id) => !rejected.has(id));
  const without = [...rejected, ...data.declined];
  if (!accepted.length) return "";
  if (!without.length) return `${data.command} ${data.paths}`;
  const [only, skip] = [["--only", accepted], ["--skip", without]].map(
    ([option, names]) => `${data.command} ${option} ${names.join(",")} ${data.paths}`);
  return only.length <= skip.length ? only : skip;
}

// A patch is offered of whole files only: repairs of one file may build upon one another.
function why(row) {
  if (row.file.masked) return "It hides a secret, so it is no patch: use the command.";
  if (row.repairs.some((finding) => rejected.has(finding.id))) {
    return "Not all repairs of the file are accepted: use the command.";
  }
  return "";
}

function patchable() {
  const repository = $("repository").value;
  const changed = rows.filter((row) => row.file.changed
    && (!repository || row.file.repository === repository)
    && row.repairs.some((finding) => !rejected.has(finding.id)));
  const whole = changed.filter((row) => !why(row));
  return { whole, others: changed.length - whole.length,
    trees: new Set(whole.map((row) => row.file.repository)).size };
}

function refreshFile(row) {
  for (const [id, box] of row.boxes) box.checked = !rejected.has(id);
  if (row.choice) {
    const accepted = row.repairs.filter((finding) => !rejected.has(finding.id)).length;
    row.choice.checked = accepted === row.repairs.length;
    row.choice.indeterminate = accepted > 0 && !row.choice.checked;
  }
  if (row.patch) {
    row.why.textContent = why(row);
    row.patch.disabled = row.why.textContent !== "";
  }
}

function refresh() {
  rows.forEach(refreshFile);
  const { whole, others, trees } = patchable();
  $("download").disabled = trees !== 1;
  const patch = trees > 1 ? "Choose one repository to download its patch."
    : `Patch: ${many(whole.length, "file")}`
      + (others ? `; ${many(others, "file")} by the command only.` : ".");
  const accepted = all.filter((finding) => !rejected.has(finding.id)).length;
  $("chosen").textContent = data.choosable
    ? `${accepted} of ${many(all.length, "repair")} accepted. ${patch}`
    : `The repairs are written; git apply -R takes a patch back. To choose among them, `
      + `restore the files and run again with --dry-run. ${patch}`;
  $("command").value = commandLine();
  $("copy").disabled = $("command").value === "";
}

async function copy(text, shown, say) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied");
  } catch { // not allowed here: the person copies what is selected
    getSelection().selectAllChildren(shown);
    if (shown.select) shown.select();
    say("Press Ctrl+C");
  }
}

function download(chosen) {
  const body = (row) => row.body ?? JSON.parse(row.item.querySelector("script").textContent);
  const patch = chosen.map((row) => body(row).diff).join("");
  const name = (chosen.length === 1 ? chosen[0].file.path.split("/").at(-1)
    : chosen[0].file.repository || "remediator").replace(/[^\w.-]+/g, "-");
  const link = el("a", {
    href: URL.createObjectURL(new Blob([patch], { type: "text/x-diff" })),
    download: `${name}.patch`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  $("told").textContent = "Apply it in the root of the repository (without git: in the folder where "
    + "the report was made): git apply " + link.getAttribute("download");
}

// --- wiring

for (const row of rows) {
  if (data.choosable && row.repairs.length) {
    row.choice = el("input", { type: "checkbox", class: "choice",
      "aria-label": `Accept the ${many(row.repairs.length, "repair")} of ${row.file.path}` });
    row.choice.addEventListener("change", () => choose(row.repairs, row.choice.checked));
    row.item.prepend(row.choice);
  }
  row.details.addEventListener("toggle", () => { if (row.details.open) open(row); });
}
$("repository").addEventListener("change", offerFolders);
$("search").addEventListener("input", filter);
for (const name of FILTERS) $(name).addEventListener("change", filter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(() => { offerFolders(); filter(); }));
$("split").addEventListener("click", () => turn(true));
$("unified").addEventListener("click", () => turn(false));
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    $(button.dataset.filter).value = button.dataset.value;
    filter();
    $("list").scrollIntoView();
  });
}
const shownRepairs = () => rows.filter((row) => row.shown).flatMap((row) => row.found.filter(isRepair));
$("accept").addEventListener("click", () => choose(shownRepairs(), true));
$("reject").addEventListener("click", () => choose(shownRepairs(), false));
$("copy").addEventListener("click", () =>
  copy($("command").value, $("command"), (said) => { $("told").textContent = said + ": run it in the folder where the report was made."; }));
$("download").addEventListener("click", () => download(patchable().whole));
for (const id of ["accept", "reject", "copy", "command"]) $(id).hidden = !data.choosable;

let closed = [];
addEventListener("beforeprint", () => {
  printing = true;
  rows.filter((row) => row.shown).forEach(open);
  closed = [...document.querySelectorAll("details:not([open])")].filter((part) => !part.closest("[hidden]"));
  for (const part of closed) part.open = true;
});
addEventListener("afterprint", () => {
  printing = false;
  for (const part of closed) part.open = false;
  turn(split);
});

offer();
turn(split);
filter();
if (rows.filter((row) => row.shown).length === 1) rows.find((row) => row.shown).details.open = true;
