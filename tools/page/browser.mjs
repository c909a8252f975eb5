// browser.mjs FILE.json: looks at pages with Chromium as people do, in both
// themes, on a phone and on a desk, and prints what is wrong, a line a fault.
// FILE holds {chromium, pages: [URL…], recipe: URL, snapshot: {page, file},
// explore: URL, profiles: URL, shots: folder or ""}. A line that begins with # is a figure.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: config.chromium, args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP *.localhost 127.0.0.1"] });
let faults = 0;
const fault = (where, what) => {
  faults++;
  console.log(`${where}: ${what}`);
};

async function open(url, options = {}) {
  const context = await browser.newContext({ bypassCSP: false, ...options });
  const page = await context.newPage();
  const where = `${url} ${options.colorScheme ?? ""} ${options.viewport?.width ?? ""}`;
  page.on("console", (m) => m.type() === "error" && !m.text().includes("status of 4") && fault(where, `console: ${m.text()}`));
  page.on("pageerror", (e) => fault(where, `script: ${e.message}`));
  await page.goto(url, { waitUntil: "networkidle" });
  return { page, where, close: () => context.close() };
}

// The checker is put in by the protocol, which the page's policy does not reach.
async function accessible(page, where) {
  await page.evaluate(axe);
  const r = await page.evaluate(() => globalThis.axe.run());
  for (const v of r.violations) fault(where, `axe ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
}

// What the first page takes: bytes, requests, and processor time of the page's own
// thread until it can be used, which other work on the machine disturbs less than
// time on the wall. The least of three is the page's.
{
  let cpu = Infinity;
  for (let i = 0; i < 3; i++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const protocol = await context.newCDPSession(page);
    let bytes = 0;
    let requests = 0;
    protocol.on("Network.loadingFinished", (e) => {
      bytes += e.encodedDataLength;
      requests++;
    });
    await protocol.send("Network.enable");
    await protocol.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(config.explore, { waitUntil: "networkidle" });
    const { metrics } = await protocol.send("Performance.getMetrics");
    cpu = Math.min(cpu, metrics.find((m) => m.name === "TaskDuration").value * 1000);
    const moved = await page.evaluate(() => new Promise((done) => {
      new PerformanceObserver((l) => done(l.getEntries().reduce((n, e) => n + e.value, 0))).observe({ type: "layout-shift", buffered: true });
      setTimeout(done, 200, 0);
    }));
    if (bytes > 60 << 10) fault(config.explore, `${bytes} bytes over the wire`);
    if (requests > 8) fault(config.explore, `${requests} requests`);
    if (moved > 0.1) fault(config.explore, `what is shown moves while it is loaded: ${moved}`);
    if (i === 2) console.log(`# first page: ${bytes} bytes, ${requests} requests, ${Math.round(cpu)} ms of processor time, moves by ${moved.toFixed(4)}`);
    await context.close();
  }
  if (cpu > 200) fault(config.explore, `${Math.round(cpu)} ms of processor time`);
}

// A page is loaded once; themes and widths are switched. The checker looks at each
// theme and each width, not at all four.
for (const url of config.pages) {
  const { page, where: at, close } = await open(url, { colorScheme: "light", viewport: { width: 360, height: 900 } });
  for (const [colorScheme, width, check] of [["light", 360, true], ["dark", 360], ["light", 1440], ["dark", 1440, true]]) {
    const where = `${at} shown ${colorScheme} ${width}`;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    if (check) await accessible(page, where);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) fault(where, `it is ${over} pixels wider than the window`);
    const out = await page.evaluate(() => [...document.querySelectorAll("select, input, textarea")].filter((e) => {
      const around = e.closest("fieldset, form");
      return around && e.getBoundingClientRect().right > around.getBoundingClientRect().right + 1;
    }).map((e) => e.name || e.id));
    if (out.length) fault(where, `wider than what they are in: ${out}`);
    const broken = await page.evaluate(() => [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src));
    for (const b of broken) fault(where, `picture ${b} is not shown`);
    if (config.shots) await page.screenshot({ path: `${config.shots}/${url.replace(/\W+/g, "-").slice(-60)}-${colorScheme}-${width}.png`, fullPage: true });
  }
  await close();
}

// What is chosen is in the URL, and the back button undoes it.
{
  const { page, where, close } = await open(config.explore);
  await page.selectOption("select[name=service]", "eks");
  await page.waitForURL(/service=eks/);
  await page.goBack();
  if (page.url().includes("service") || (await page.inputValue("select[name=service]"))) fault(where, `after back: ${page.url()}, and the form has ${await page.inputValue("select[name=service]")}`);
  await page.goForward();
  if ((await page.inputValue("select[name=service]")) !== "eks") fault(where, "the form has forgotten the service");
  await close();
}

// A command is for a shell, whatever name the server is reached by.
{
  const named = new URL(config.recipe);
  named.hostname = "it's.localhost";
  const { page, where, close } = await open(named.href);
  await page.selectOption("select[name=layout]", "components");
  await page.waitForSelector("#outcome .ok");
  const curl = await page.textContent("#bundle-curl");
  if (!curl.includes(" 'http://it'\\''s.localhost:")) fault(where, `the command is ${curl}`);
  await close();
}

// The release that is chosen is in the URL of all that is shown after it.
{
  const { page, where, close } = await open(config.explore);
  await page.selectOption("select[name=catalogue]", "2026-03");
  await page.waitForURL(/catalogue=2026-03/);
  await page.selectOption("select[name=service]", "eks");
  await page.waitForURL(/service=eks/);
  await page.click(".recipes li a");
  await page.waitForURL(/\/recipe\?.*catalogue=2026-03/);
  const graph = await page.getAttribute(".graph", "src");
  if (!graph.includes("catalogue=2026-03")) fault(where, `the graph is ${graph}`);
  await page.selectOption("select[name=layout]", "components");
  await page.waitForSelector("#outcome .ok");
  const curl = await page.textContent("#bundle-curl");
  if (!curl.includes("catalogue=2026-03") || !page.url().includes("catalogue=2026-03")) fault(where, `the bundle is of ${curl}, on ${page.url()}`);
  await close();
}

// What is chosen within a recipe is in the URL, and what was filled in stays there.
{
  const { page, where, close } = await open(config.profiles);
  await page.selectOption("select[name=layout]", "components");
  await page.waitForSelector("#outcome .ok");
  const choices = page.locator("form.choose select");
  await choices.nth(1).selectOption({ label: "provided (experimental)" });
  await page.waitForURL(/profile=slurmAccounting/);
  await choices.nth(0).selectOption({ label: "azure-managed (default)" });
  await page.waitForURL((u) => !u.search.includes("gpuStack"));
  if (!page.url().includes("layout=components")) fault(where, `the URL is ${page.url()}`);
  if (!(await page.isVisible("#c-slurm-accounting-mariadb"))) fault(where, "the components are not those of the choice");
  await page.goBack();
  if ((await choices.nth(0).inputValue()) !== "gpuStack=operator-managed") fault(where, "after back the choice is not shown");
  await close();
}

// A value opens by keyboard, and by its URL.
{
  const { page, where, close } = await open(config.recipe);
  await page.focus("#c-gpu-operator > summary");
  await page.keyboard.press("Enter");
  const id = await page.$eval("#c-gpu-operator .values details", (e) => e.id);
  await page.focus(`[id="${id}"] > summary`);
  await page.keyboard.press("Space");
  if (!(await page.isVisible(`[id="${id}"] p`))) fault(where, "the origin of a value is not shown");
  await close();
  const again = await open(`${config.recipe}#${encodeURIComponent(id)}`);
  if (!(await again.page.isVisible(`[id="${id}"] p`))) fault(again.where, "the value that the URL names is not open");
  await again.close();
}

// The form for a bundle says what is wrong while it is filled in, keeps its URL,
// and downloads.
{
  const { page, where, close } = await open(config.recipe);
  await page.click("details.more > summary");
  await page.fill("textarea[name=set]", "gpu-operator:nosuch.key=1");
  await page.waitForSelector("#outcome .problems");
  if (await page.isEnabled("#download button")) fault(where, "what is wrong can be downloaded");
  await page.fill("textarea[name=set]", "gpu-operator:driver.version=580.1");
  await page.waitForSelector("#outcome .ok");
  if (!page.url().includes("set=gpu-operator")) fault(where, `the URL is ${page.url()}`);
  const command = await page.textContent("#bundle-command");
  if (!command.includes("--set gpu-operator:driver.version=580.1")) fault(where, `the command is ${command}`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download button")]);
  if (!download.suggestedFilename().endsWith(".zip")) fault(where, `the bundle is called ${download.suggestedFilename()}`);
  await accessible(page, `${where} with the form open`);
  await close();
}

// A snapshot is read, checked, and one that is none is refused.
{
  const { page, where, close } = await open(config.snapshot.page);
  await page.setInputFiles("#file", config.snapshot.file);
  await page.waitForSelector("#detected:not([hidden])");
  if ((await page.inputValue("select[name=service]")) !== "eks") fault(where, "the service is not detected");
  await page.selectOption("select[name=accelerator]", "h100");
  await page.selectOption("select[name=intent]", "training");
  await page.click("#criteria button");
  await page.waitForSelector("#report:not([hidden])");
  if (!(await page.textContent("#results")).includes("K8s.server.version")) fault(where, "the report lacks the server's version");
  await accessible(page, `${where} with a report`);
  await page.setInputFiles("#file", { name: "x.yaml", mimeType: "text/yaml", buffer: Buffer.from("kind: Nothing\n") });
  await page.waitForSelector("#problems .problems");
  await close();
}

// Without scripts a recipe is read all the same.
{
  const { page, where, close } = await open(config.recipe, { javaScriptEnabled: false });
  await page.click("#c-gpu-operator > summary");
  if (!(await page.isVisible("#c-gpu-operator .values"))) fault(where, "without scripts no value is shown");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download button")]);
  if (!download.suggestedFilename().endsWith(".zip")) fault(where, "without scripts there is no bundle");
  await close();
}

await browser.close();
if (faults) process.exit(1);
