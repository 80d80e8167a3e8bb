#!/usr/bin/env node
// Runs the program of the package for this platform, which npm installed beside
// this one. Its streams, signals and exit code are the program's own.
"use strict";

const { spawn } = require("node:child_process");

const name = `@julianctl/${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/bin/julianctl${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`julianctl: ${name} is not installed`);
  console.error("hint: install without --omit=optional, or take an archive from https://github.com/julianctl/julianctl/releases");
  process.exit(3);
}
const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
let child;
// Before it starts: a signal that comes meanwhile would end this process alone.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  // A terminal sends Ctrl-C to both, and twice would mean at once; others send to this process alone.
  process.on(signal, () => { if (signal !== "SIGINT" || !terminal) child.kill(signal); });
}
child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
child.on("error", (err) => {
  console.error(`julianctl: ${err.message}`);
  process.exit(3);
});
child.on("exit", (code, signal) => {
  if (!signal) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
