/** What an answered report came to. */
export const REPORT_OUTCOMES = ['superseded', 'still_valid', 'refreshed', 'unverified'] as const;

export type ReportOutcome = (typeof REPORT_OUTCOMES)[number];
