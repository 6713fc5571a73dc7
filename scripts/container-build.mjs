// Runs the Dockerfile without a container engine: each stage in a clean folder, from the files that .dockerignore lets
// through, and then the image's own command and health check as a user without rights. What it cannot show is that
// the base image has what this machine has.
//
//   node scripts/container-build.mjs     exits 0 when the service that was built answers, and ends well
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Nobody, in place of the image's user: the files of the image are not his. */
const USER_ID = 65_534;
const HEALTHY_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 250;
const STOPPED_WITHIN_MS = 15_000;

const root = fs.mkdtempSync(join(tmpdir(), 'wtc-container-'));
fs.chmodSync(root, 0o755);

/** One line each, continued lines joined. */
function instructions() {
  return fs
    .readFileSync('Dockerfile', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, rest] = /^(\w+) (.+)$/.exec(line) ?? [];
      return { name, rest };
    });
}

/** The build context as .dockerignore leaves it: everything is left out, some is let in, specs are not. */
function makeContext() {
  const context = join(root, 'context');
  const patterns = fs
    .readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [everything, ...others] = patterns;
  if (everything !== '*') {
    throw new Error('.dockerignore begins with *: what is to be let in is named');
  }
  const allowed = others.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  // Of patterns that refuse, those that begin so are all that is wanted.
  const refused = others
    .filter((line) => !line.startsWith('!'))
    .map((line) => line.replace('**/*', ''));
  for (const path of allowed) {
    fs.cpSync(path, join(context, path), {
      recursive: true,
      filter: (file) => !refused.some((ending) => file.endsWith(ending)),
    });
  }
  return context;
}

class Stage {
  environment = {};
  command;
  health;

  constructor(folder) {
    this.folder = folder;
    fs.mkdirSync(folder, { recursive: true });
  }

  /** Where the paths of the image lie: each stage has one working folder, and all stands in it. */
  place(path) {
    return path.startsWith('/')
      ? join(this.folder, path.slice(this.workdir.length))
      : join(this.folder, path);
  }

  run([file, ...words]) {
    if (file === 'apt-get') {
      console.log(`left out (this machine's own tools are used): ${file} ${words.join(' ')}`);
      return;
    }
    console.log(`${this.workdir}$ ${file} ${words.join(' ')}`);
    const { status } = spawnSync(file, words, {
      cwd: this.folder,
      env: { ...keptEnvironment(), ...this.environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) {
      throw new Error(`${file} ended with ${status}`);
    }
  }

  copy(words, source, chown) {
    const target = this.place(words.at(-1));
    for (const path of words.slice(0, -1)) {
      const isFolder = fs.statSync(source(path)).isDirectory();
      const intoFolder = words.at(-1).endsWith('/');
      const to = isFolder || !intoFolder ? target : join(target, basename(path));
      fs.mkdirSync(dirname(to), { recursive: true });
      fs.cpSync(source(path), to, { recursive: true, verbatimSymlinks: true });
      if (chown && process.getuid() === 0) {
        fs.chownSync(to, USER_ID, USER_ID);
      }
    }
  }
}

/** What Node and npm need to start, and nothing of this machine's settings for the service. */
function keptEnvironment() {
  const names = ['PATH', 'HOME', 'npm_config_nodedir', 'npm_config_registry'];
  return Object.fromEntries(
    names
      .filter((name) => process.env[name] !== undefined)
      .map((name) => [name, process.env[name]]),
  );
}

function build() {
  const context = makeContext();
  const stages = new Map();
  let stage;
  for (const { name, rest } of instructions()) {
    const words = rest.split(' ');
    switch (name) {
      case 'FROM':
        stage = new Stage(join(root, `stage-${stages.size}`));
        stages.set(words[2] ?? 'last', stage);
        break;
      case 'WORKDIR':
        stage.workdir = rest;
        break;
      case 'ENV':
        Object.assign(stage.environment, Object.fromEntries(words.map((word) => word.split('='))));
        break;
      case 'RUN':
        stage.run(JSON.parse(rest));
        break;
      case 'COPY': {
        const paths = words.filter((word) => !word.startsWith('--'));
        const option = (key) =>
          words.find((word) => word.startsWith(`--${key}=`))?.slice(key.length + 3);
        const from = stages.get(option('from'));
        const source = (path) => (from === undefined ? join(context, path) : from.place(path));
        stage.copy(paths, source, option('chown') !== undefined);
        break;
      }
      case 'CMD':
        stage.command = JSON.parse(rest);
        break;
      case 'HEALTHCHECK':
        stage.health = JSON.parse(/ CMD (.+)$/.exec(rest)[1]);
        break;
      case 'ARG':
      case 'USER':
      case 'VOLUME':
      case 'EXPOSE':
        break;
      default:
        throw new Error(`scripts/container-build.mjs does not know ${name}`);
    }
  }
  return stage;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** As the image starts it: as another user, who may write to `data` alone. */
async function tryOut(stage) {
  const options = {
    cwd: stage.folder,
    env: {
      PATH: process.env.PATH,
      ...stage.environment,
      HOST: '127.0.0.1',
      PORT: String(await freePort()),
      ADMIN_API_KEY: randomBytes(24).toString('hex'),
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    },
    ...(process.getuid() === 0 && { uid: USER_ID, gid: USER_ID }),
  };
  const [file, ...words] = stage.command;
  const service = spawn(file, words, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(service, 'exit');
  try {
    await untilHealthy(stage.health, options, service);
    service.kill('SIGTERM');
    const [code] = await Promise.race([
      ended,
      delay(STOPPED_WITHIN_MS, ['no end'], { ref: false }),
    ]);
    if (code !== 0) {
      throw new Error(`the service ended with ${code}`);
    }
  } finally {
    service.kill('SIGKILL');
  }
}

async function untilHealthy([file, ...words], options, service) {
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  while (performance.now() < deadline && service.exitCode === null) {
    if (spawnSync(file, words, { ...options, stdio: 'ignore' }).status === 0) {
      return;
    }
    await delay(LOOK_AGAIN_MS);
  }
  throw new Error('the service did not become healthy');
}

try {
  const stage = build();
  await tryOut(stage);
  const left = fs.readdirSync(stage.folder).sort().join(', ');
  console.log(`container-build: built, healthy, stopped; the image holds ${left}`);
} finally {
  fs.rmSync(root, { recursive: true, force: true });
}
