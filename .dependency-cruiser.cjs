const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

/** The first column of the table under "Layers" in docs/architecture.md: folders and files below src/, from top to bottom. */
const layers = readLayers();
assertComplete(layers);

function readLayers() {
  const document = readFileSync(join(__dirname, 'docs/architecture.md'), 'utf8');
  const [, section = ''] = /^## Layers\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(document) ?? [];
  const cells = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+?)\/?`/g)].map(([, name]) => name));
}

/** Each folder, and each file that is in none of them, has its layer; and each layer exists. */
function assertComplete(listed) {
  const existing = namesIn('src').flatMap((name) =>
    listed.some((layer) => layer.startsWith(`${name}/`))
      ? namesIn(join('src', name)).map((inner) => `${name}/${inner}`)
      : [name],
  );
  const missing = existing.filter((name) => !listed.includes(name));
  const gone = listed.filter((name) => !existing.includes(name));
  if (missing.length > 0 || gone.length > 0) {
    throw new Error(
      `The table under "Layers" in docs/architecture.md must name what is in src/. Missing: ${missing.join(', ') || 'none'}. Does not exist: ${gone.join(', ') || 'none'}.`,
    );
  }
}

function namesIn(folder) {
  return readdirSync(join(__dirname, folder)).filter((name) => !name.endsWith('.spec.ts'));
}

const pattern = (layer) => (layer.endsWith('.ts') ? `^src/${layer}$` : `^src/${layer}/`);

const downwardsOnly = layers.slice(1).map((layer, index) => ({
  name: `${layer}-imports-down-only`,
  comment: `${layer} may import only what is below it in the table of layers (docs/architecture.md)`,
  severity: 'error',
  from: { path: pattern(layer), pathNot: '\\.spec\\.ts$' },
  to: { path: layers.slice(0, index + 1).map(pattern) },
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
