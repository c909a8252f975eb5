// Shows what was chosen at once: the button is for readers without scripts.
const form = document.querySelector("form.criteria");
form.querySelector("button").hidden = true;
form.addEventListener("change", () => {
  const q = new URLSearchParams();
  for (const [k, v] of new FormData(form)) if (v) q.append(k, v);
  location.search = q;
});
