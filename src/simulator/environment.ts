import { fieldProblems } from './control/problem.js';
import type { FieldProblem } from './control/problem.js';
import { SettingsPatchSchema } from './control/settings.dto.js';
import { StartOptionsSchema } from './start-simulator.js';
import type { StartOptions } from './start-simulator.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is wrong with the environment, each by its variable's name and never with its value. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

const PREFIX = 'SIMULATOR_';

/** How the text of a variable becomes a value; what is not listed is a number. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  SIMULATOR_HOST: (text) => text,
  SIMULATOR_ACCOUNTS: (text) => list(text).map(account),
  SIMULATOR_QUOTAS: json,
  SIMULATOR_CALLBACK_IP_LIST: list,
  SIMULATOR_API_DOMAIN_IP_LIST: list,
};

/** Every setting of settings.dto.ts, and where to listen with which accounts. */
const VARIABLES = ['host', 'port', 'accounts', ...Object.keys(SettingsPatchSchema.shape)].map(
  (field) => PREFIX + field.toUpperCase(),
);

/** The only place where the simulator reads `process.env`. An empty variable counts as unset. */
export function readEnvironment(environment: Environment = process.env): StartOptions {
  const problems: string[] = [];
  const top: Record<string, unknown> = { port: 3001 };
  const settings: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined || text.trim() === '') {
      continue;
    }
    if (!VARIABLES.includes(name)) {
      problems.push(`${name}: unknown variable; known are ${VARIABLES.join(', ')}`);
      continue;
    }
    const field = name.slice(PREFIX.length).toLowerCase();
    const target = field in SettingsPatchSchema.shape ? settings : top;
    target[field] = (READERS[name] ?? Number)(text.trim());
  }
  const options = StartOptionsSchema.safeParse({ ...top, settings });
  problems.push(...fieldProblems(options.error?.issues ?? []).map(describe));
  if (!options.success || problems.length > 0) {
    throw new EnvironmentError(problems);
  }
  return options.data;
}

function describe({ path, message }: FieldProblem): string {
  const [field = '', ...inside] = path.replace(/^settings\./, '').split('.');
  const place = inside.length > 0 ? ` (${inside.join('.')})` : '';
  return `${PREFIX}${field.toUpperCase()}${place}: ${message}`;
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** `app_id:secret`; without a colon, the account's schema misses the secret. */
function account(entry: string): Record<string, string> {
  const [appId = '', ...secret] = entry.split(':');
  return { app_id: appId, ...(secret.length > 0 && { secret: secret.join(':') }) };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
