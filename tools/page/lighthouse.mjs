// lighthouse.mjs CHROMIUM URL…: prints, a line a page, its four scores of 100, what
// it took in the browser, and how fast Lighthouse found the machine (index): below
// 1000 it calls it slower than it expects, and its score for performance is the
// machine's.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [chromium, ...urls] = process.argv.slice(2);
const cli = join(dirname(createRequire(import.meta.url).resolve("lighthouse/package.json")), "cli/index.js");
const metrics = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift", "speed-index", "total-byte-weight"];
for (const url of urls) {
  const out = execFileSync(process.execPath, [cli, url, "--quiet", "--output=json", "--chrome-flags=--headless --no-sandbox --disable-gpu"],
    { env: { ...process.env, CHROME_PATH: chromium }, maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "ignore"] });
  const { categories, audits, environment } = JSON.parse(out);
  console.log(JSON.stringify({
    url,
    index: environment.benchmarkIndex,
    scores: Object.fromEntries(Object.values(categories).map((c) => [c.id, Math.round(c.score * 100)])),
    metrics: Object.fromEntries(metrics.map((m) => [m, Math.round(audits[m].numericValue * 1000) / 1000])),
  }));
}
