import { filled } from '../../http/response-template.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import type { AccessTokenAnswer } from './access-token.dto.js';
import type { RemainingLife } from './conditional-read.js';

export function tokenAnswer(snapshot: CredentialSnapshot, life: RemainingLife): AccessTokenAnswer {
  return { app_id: snapshot.appId, access_token: snapshot.value, ...life };
}

/** {@link tokenAnswer} as JSON. */
export function tokenText(snapshot: CredentialSnapshot, life: RemainingLife): string {
  return filled(snapshot.template, life.expires_in, life.cache_for);
}
