import type { Expected } from './calls.js';
import type { Answer } from './http-call.js';

/** The answer differs from what the table of calls says. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/**
 * @param token the current one; an answer that must hide it is refused when it holds it
 * @throws UnexpectedAnswer that names everything that differs; never a value of the body
 */
export function checkAnswer(answer: Answer, expected: Expected, token: string): void {
  const { status = 200, headers = {}, json, text, hidesToken = false } = expected;
  const problems = [
    ...(answer.status === status ? [] : [`the status is ${answer.status}, not ${status}`]),
    ...Object.entries(headers)
      .filter(([name, pattern]) => !pattern.test(answer.headers.get(name) ?? ''))
      .map(([name, pattern]) => `the header ${name} does not match ${String(pattern)}`),
    ...(text === undefined || text.test(answer.text)
      ? []
      : [`the body does not match ${String(text)}`]),
    ...(hidesToken && answer.text.includes(token) ? ['the body holds the token'] : []),
    ...(json === undefined ? [] : jsonProblems(answer.text, json)),
  ];
  if (problems.length > 0) {
    throw new UnexpectedAnswer(problems.join('; '));
  }
}

function jsonProblems(body: string, schema: NonNullable<Expected['json']>): string[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return ['the body is not JSON'];
  }
  const result = schema.safeParse(value);
  return (result.error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.') || 'the body'}: ${message}`,
  );
}
