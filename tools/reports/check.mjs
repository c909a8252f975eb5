// check FILE.json: fails, saying what is wrong, unless FILE is a report in the
// Common Test Report Format.
import { readFileSync } from "node:fs";
import { validate } from "ctrf";

const result = validate(JSON.parse(readFileSync(process.argv[2], "utf8")));
if (!result.valid) {
  console.error(JSON.stringify(result.errors, null, 2));
  process.exit(1);
}
