/**
 * ES modules under Jest: see docs/adr/0001-nest-12-as-es-modules-under-jest.md.
 *
 * Two sets, and `npm run test:all` runs both: `npm test` is what a contributor needs, `npm run test:long` the rest.
 * With `DATABASES=sqlite,postgres,mysql` every test that touches the database runs once on each; the default is
 * SQLite alone, which needs no server.
 */
import { spawnSync } from 'node:child_process';

const KNOWN_DATABASES = ['sqlite', 'postgres', 'mysql'];
const databases = (process.env.DATABASES ?? 'sqlite').split(',').map((name) => name.trim());
const unknown = databases.filter((name) => !KNOWN_DATABASES.includes(name));
if (unknown.length > 0 || !databases.includes('sqlite')) {
  throw new Error(`DATABASES lists some of ${KNOWN_DATABASES.join(', ')}, and always sqlite`);
}
if (databases.length === 1) {
  process.stderr.write(
    'Databases: SQLite alone. DATABASES=sqlite,postgres,mysql runs the suite on the servers as well.\n',
  );
}

/** What does not depend on which database it is runs once. */
const ONCE = [
  '/test/process',
  '/test/signals',
  '/test/rolling-restart',
  '/test/canary',
  '/test/cli[.]',
  '/test/simulator/',
  '/test/demo',
  '/test/dot-env',
  '/test/several-addresses',
  '/test/gateway-catalogue',
  '/test/gateway-memory',
  '/test/gateway-random',
  '/test/gateway-sdks',
  '/test/docs',
  '/test/openapi',
  '/test/ops',
  '/test/operations',
  '/test/tls',
];

/** Not in `npm test`, since each takes long: many processes, many accounts, a kill at each step, lost statements. */
const LONG = [
  '/test/canary',
  '/test/database-away',
  '/test/demo',
  '/test/dot-env',
  '/test/foreign-database',
  '/test/gateway-memory',
  '/test/gateway-random',
  '/test/key-rotation',
  '/test/killed',
  '/test/last-resort',
  '/test/lost-statements',
  '/test/many-accounts',
  '/test/operations',
  '/test/process',
  '/test/replicas',
  '/test/rolling-restart',
  '/test/server-settings',
  '/test/signals',
  '/test/start-errors',
  '/test/tls',
];
/** In both sets: with few random cases in `npm test`, and with all of them in the other (test/support/thorough.ts). */
const RANDOM = ['/test/interleavings', '/test/read-listener'];
const isLongSet = process.env.TEST_SET === 'long';

/** What needs a program that not every machine has: left out where it is missing, save with REQUIRE_DATABASE_TOOLS=1. */
const NEEDS = { '/test/pgbouncer': 'pgbouncer', '/test/server-settings': 'mariadbd' };
const PATH = `${process.env.PATH}:/usr/sbin`;
const lacking = Object.entries(NEEDS).filter(
  ([, program]) =>
    process.env.REQUIRE_DATABASE_TOOLS !== '1' &&
    spawnSync(program, ['--version'], { env: { ...process.env, PATH } }).status !== 0,
);
if (lacking.length > 0 && databases.length > 1) {
  const programs = lacking.map(([, program]) => program).join(', ');
  process.stderr.write(`Not installed, so their tests are left out: ${programs}.\n`);
}
/** `*.postgres.e2e.ts` and `*.mysql.e2e.ts` are about that database alone. */
const ofOthers = (database) =>
  KNOWN_DATABASES.filter((other) => other !== database).map((other) => `[.]${other}[.]e2e[.]ts$`);

const endToEnd = isLongSet
  ? [...LONG, ...RANDOM].map((path) => `**${path}*.e2e.ts`)
  : ['**/*.e2e.ts'];
const leftOut = isLongSet ? [] : LONG.map((path) => `${path}[.a-z-]*[.]e2e[.]ts$`);

const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
};

/** @type {import('jest').Config} */
export default {
  // What load cannot reach: a test that hangs is found all the same.
  testTimeout: 180_000,
  // Long files wait more than they compute, so that two share two cores well. A worker keeps what each file
  // loaded, which is the whole service every time: it is replaced before that is more than a machine has.
  maxWorkers: 2,
  workerIdleMemoryLimit: '1500MB',
  projects: databases.map((database) => ({
    ...shared,
    displayName: database,
    globals: { TEST_DATABASE: database, TEST_THOROUGH: isLongSet },
    ...(database === 'sqlite'
      ? {
          roots: ['bench', 'chaos', 'src', 'test'].map((folder) => `<rootDir>/${folder}`),
          testMatch: [...(isLongSet ? [] : ['**/*.spec.ts']), ...endToEnd],
          testPathIgnorePatterns: ['/node_modules/', ...leftOut, ...ofOthers(database)],
        }
      : {
          roots: ['<rootDir>/test'],
          testMatch: endToEnd,
          testPathIgnorePatterns: [
            '/node_modules/',
            ...leftOut,
            ...ONCE,
            ...ofOthers(database),
            ...lacking.map(([path]) => path),
          ],
        }),
  })),
};
