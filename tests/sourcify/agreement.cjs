// What lib-sourcify says of each case: one JSON line on stdout for each on stdin.
//
//     node agreement.cjs NODE_MODULES KEPT
//
// A line is {id, rpc, chainId, address, transaction, version, language, input, path, name, solc |
// vyper}. What is compiled is kept in the folder KEPT.
"use strict";
const { spawnSync } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const [modules, kept] = process.argv.slice(2);
const lib = require(path.join(modules, "@ethereum-sourcify/lib-sourcify"));
const loaded = new Map();

function remembered(version, input, make) {
  const hash = crypto.createHash("sha256").update(JSON.stringify([version, input])).digest("hex");
  const file = path.join(kept, hash + ".json");
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, "utf8"));
  const output = make();
  const errors = (output.errors || []).filter((one) => one.severity === "error");
  if (errors.length) throw Object.assign(new Error("compiler error"), { errors });
  fs.mkdirSync(kept, { recursive: true });
  fs.writeFileSync(file, JSON.stringify(output));
  return output;
}

function solidity({ wrapper, soljson }) {
  return {
    async compile(version, input) {
      return remembered(version, input, () => {
        if (!loaded.has(soljson)) {
          loaded.set(soljson, require(path.join(wrapper, "wrapper"))(require(soljson)));
        }
        return JSON.parse(loaded.get(soljson).compile(JSON.stringify(input)));
      });
    },
  };
}

function vyper({ python, script, folder }) {
  return {
    async compile(version, input) {
      return remembered(version, input, () => {
        const options = { input: JSON.stringify(input), cwd: folder, maxBuffer: 1 << 28 };
        return JSON.parse(spawnSync(python, ["-I", script], options).stdout.toString());
      });
    },
  };
}

async function answer(one) {
  const chain = new lib.SourcifyChain({
    name: "test",
    chainId: one.chainId,
    supported: true,
    rpcs: [{ rpc: one.rpc, maskedUrl: one.rpc, traceSupport: "debug_traceTransaction" }],
  });
  const target = { path: one.path, name: one.name };
  const compilation =
    one.language === "Vyper"
      ? new lib.VyperCompilation(vyper(one.vyper), one.version, one.input, target)
      : new lib.SolidityCompilation(solidity(one.solc), one.version, one.input, target);
  const verification = new lib.Verification(
    compilation,
    chain,
    one.address,
    one.transaction || undefined,
  );
  try {
    await verification.verify();
  } catch (error) {
    return { id: one.id, code: error.code || "crash", message: String(error.message).slice(0, 300) };
  }
  const { runtimeMatch, creationMatch } = verification.status;
  const { runtime, creation } = verification.transformations;
  return { id: one.id, runtime: runtimeMatch, creation: creationMatch, transformations: { runtime, creation } };
}

(async () => {
  lib.setLibSourcifyLoggerLevel(-1);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
  }
  process.exit(0);
})();
