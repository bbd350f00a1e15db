// Runs the script that $TANTU_E2E_SCRIPT names beside the extension under test, in the same process, and writes what came of it
// to $TANTU_E2E_RESULT.
const fs = require('node:fs');
const util = require('node:util');

exports.activate = async () => {
  const { TANTU_E2E_SCRIPT: script, TANTU_E2E_RESULT: result } = process.env;
  if (!script || !result) return;
  const lines = [];
  let error = null;
  try {
    await require(script).run((...words) => lines.push(util.format(...words)));
  } catch (thrown) {
    error = thrown.stack ?? String(thrown);
  }
  fs.writeFileSync(`${result}.part`, JSON.stringify({ error, lines }));
  fs.renameSync(`${result}.part`, result);
};
