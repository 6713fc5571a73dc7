import { execFileSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import { tableOf } from './format.js';
import { parseOptions, USAGE, UsageError, type Options } from './options.js';
import { CORES, pinLoad } from './pinned-process.js';
import type { Figure, Scenario } from './scenario.js';
import { memory, processes, start, storm } from './scenarios/costs.js';
import { frozen, refreshes } from './scenarios/disturbed.js';
import { gateway } from './scenarios/gateway.js';
import { peers } from './scenarios/peers.js';
import { queries } from './scenarios/queries.js';
import { accounts, keys, notModified } from './scenarios/reads.js';
import { World } from './world.js';

/**
 * The benchmark: one scenario after the other, each in a world of its own. What is measured has one core,
 * the load and everything behind the service the other; so it wants a machine that is otherwise idle.
 */
const SCENARIOS: readonly Scenario[] = [
  peers,
  gateway,
  notModified,
  refreshes,
  frozen,
  storm,
  queries,
  processes,
  accounts,
  keys,
  memory,
  start,
];

interface Result {
  readonly scenario: string;
  readonly figures: readonly Figure[];
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    print(SCENARIOS.map(({ name, about }) => `${name}: ${about}`).join('\n'));
    return;
  }
  const scenarios = chosen(options);
  pinLoad();
  const results: Result[] = [];
  for (const scenario of scenarios) {
    process.stderr.write(`${scenario.name}: ${scenario.about} …\n`);
    const figures = await runOne(scenario, options);
    results.push({ scenario: scenario.name, figures });
    if (!options.json) {
      print(`\n## ${scenario.name}\n\n${scenario.about}.\n\n${tableOf(figures)}`);
    }
  }
  print(
    options.json ? JSON.stringify({ machine: machine(), options, results }) : `\n${describe()}`,
  );
  const isMet = results.every(({ figures }) =>
    figures.every(({ wanted }) => wanted?.isMet !== false),
  );
  process.exitCode = isMet ? 0 : 1;
}

async function runOne(scenario: Scenario, options: Options): Promise<Figure[]> {
  const world = await World.create();
  try {
    return await scenario.run(world, options);
  } finally {
    await world.end();
  }
}

function chosen({ only }: Options): readonly Scenario[] {
  const unknown = only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    throw new UsageError(`there is no scenario ${unknown.join(', ')}; --list names them`);
  }
  return SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name));
}

function machine(): Record<string, string | number> {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    measured_core: CORES.measured,
    load_core: CORES.load,
  };
}

function describe(): string {
  const { processor, cores, kernel, node, commit } = machine();
  return `${processor}, ${cores} cores, Linux ${kernel}, Node ${node}, commit ${commit}.`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  const text = error instanceof UsageError ? `${error.message}\n\n${USAGE}` : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 2;
});
