/**
 * The rooms of docs/architecture.md: an import goes down this list only, never up.
 * Each entry is a folder (or file) below src/.
 */
const rooms = [
  'main.ts',
  'maintenance',
  'app.module.ts',
  'server',
  'wechat/wechat.module.ts',
  'wechat/drop-in',
  'wechat/jssdk',
  'wechat/ip-list',
  'wechat/tickets',
  'wechat/admin',
  'wechat/access-token',
  'wechat/credentials',
  'wechat/refresh-history',
  'wechat/accounts',
  'wechat/api',
  'clients',
  'audit',
  'health',
  'metrics',
  'access',
  'http',
  'database',
  'encryption',
  'observability',
  'errors',
  'config',
  'time',
];

// drop-in and jssdk stand on one step of the stairs, each beside the other.
const pattern = (room) => (room.endsWith('.ts') ? `^src/${room}$` : `^src/${room}/`);

const downwardsOnly = rooms.slice(1).map((room, index) => ({
  name: `${room}-imports-down-only`,
  comment: `${room} may import only what stands below it in the list of rooms`,
  severity: 'error',
  from: { path: pattern(room), pathNot: '\\.spec\\.ts$' },
  to: { path: rooms.slice(0, index + 1).map(pattern) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'simulator-stands-alone',
      comment: 'the simulator is another application: neither side imports the other',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { path: '^src/', pathNot: '^src/simulator/' },
    },
    {
      name: 'service-ignores-simulator',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(simulator|demo)/' },
      to: { path: '^src/simulator/' },
    },
    {
      name: 'cli-and-demo-speak-http',
      severity: 'error',
      from: { path: '^src/(cli|demo)/' },
      to: { path: '^src/', pathNot: '^src/(cli|demo)/' },
    },
    {
      name: 'service-ignores-cli-and-demo',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|demo)/' },
      to: { path: '^src/(cli|demo)/' },
    },
    {
      name: 'no-test-in-service',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^test/' },
    },
    {
      name: 'no-dev-dependency-in-service',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...downwardsOnly,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
