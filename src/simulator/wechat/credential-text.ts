import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** Shaped like WeChat's: two digits, an underscore, then [A-Za-z0-9_-]; 136 characters in all. */
export function newTokenText(): string {
  return `97_${randomText(133)}`;
}

/** 86 characters, as WeChat's tickets are. */
export function newTicketText(): string {
  return randomText(86);
}

/** Whether a caller could have got it from WeChat at all: what cannot be is 40014. */
export function looksLikeToken(text: string): boolean {
  return /^\d+_[A-Za-z0-9_-]{50,500}$/.test(text);
}

/** How the journal names a token: the first 12 hexadecimal digits of its SHA-256. */
export function tagOf(credential: string): string {
  return createHash('sha256').update(credential).digest('hex').slice(0, 12);
}

/** WeChat's request id; its first group is the time in Unix seconds. */
export function newRid(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000)
    .toString(16)
    .padStart(8, '0');
  const random = randomUUID().replaceAll('-', '');
  return `${seconds}-${random.slice(0, 8)}-${random.slice(-8)}`;
}

function randomText(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}
