// Builds when dist/ is missing or older than what it is made of, so that `npm start`, `npm run demo`
// and `npm test` work on a fresh clone and start at once on the second call.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';

const OUTPUT = 'dist/main.js';
const INPUTS = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];

function newestChange(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) {
    return stats.mtimeMs;
  }
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(`${path}/${name}`)));
}

function isFresh() {
  if (!existsSync(OUTPUT)) {
    return false;
  }
  // An installed package has no sources: what it ships is what runs.
  if (!existsSync('src')) {
    return true;
  }
  const builtAt = statSync(OUTPUT).mtimeMs;
  return INPUTS.every((input) => newestChange(input) <= builtAt);
}

if (!isFresh()) {
  const build = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  process.exitCode = build.status ?? 1;
}
