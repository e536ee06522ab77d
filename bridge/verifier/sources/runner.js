// Standard JSON from stdin through the compiler in the file of the first argument, to stdout.
// Of the syntax trees only what a scan reads is kept: the rest is most of their size.
"use strict";
const fs = require("fs");
const KEPT = new Set([
  "id", "src", "nodeType", "name", "nodes", "body", "statements", "expression", "arguments",
  "memberName", "referencedDeclaration", "typeString", "typeDescriptions", "value", "hexValue",
  "kind", "contractKind", "abstract", "baseContracts", "baseName", "linearizedBaseContracts",
  "parameters", "returnParameters", "visibility", "stateMutability", "stateVariable", "constant",
  "mutability", "typeName", "keyType", "valueType", "baseType", "pathNode", "modifiers", "modifierName",
  "virtual", "implemented", "isConstructor", "libraryName", "functionList", "function", "condition",
  "trueBody", "falseBody", "trueExpression", "falseExpression", "leftHandSide", "rightHandSide",
  "leftExpression", "rightExpression", "subExpression", "operator", "baseExpression",
  "indexExpression", "components", "initialValue", "declarations", "initializationExpression",
  "loopExpression", "eventCall", "errorCall", "externalCall", "clauses", "options", "names",
  "AST", "operations", "variableNames", "variables", "functionName", "cases", "pre", "post",
  "returnVariables", "absolutePath", "sourceUnit", "symbolAliases", "unitAlias", "members",
  "storageLocation", "foreign", "local", "startExpression", "endExpression", "functionSelector",
]);
// The names of values in a set apart: what is an object under these keys is looked into.
function pruned(value) {
  if (Array.isArray(value)) return value.map(pruned);
  if (value === null || typeof value !== "object") return value;
  const result = {};
  for (const key in value) if (KEPT.has(key)) result[key] = pruned(value[key]);
  return result;
}

const soljson = require(process.argv[2]);
function bound() {
  for (const name of ["solidity_compile", "compileStandard"]) if (soljson["_" + name]) return name;
  return null;
}

const name = bound();
if (name === null) {
  process.stderr.write("no standard JSON interface in this compiler\n");
  process.exit(3);
}
const input = fs.readFileSync(0, "utf8");
const text =
  name === "solidity_compile"
    ? call(input)
    : soljson.cwrap(name, "string", ["string", "number"])(input, 0);

function call(request) {
  // From 0.6.0 on it takes a context for its callback; from 0.5.0 to 0.5.x none.
  try {
    return soljson.cwrap(name, "string", ["string", "number", "number"])(request, 0, 0);
  } catch (error) {
    return soljson.cwrap(name, "string", ["string", "number"])(request, 0);
  }
}

const output = JSON.parse(text);
const sources = {};
for (const file in output.sources || {}) {
  sources[file] = { id: output.sources[file].id, ast: pruned(output.sources[file].ast || null) };
}
process.stdout.write(JSON.stringify({ errors: output.errors || [], sources }));
