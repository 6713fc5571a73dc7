import type { Answer } from './http-call.js';

/** The answer is not the one that the story tells of. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

export type Json = Readonly<Record<string, unknown>>;

/** @throws UnexpectedAnswer that names what differs */
export function expectEqual(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) {
    throw new UnexpectedAnswer(
      `${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`,
    );
  }
}

/** @throws UnexpectedAnswer with the sentence that does not hold */
export function expectThat(sentence: string, holds: boolean): void {
  if (!holds) {
    throw new UnexpectedAnswer(`it does not hold that ${sentence}`);
  }
}

/** The body of an answer with this status that is a JSON object. @throws UnexpectedAnswer */
export function jsonOf(answer: Answer, status = 200): Json {
  expectEqual('the status', answer.status, status);
  try {
    const value: unknown = JSON.parse(answer.text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ...value };
    }
  } catch {
    // Said below: what came is no JSON at all.
  }
  throw new UnexpectedAnswer('the body is not a JSON object');
}

/** @throws UnexpectedAnswer */
export function textField(body: Json, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '') {
    throw new UnexpectedAnswer(`${name} is not a text`);
  }
  return value;
}

/** @throws UnexpectedAnswer unless it is above 0 */
export function positiveField(body: Json, name: string): number {
  const value = body[name];
  if (typeof value !== 'number' || !(value > 0)) {
    throw new UnexpectedAnswer(`${name} is not a number above 0`);
  }
  return value;
}
