import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import type { AccessTokenAnswer } from './access-token.dto.js';
import type { RemainingLife } from './conditional-read.js';

interface Frame {
  readonly start: string;
  readonly middle: string;
}

/** Written once for each snapshot, and gone with it. */
const frames = new WeakMap<CredentialSnapshot, Frame>();

export function tokenAnswer(snapshot: CredentialSnapshot, life: RemainingLife): AccessTokenAnswer {
  return { app_id: snapshot.appId, access_token: snapshot.value, ...life };
}

/** {@link tokenAnswer} as JSON: all but the two numbers is ready. */
export function tokenText(snapshot: CredentialSnapshot, life: RemainingLife): string {
  let frame = frames.get(snapshot);
  if (frame === undefined) {
    frame = frameOf(snapshot);
    frames.set(snapshot, frame);
  }
  return `${frame.start}${life.expires_in}${frame.middle}${life.cache_for}}`;
}

function frameOf({ appId, value, expiresAt, version }: CredentialSnapshot): Frame {
  const start = JSON.stringify({ app_id: appId, access_token: value });
  const middle = JSON.stringify({ expires_at: expiresAt, version });
  return {
    start: `${start.slice(0, -1)},"expires_in":`,
    middle: `,${middle.slice(1, -1)},"cache_for":`,
  };
}
