import type { Environment } from './environment.js';
import { type Variable, type VariableName, variables } from './variables.js';

/** A variable that the service does not read, though its name looks like one of ours. */
export interface UnknownVariable {
  readonly name: string;
  /** `NAME: what is wrong and what to do`, without its value. */
  readonly advice: string;
}

const OUR_PREFIX = 'WECHAT_';
/** What Kubernetes sets for its services, and the variable of the command line. */
const OF_OTHERS = /^WECHAT_TOKEN_CENTER_|_SERVICE_(?:HOST|PORT)|_PORT(?:_\d+_\w+)?$/;
/** Another program's own, which is one letter away from ours. */
const WELL_KNOWN = 'HTTP_PROXY';
/** Shorter names, such as POST for PORT, are too often somebody else's. */
const SHORTEST = 8;
const MOST_EDITS = 2;

const TABLE = Object.entries<Variable>(variables);
const NAMES = TABLE.map(([name]) => name as VariableName);
const FILE_FORMS = TABLE.filter(([, { secret }]) => secret === true).map(
  ([name]) => `${name}_FILE`,
);
const READ: ReadonlySet<string> = new Set([...NAMES, ...FILE_FORMS]);

/** A mistyped name would else be silently nothing: the service starts with the default, or without the account. */
export function unknownVariables(environment: Environment): UnknownVariable[] {
  return Object.entries(environment)
    .filter(([name, value]) => value !== undefined && value !== '' && !READ.has(name))
    .flatMap(([name]) => {
      const advice = adviceFor(name);
      return advice === undefined ? [] : [{ name, advice: `${name}: ${advice}` }];
    });
}

function adviceFor(name: string): string | undefined {
  if (name === WELL_KNOWN) {
    return undefined;
  }
  const direct = name.replace(/_FILE$/, '');
  if (direct !== name && NAMES.some((known) => known === direct)) {
    return `is ignored: ${direct} has no file form. Set ${direct}.`;
  }
  const meant = closest(name);
  if (meant !== undefined) {
    return `is not a variable of this service and is ignored. Did you mean ${meant}?`;
  }
  return name.startsWith(OUR_PREFIX) && !OF_OTHERS.test(name)
    ? 'is not a variable of this service and is ignored. docs/configuration.md lists them.'
    : undefined;
}

function closest(name: string): string | undefined {
  if (name.length < SHORTEST) {
    return undefined;
  }
  // Without underscores: WECHAT_APPID, LOGLEVEL.
  const [best] = [...READ]
    .filter((known) => known.length >= SHORTEST)
    .map((known) => ({ known, edits: editsBetween(bare(name), bare(known)) }))
    .filter(({ edits }) => edits <= MOST_EDITS)
    .sort((one, other) => one.edits - other.edits);
  return best?.known;
}

function bare(name: string): string {
  return name.replaceAll('_', '');
}

/** Levenshtein: letters put in, left out or replaced. */
function editsBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [row, letter] of Array.from(one).entries()) {
    const current = [row + 1];
    for (const [column, target] of Array.from(other).entries()) {
      current.push(
        Math.min(
          (above[column] ?? 0) + (letter === target ? 0 : 1),
          (above[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
        ),
      );
    }
    above = current;
  }
  return above[other.length] ?? 0;
}
