/** How a claimed refresh ended. */
const ENDS = [
  /** Another value is stored. */
  'committed',
  /** WeChat returned the stored value again. */
  'unchanged',
  'failed',
  /** Another claim came after it, and what it brought was dropped. */
  'fenced_off',
  /** The claim took too long; WeChat was not called. */
  'released',
  /** Its process died, or could not write how it ended. */
  'abandoned',
] as const;

export type RefreshOutcome = (typeof ENDS)[number];

/** What readers of the history see: `started` while it is under way. */
export const REFRESH_OUTCOMES = [...ENDS, 'started'] as const;
