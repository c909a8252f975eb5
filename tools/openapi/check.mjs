// check FILE.yaml: fails, saying what is wrong, unless FILE is an OpenAPI document
// whose references lead somewhere.
import SwaggerParser from "@apidevtools/swagger-parser";

try {
  await SwaggerParser.validate(process.argv[2]);
} catch (e) {
  console.error(e.message);
  process.exit(1);
}
