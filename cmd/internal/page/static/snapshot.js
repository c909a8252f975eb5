import { ask, problems, h, copyButtons } from "./common.js";

copyButtons();

const file = document.getElementById("file");
const drop = document.getElementById("drop");
const alertBox = document.getElementById("problems");
const form = document.getElementById("criteria");
let snapshot = "";

// The release of the catalogue is in the URL, and part of every request.
const release = new URLSearchParams(location.search).get("catalogue");
const asked = release ? `?${new URLSearchParams({ catalogue: release })}` : "";
const releases = document.getElementById("release");
releases?.addEventListener("change", () => releases.submit());

file.addEventListener("change", () => file.files[0] && read(file.files[0]));
for (const type of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(type, (e) => {
    e.preventDefault();
    drop.classList.toggle("over", type === "dragover");
    if (type === "drop" && e.dataTransfer.files[0]) read(e.dataTransfer.files[0]);
  });
}

async function read(f) {
  alertBox.replaceChildren();
  document.getElementById("detected").hidden = document.getElementById("report").hidden = true;
  try {
    snapshot = await f.text();
    const found = await (await ask("POST", `/v1/detect${asked}`, snapshot)).json();
    const rows = found.detected.map((d) =>
      h("tr", {}, h("td", {}, d.field), h("td", {}, d.value ? h("b", {}, d.value) : h("span", { class: "soft" }, "open")),
        h("td", {}, d.evidence ? h("code", {}, d.evidence) : d.open ?? "",
          ...(d.also ?? []).flatMap((a) => [h("br"), h("code", {}, a)]),
          ...(d.found ?? []).flatMap((x) => [h("br"), h("code", {}, x.evidence), x.value ? ` shows ${x.value}` : ""]))));
    document.getElementById("evidence").replaceChildren(...rows);
    for (const s of form.querySelectorAll("select")) s.value = found.criteria[s.name] ?? "";
    link();
    document.getElementById("detected").hidden = false;
  } catch (err) {
    alertBox.replaceChildren(problems(err, `${f.name} cannot be read:`));
  }
}

function chosen() {
  const c = {};
  for (const [k, v] of new FormData(form)) if (v) c[k] = v;
  return c;
}

function link() {
  document.getElementById("open").href = `/recipe?${new URLSearchParams({ ...chosen(), ...(release ? { catalogue: release } : {}) })}`;
}
form.addEventListener("change", link);

form.addEventListener("submit", async (e) => {
  e.preventDefault();
  alertBox.replaceChildren();
  const indented = snapshot.replace(/^---\s*\n/, "").split("\n").map((l) => `  ${l}`).join("\n");
  try {
    const r = await (await ask("POST", `/v1/validate${asked}`, `criteria: ${JSON.stringify(chosen())}\nsnapshot:\n${indented}\n`)).json();
    const s = r.summary;
    document.getElementById("summary").textContent = `${s.passed} passed, ${s.failed} failed, ${s.unknown} unknown, ${s.skipped} skipped`;
    document.getElementById("results").replaceChildren(...r.results.map((x) =>
      h("tr", {}, h("td", {}, h("span", { class: `state ${x.status}` }, x.status)), h("td", {}, h("code", {}, x.name)), h("td", {}, h("code", {}, x.expected)),
        h("td", {}, x.actual ? h("code", {}, x.actual) : x.reason ?? "", x.hint ? h("br") : "", x.hint ? h("span", { class: "soft" }, x.hint) : ""), h("td", {}, x.from ?? ""))));
    const report = document.getElementById("report");
    report.hidden = false;
    report.scrollIntoView();
  } catch (err) {
    alertBox.replaceChildren(problems(err));
    alertBox.scrollIntoView();
  }
});
