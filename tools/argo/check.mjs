// check FILE.json: fails, saying what is wrong, unless FILE is a Workflow of
// Argo Workflows. Its schema tells wrong values; its types tell unknown keys.
import { readFileSync, writeFileSync } from "node:fs";
import { Workflow } from "@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/Workflow";
import ts from "typescript";

const text = readFileSync(process.argv[2], "utf8");
const problems = [];
try {
  new Workflow(JSON.parse(text)).validate();
} catch (e) {
  problems.push(e.message);
}
const source = process.argv[2] + ".ts";
writeFileSync(source, `import type { IWorkflow } from "@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/Workflow";
export const workflow: IWorkflow = ${text};
`);
const program = ts.createProgram([source], {
  noEmit: true, strict: true, skipLibCheck: true, types: [],
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022,
});
for (const d of ts.getPreEmitDiagnostics(program)) problems.push(ts.flattenDiagnosticMessageText(d.messageText, "\n"));
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
