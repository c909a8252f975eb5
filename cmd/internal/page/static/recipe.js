import { ask, problems, h, copyButtons, asServed } from "./common.js";

copyButtons();

// A link to a value opens it, and the component that it is in.
function open() {
  if (location.hash.length < 2) return;
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  target?.scrollIntoView();
}
addEventListener("hashchange", open);
open();

// Another choice within the recipe is another recipe; what was filled in below stays.
const choose = document.querySelector("form.choose");
if (choose) asServed(choose);
choose?.addEventListener("change", () => {
  const q = new URLSearchParams(location.search);
  q.delete("profile");
  for (const v of new FormData(choose).getAll("profile")) if (v) q.append("profile", v);
  location.search = q;
});

// The form for a bundle is checked as it is filled in.
const form = document.querySelector("form.bundle");
const outcome = document.getElementById("outcome");
const download = document.getElementById("download");

function quote(s) {
  return /^[\w./:=@%+,-]+$/.test(s) ? s : `'${s.replaceAll("'", "'\\''")}'`;
}

let running;
async function check() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const base = new URLSearchParams(form.dataset.query);
  const options = [];
  for (const [k, v] of new FormData(form)) {
    if (base.has(k)) continue;
    for (const line of v.split("\n")) if (line.trim()) options.push([k, line.trim()]);
  }
  const q = new URLSearchParams([...base, ...options]);
  history.replaceState(null, "", `/recipe?${q}#bundle`);
  const url = `/v1/bundle?${q}`;
  download.action = url;
  document.getElementById("bundle-command").textContent =
    ["eidos bundle", ...options.map(([k, v]) => `--${k} ${quote(v)}`), "-r recipe.yaml -o bundle"].join(" ");
  document.getElementById("bundle-curl").textContent = `curl -X POST -o bundle.zip ${quote(location.origin + url)}`;
  const button = download.querySelector("button");
  try {
    const r = await ask("POST", url, undefined, signal);
    const size = (await r.arrayBuffer()).byteLength;
    button.disabled = false;
    outcome.replaceChildren(h("div", { class: "ok" }, `${r.headers.get("X-Bundle-Files")} files, ${Math.ceil(size / 1024)} KiB`));
  } catch (err) {
    if (err.name === "AbortError") return;
    button.disabled = true;
    outcome.replaceChildren(problems(err, "The bundle cannot be made:"));
  }
}

let pause;
form.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(check, 250);
});
