// Compiles one standard JSON, from stdin to stdout, with any soljson.js from 0.4.0 on:
//
//     node solc_runner.cjs WRAPPER SOLJSON [--version]
//
// WRAPPER is the folder of a newer npm package `solc`, whose wrapper speaks to all of them. No file
// is read besides, and nothing is fetched: an import that is not among the sources is an error.
"use strict";
const fs = require("fs");
const path = require("path");

const [wrapper, soljson, wish] = process.argv.slice(2);

// Old soljson.js answers an unhandled error with its whole text; here it is one line.
process.on("uncaughtException", (error) => fail(error));

function fail(error) {
  process.stderr.write(String((error && error.message) || error).slice(0, 2000) + "\n");
  process.exit(3);
}

function say(text) {
  const bytes = Buffer.from(text + "\n");
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

try {
  const solc = require(path.join(wrapper, "wrapper"))(require(soljson));
  if (wish === "--version") say(solc.version());
  else say(solc.compile(fs.readFileSync(0, "utf8")));
  process.exit(0);
} catch (error) {
  fail(error);
}
