import { copyButtons } from "./common.js";

copyButtons();

// A run that goes on: asks for the steps that have changed, and replaces their
// rows only. Logs that were opened stay open.
const counts = document.getElementById("counts");
const state = document.getElementById("state");
const rows = document.getElementById("rows");
const picture = document.getElementById("picture");
let { run, seq, show } = counts.dataset;
let drawn = 0;

async function poll() {
  let c;
  try {
    c = await (await fetch(`/runs/${run}/events?after=${seq}`)).json();
  } catch {
    setTimeout(poll, 5000); // the server is away
    return;
  }
  for (const r of c.rows) {
    const t = document.createElement("template");
    t.innerHTML = r.html;
    const next = t.content.firstElementChild;
    const old = document.getElementById(`s-${r.id}`);
    if (show && r.state !== show) {
      old?.remove();
      continue;
    }
    if (!old) {
      rows.append(next);
      continue;
    }
    const log = old.querySelector("details");
    if (log?.open) next.querySelector("details")?.setAttribute("open", "");
    old.replaceWith(next);
  }
  seq = c.seq;
  counts.textContent = `${c.counts.map((x) => `${x.N} ${x.State}`).join(", ")}; ${c.took}`;
  state.textContent = c.state;
  state.className = `state ${c.state}`;
  if (picture && c.rows.length && (Date.now() - drawn > 2000 || !c.live)) {
    drawn = Date.now();
    picture.src = `/runs/${run}/graph.svg?${seq}`;
  }
  if (c.live) setTimeout(poll, 1000);
  else location.reload(); // for what there is of a run that ended
}
if (counts.dataset.live === "true") setTimeout(poll, 500);
