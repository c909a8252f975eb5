// lighthouse.mjs CHROMIUM URL…: prints the four scores of each page, of 100.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [chromium, ...urls] = process.argv.slice(2);
const cli = join(dirname(createRequire(import.meta.url).resolve("lighthouse/package.json")), "cli/index.js");
for (const url of urls) {
  const out = execFileSync(process.execPath, [cli, url, "--quiet", "--output=json", "--chrome-flags=--headless --no-sandbox --disable-gpu"],
    { env: { ...process.env, CHROME_PATH: chromium }, maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "ignore"] });
  const { categories } = JSON.parse(out);
  console.log(JSON.stringify({ url, scores: Object.fromEntries(Object.values(categories).map((c) => [c.id, Math.round(c.score * 100)])) }));
}
