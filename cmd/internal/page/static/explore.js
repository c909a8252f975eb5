import { copyButtons, asServed } from "./common.js";

copyButtons();

// Shows what was chosen at once.
const form = document.querySelector("form.criteria");
asServed(form);
form.addEventListener("change", () => {
  const q = new URLSearchParams();
  for (const [k, v] of new FormData(form)) if (v) q.append(k, v);
  location.search = q;
});
