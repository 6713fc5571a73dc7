import { z } from 'zod';

/*
 * What zod says of its own ("Invalid input: expected string, received undefined"), in the words of this service:
 * what must be there, so that the caller can correct it. A message in a schema takes precedence.
 */

type Issue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a list',
  date: 'a time',
  null: 'null',
};

const MEASURED: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };

/** Also called for its effect: every schema of this process speaks so from then on. */
export function speakPlainly(): void {
  z.config({ localeError: plainWords });
}

function plainWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeProblem(issue.expected, issue.input);
    case 'invalid_value':
      return issue.input === undefined
        ? `required; give ${choiceOf(issue.values)}`
        : `must be ${choiceOf(issue.values)}`;
    case 'too_small':
      return tooSmall(issue.origin, Number(issue.minimum), issue.inclusive !== false);
    case 'too_big':
      return tooBig(issue.origin, Number(issue.maximum), issue.inclusive !== false);
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be a time, such as 2027-01-31T00:00:00Z'
        : 'has the wrong form; see /docs';
    case 'unrecognized_keys':
      return 'unknown field; remove it';
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
      return 'is not valid; see /docs';
  }
}

function typeProblem(expected: string, input: unknown): string {
  const kind = KINDS[expected] ?? expected;
  return input === undefined ? `required; give ${kind}` : `must be ${kind}`;
}

function choiceOf(values: readonly unknown[]): string {
  const words = values.map(String);
  return words.length === 1 ? (words[0] ?? '') : `one of: ${words.join(', ')}`;
}

function tooSmall(origin: string, minimum: number, inclusive: boolean): string {
  const measure = MEASURED[origin];
  if (measure === undefined) {
    return inclusive ? `must be ${minimum} or more` : `must be more than ${minimum}`;
  }
  return minimum === 1 ? 'must not be empty' : `must have ${minimum}${measure} or more`;
}

function tooBig(origin: string, maximum: number, inclusive: boolean): string {
  const measure = MEASURED[origin];
  if (measure === undefined) {
    return inclusive ? `must be ${maximum} or less` : `must be less than ${maximum}`;
  }
  return `must have ${maximum}${measure} at most`;
}
