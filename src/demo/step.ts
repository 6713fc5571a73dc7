import type { Answer, HttpRequest } from './http-call.js';

/** Where the calls go, and by which keys. */
export interface Scene {
  readonly serviceUrl: string;
  readonly simulatorUrl: string;
  readonly appId: string;
  readonly clientKey: string;
  readonly adminKey: string;
}

/** What earlier answers taught, and later requests and expectations need. */
export interface Memory {
  token: string;
  version: number;
  etag: string;
  /** The token that the simulator is told to kill: the live one until another takes its place. */
  deadToken: string;
}

/** One call: what is sent, and what must come back. */
export interface Step {
  readonly title: string;
  /** Why it is worth a look. */
  readonly note: string;
  readonly request: (memory: Readonly<Memory>) => HttpRequest;
  /** May add to the memory. @throws UnexpectedAnswer */
  readonly check: (answer: Answer, memory: Memory) => void;
  /** Said when the check passes. */
  readonly success: string;
}

export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}

export function bearer(key: string): Record<string, string> {
  return { Authorization: `Bearer ${key}` };
}
