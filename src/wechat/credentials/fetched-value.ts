import { WechatCallError } from '../api/wechat-call.error.js';
import type { WonClaim } from './claim.service.js';
import type { FetchedValue } from './credential-kind.js';
import { usableLifetimeMs } from './credential.policy.js';
import type { PendingCommit } from './credential-facts.js';
import type { Credential } from './credential.js';

/**
 * A fetched value, ready to be committed.
 * @returns undefined when WeChat's answer has no usable value
 */
export function toPendingCommit(
  credential: Credential,
  claim: WonClaim,
  fetched: FetchedValue,
): PendingCommit | undefined {
  const answeredMs = usableLifetimeMs(fetched);
  if (answeredMs === undefined) {
    return undefined;
  }
  return {
    version: claim.fence,
    value: fetched.value,
    obtainedAtMs: claim.claimedAtMs,
    expiresAtMs: claim.claimedAtMs + answeredMs,
    // Where a repeat returns the same value, an answer says how much of the lifetime remains, not how long it is.
    lifetimeMs: credential.policy.fetchEndsOlderValue
      ? answeredMs
      : Math.max(answeredMs, credential.row.lifetimeMs),
    claim,
  };
}

/** WeChat may have minted a value that we cannot use: the outcome is unknown. */
export function unusableAnswer(credential: Credential): WechatCallError {
  return new WechatCallError(`fetch of ${credential.kind.name}`, {
    failureClass: 'unknown_outcome',
    errcode: null,
    errmsg:
      'the answer has no usable value (empty, or with characters that no URL carries), or an expires_in that is not a number of seconds up to a day',
    advice:
      'Nothing to do: the old value is kept and the fetch is repeated. Should it go on, ask WeChat.',
    code: 'wechat_error',
    bytesSent: true,
  });
}
