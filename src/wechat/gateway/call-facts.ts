import type { Client } from '../../access/client-directory.js';
import type { Origin } from '../../audit/origin.js';
import type { AppError } from '../../errors/app-error.js';
import type { UpstreamAnswer } from './upstream-answer.js';

/** What is known of a call when its answer is through. */
export interface CallFacts {
  readonly appId: string;
  readonly client: Client;
  readonly origin: Origin;
  readonly startedMs: number;
  /** The rule that let it through; of a refused call the one that would; `-` before that is known. */
  rule: string;
  /** Of WeChat's answer. */
  status?: number;
  errcode?: number | undefined;
  answer?: UpstreamAnswer;
  failure?: AppError;
  /** Time that was spent waiting for WeChat. */
  upstreamMs: number;
  sentBytes: number;
  isHealed: boolean;
  /** Answered from memory, since the quota of the path is used up. */
  isHeld: boolean;
  /** The caller went away, or the answer broke off. */
  isCut: boolean;
}
