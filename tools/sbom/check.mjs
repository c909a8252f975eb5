// check FILE.json…: fails, saying what is wrong, unless each FILE is valid by the
// strict schema of CycloneDX 1.6.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
let bad = process.argv.length < 3;
for (const file of process.argv.slice(2)) {
  const wrong = await validator.validate(readFileSync(file, "utf8"));
  if (wrong !== null) {
    console.error(`${file}: ${JSON.stringify(wrong, null, 2)}`);
    bad = true;
  }
}
process.exit(bad ? 1 : 0);
