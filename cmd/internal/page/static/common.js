// Makes an element: h("td", {class: "x"}, "text", child).
export function h(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes ?? {})) e.setAttribute(k, v);
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
}

// Asks the API; throws what it reports as problems.
export async function ask(method, path, body, signal) {
  const r = await fetch(path, { method, body, signal, headers: body === undefined ? {} : { "Content-Type": "application/yaml" } });
  if (r.ok) return r;
  let e;
  try {
    e = await r.json();
  } catch {
    e = { message: `the server answered with status ${r.status}` };
  }
  const err = new Error(e.message);
  err.problems = e.details?.problems ?? [{ message: e.message }];
  throw err;
}

// Problems as a list.
export function problems(err, title) {
  const list = (err.problems ?? [{ message: err.message }]).map((p) =>
    h("li", {}, p.path ? h("code", {}, p.path) : "", p.path ? ": " : "", p.message, p.hint ? h("br") : "", p.hint ? h("span", { class: "soft" }, p.hint) : ""));
  return h("div", { class: "problems" }, title ? h("b", {}, title) : "", h("ul", {}, ...list));
}

// A form shows what the page is of, also after the back button: browsers keep what
// was chosen to leave it.
export function asServed(form) {
  addEventListener("pageshow", () => form.reset());
}

// A button on every command that copies it.
export function copyButtons() {
  if (!navigator.clipboard) return;
  for (const pre of document.querySelectorAll("pre.command")) {
    const b = h("button", { type: "button" }, "Copy");
    b.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.querySelector("code").textContent);
      b.textContent = "Copied";
      setTimeout(() => (b.textContent = "Copy"), 1500);
    });
    pre.append(b);
  }
}
