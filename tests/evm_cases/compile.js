// Standard JSON in on standard input, out on standard output: node compile.js <folder of a solc>
"use strict";
const solc = require(process.argv[2]);
const compile = solc.compileStandardWrapper || solc.compile;
process.stdout.write(compile.call(solc, require("fs").readFileSync(0, "utf8")));
