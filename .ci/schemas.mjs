// Holds the documents that julianctl prints against validators that are not
// its own: Ajv for the JSON Schemas, and the OpenAPI specification's schema for
// the OpenAPI document.
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Validator } from "@seriousme/openapi-schema-validator";

const read = (name) => JSON.parse(readFileSync(name, "utf8"));
let failed = 0;
function expect(what, ok, why) {
  console.log(`${ok ? "ok    " : "FAILED"} ${what}${ok ? "" : `: ${JSON.stringify(why)}`}`);
  if (!ok) failed++;
}

const sample = read("sample.json");
for (const name of ["schema.json", "inferred.json"]) {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  const check = ajv.compile(read(name));
  // The sample's link is elided, "https://julian.11x.ai/.../calls/…", and a URI all the same.
  expect(`${name} accepts the sample`, check(sample), check.errors);
  for (const [change, broken] of Object.entries({
    "a number for a name": { ...sample, name: 1 },
    "no callId": { ...sample, callId: undefined },
    "an unknown result type": { ...sample, callResult: { ...sample.callResult, resultType: "Maybe" } },
  })) {
    const instance = JSON.parse(JSON.stringify(broken));
    expect(`${name} refuses ${change}`, !check(instance), "accepted");
  }
}
const openapi = await new Validator().validate(read("openapi.json"));
expect("openapi.json is OpenAPI 3.1", openapi.valid, openapi.errors);
process.exit(failed ? 1 : 0);
