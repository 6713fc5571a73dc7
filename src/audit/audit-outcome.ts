import { Like, type FindOperator } from 'typeorm';

/** Of these the code of the error stands behind a colon: `failed:wechat_error`. */
const WITH_CODE = ['refused', 'failed'] as const;

/** How what stands in the trail may have ended: actions of admins, then refreshes, then reports. */
const WORDS = [
  'started',
  'ok',
  ...WITH_CODE,
  'committed',
  'unchanged',
  'fenced_off',
  'released',
  'abandoned',
  'superseded',
  'still_valid',
  'refreshed',
  'unverified',
] as const;

/** An outcome that may be asked for: a word, or one with a code. */
export const AUDIT_OUTCOME = new RegExp(
  `^(?:${WORDS.join('|')}|(?:${WITH_CODE.join('|')}):[a-z_]{1,40})$`,
);

/** What a column is asked for that holds outcomes as they are shown: a word alone stands for it with any code. */
export function outcomeLike(outcome: string): string | FindOperator<string> {
  return WITH_CODE.some((word) => word === outcome) ? Like(`${outcome}:%`) : outcome;
}
