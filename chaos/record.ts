import type { FaultKind, PlannedFault } from './plan.js';

/**
 * What a run leaves behind, for the checker. Times are milliseconds since 1970 by one clock: replicas,
 * simulator, database and this process run on one machine. Tokens appear as tags, as in the
 * simulator's journal; no secret is ever recorded.
 */
export interface Read {
  readonly kind: 'read';
  readonly replica: number;
  /** Which process of this replica, counted from 1. */
  readonly incarnation: number;
  readonly at: number;
  readonly endedAt: number;
  /** 0: no answer. */
  readonly status: number;
  /** The contract's code of a problem, or why there was no answer. */
  readonly code: string | null;
  readonly version: number | null;
  readonly tag: string | null;
  readonly expiresAt: number | null;
}

/** A client's own call to WeChat with a token that it had just read. */
export interface Use {
  readonly kind: 'use';
  readonly at: number;
  readonly tag: string;
  readonly errcode: number | null;
}

export interface Report {
  readonly kind: 'report';
  readonly replica: number;
  readonly at: number;
  readonly endedAt: number;
  readonly tag: string;
  readonly status: number;
  readonly code: string | null;
  readonly outcome: string | null;
}

export interface AdminRefresh {
  readonly kind: 'admin_refresh';
  readonly replica: number;
  readonly at: number;
  readonly endedAt: number;
  readonly status: number;
  readonly code: string | null;
  readonly rotated: boolean | null;
}

/** A replica's call to WeChat, as the proxy between them saw it; ended: the replica's side is closed. */
export interface UpstreamCall {
  readonly kind: 'call';
  readonly replica: number;
  readonly path: string;
  readonly at: number;
  readonly endedAt: number;
}

export interface FaultSpan {
  readonly kind: 'fault';
  readonly fault: FaultKind;
  /** -1: all of them, or none in particular. */
  readonly replica: number;
  readonly at: number;
  readonly endedAt: number;
  readonly detail: PlannedFault;
}

/** A process that does not run: killed, stopped, or being restarted. */
export interface Absence {
  readonly kind: 'absence';
  readonly replica: number;
  readonly how: 'killed' | 'stopped' | 'restarted' | 'died';
  readonly at: number;
  readonly endedAt: number;
}

export interface Kill {
  readonly kind: 'token_killed';
  readonly at: number;
  readonly tag: string;
}

/** The credential's row whenever it changed, as seen by looking every few milliseconds. */
export interface Row {
  readonly kind: 'row';
  readonly at: number;
  readonly version: number;
  readonly fence: number;
  readonly revision: number;
  readonly owner: string | null;
  readonly leaseUntil: number;
  readonly claimedAt: number;
  readonly suspectAt: number | null;
  readonly unknownOutcomes: number;
  readonly deadAt: number | null;
  readonly callsToday: number;
}

/** One log line of a replica, reduced to its event. */
export interface LogEvent {
  readonly kind: 'log';
  readonly replica: number;
  readonly at: number;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Note {
  readonly kind: 'note';
  readonly at: number;
  readonly text: string;
}

export type RecordedEvent =
  | Read
  | Use
  | Report
  | AdminRefresh
  | UpstreamCall
  | FaultSpan
  | Absence
  | Kill
  | Row
  | LogEvent
  | Note;
