import type { JournalEntry } from '../src/simulator/journal/journal.dto.js';
import type {
  Absence,
  AdminRefresh,
  FaultSpan,
  Kill,
  LogEvent,
  Read,
  Report,
  Row,
  UpstreamCall,
} from './record.js';
import type { Terms } from './terms.js';

/** A token as the simulator minted it. Times are milliseconds since 1970. */
export interface Token {
  readonly tag: string;
  readonly foreign: boolean;
  readonly mintedAt: number;
  readonly expiresAt: number;
}

/** One row of the history of refreshes: the claim opens it, whoever settles the claim closes it. */
export interface HistoryRow {
  readonly fence: number;
  readonly startedAt: number;
  /** Null while it is open. */
  readonly outcome: string | null;
}

/** How the run ended, after the last fault. */
export interface Settled {
  readonly lastFaultAt: number;
  /** From then on every replica served WeChat's newest token and nothing was in doubt; null: never. */
  readonly settledAt: number | null;
  /** Why not, at the last look. */
  readonly problem: string | null;
}

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** All that the checker looks at. */
export interface Evidence {
  readonly terms: Terms;
  readonly reads: readonly Read[];
  readonly reports: readonly Report[];
  readonly adminRefreshes: readonly AdminRefresh[];
  readonly calls: readonly UpstreamCall[];
  readonly faults: readonly FaultSpan[];
  readonly absences: readonly Absence[];
  readonly kills: readonly Kill[];
  readonly rows: readonly Row[];
  readonly logs: readonly LogEvent[];
  readonly journal: readonly JournalEntry[];
  readonly tokens: readonly Token[];
  readonly history: readonly HistoryRow[];
  readonly settled: Settled;
  /** What replicas wrote and the database holds. */
  readonly outputs: readonly NamedText[];
  /** What may stand in none of them. */
  readonly secrets: readonly NamedText[];
}

export interface Verdict {
  readonly invariant: string;
  readonly title: string;
  /** How many things were looked at; 0 means that the run says nothing about it. */
  readonly checked: number;
  readonly violations: readonly string[];
  /** What else is worth knowing. */
  readonly note?: string;
}
