import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/*
 * A client key: `wtc_`, 34 random base62 characters (202 bits) and the CRC-32 of what stands before it, as
 * 6 base62 digits. The prefix lets scanners find one that leaked; the checksum tells a typing error from an
 * unknown key. It is no secret: who can make a checksum has not made a key.
 */

const PREFIX = 'wtc_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 34;
/** 62 ** 6 is more than 2 ** 32. */
const CHECKSUM_LENGTH = 6;
const BODY_LENGTH = PREFIX.length + RANDOM_LENGTH;
/** The greatest multiple of 62 in a byte: from there on, the first digits would come more often than the others. */
const UNBIASED = 248;

/** A new key, from the system's random source. */
export function createClientKey(): string {
  const body = PREFIX + randomDigits(RANDOM_LENGTH);
  return body + checksumOf(body);
}

/** It begins like a client key; every one that is stored does. */
export function hasKeyPrefix(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** It begins like a client key, and is none that was ever made: mistyped, cut off or made up. */
export function isMistyped(key: string): boolean {
  return hasKeyPrefix(key) && !isWhole(key);
}

function isWhole(key: string): boolean {
  if (key.length !== BODY_LENGTH + CHECKSUM_LENGTH) {
    return false;
  }
  const body = key.slice(0, BODY_LENGTH);
  return key.endsWith(checksumOf(body));
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let digits = '';
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = DIGITS.charAt(rest % DIGITS.length) + digits;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
}

function randomDigits(length: number): string {
  let digits = '';
  while (digits.length < length) {
    for (const byte of randomBytes(length - digits.length)) {
      digits += byte < UNBIASED ? DIGITS.charAt(byte % DIGITS.length) : '';
    }
  }
  return digits;
}
