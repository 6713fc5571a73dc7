import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { type EncryptionKey, encryptionKey } from './encryption-key.js';
import { type SealedPlace, SealedValueError } from './sealed-value.error.js';

export type { SealedPlace } from './sealed-value.error.js';

interface SealedParts {
  keyId: string;
  iv: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v1\.([0-9a-f]{16})\.([\w-]{16})\.([\w-]*)\.([\w-]{22})$/;
const FINGERPRINT = /^([0-9a-f]{16})\.[\w-]{43}$/;

/**
 * Seals text for a column and opens it again: AES-256-GCM with a random IV, the place as associated data.
 *
 * A sealed value reads `v1.<keyId>.<iv>.<ciphertext>.<tag>`, the last three in base64url. It is sealed with the
 * current key and opens with the current or a previous one, so that a key can change while rows still hold the old.
 *
 * A random 96-bit IV is safe for 2^32 values under one key (NIST SP 800-38D, 8.3); this service seals some dozens a day
 * for each account.
 */
@Injectable()
export class Keyring {
  readonly currentKeyId: string;
  private readonly current: EncryptionKey;
  /** By id; the current key first. */
  private readonly keys: ReadonlyMap<string, EncryptionKey>;

  constructor(config: AppConfig) {
    this.current = encryptionKey(config.encryption.current);
    this.currentKeyId = this.current.id;
    const previous = config.encryption.previous.map(encryptionKey);
    this.keys = new Map([this.current, ...previous].map((key) => [key.id, key]));
  }

  /** The ids of all configured keys, the current one first. */
  get keyIds(): string[] {
    return [...this.keys.keys()];
  }

  seal(plaintext: string, place: SealedPlace): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.current.sealing, iv, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(associatedData(place));
    const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    const encoded = [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'));
    return ['v1', this.currentKeyId, ...encoded].join('.');
  }

  /** @throws SealedValueError where no configured key opens it, it was altered, or it was sealed for another place */
  open(sealed: string, place: SealedPlace): string {
    const parts = parse(sealed, place);
    const key = this.keys.get(parts.keyId);
    if (key === undefined) {
      throw new SealedValueError(
        `${describe(place)} was sealed with key id ${parts.keyId}, which is not configured (configured: ${this.keyIds.join(', ')}). ` +
          `Put the key with id ${parts.keyId} into ENCRYPTION_PREVIOUS_KEYS.`,
        parts.keyId,
        place,
      );
    }
    const decipher = createDecipheriv('aes-256-gcm', key.sealing, parts.iv, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associatedData(place));
    decipher.setAuthTag(parts.tag);
    const opened = decipher.update(parts.ciphertext);
    try {
      return Buffer.concat([opened, decipher.final()]).toString('utf8');
    } catch {
      // The library's error adds nothing but "unable to authenticate data".
      throw new SealedValueError(
        `${describe(place)} does not open with key id ${parts.keyId}, though that key is configured: the value was altered, or copied from another place. ` +
          'Restore the row from a backup, or set the value anew.',
        parts.keyId,
        place,
      );
    }
  }

  /**
   * The same text sealed with the current key; undefined where it is already.
   * @throws SealedValueError like `open`
   */
  reseal(sealed: string, place: SealedPlace): string | undefined {
    return this.keyIdOf(sealed) === this.currentKeyId
      ? undefined
      : this.seal(this.open(sealed, place), place);
  }

  /** The id of the key that sealed it, whether that key is configured or not. */
  keyIdOf(sealed: string): string {
    return parse(sealed, undefined).keyId;
  }

  /**
   * A keyed hash that shows whether two texts are the same, without showing the text: `<keyId>.<HMAC-SHA-256>`.
   * Made with the current key; compare it with `matchesFingerprint`, since the key may have changed since.
   */
  fingerprint(text: string): string {
    return fingerprintWith(this.current, text);
  }

  /** False as well where the fingerprint's key is no longer configured: nothing can be said then. */
  matchesFingerprint(text: string, fingerprint: string): boolean {
    const key = this.keys.get(FINGERPRINT.exec(fingerprint)?.[1] ?? '');
    return (
      key !== undefined &&
      timingSafeEqual(Buffer.from(fingerprintWith(key, text)), Buffer.from(fingerprint))
    );
  }

  /** Signs what is handed out and comes back, with the current key. @returns 32 bytes */
  sign(data: Uint8Array): Buffer {
    return signatureWith(this.current, data);
  }

  /** In constant time for each configured key, so that a change of key breaks nothing that was signed before. */
  verify(data: Uint8Array, signature: Uint8Array): boolean {
    return [...this.keys.values()].some((key) =>
      timingSafeEqual(signatureWith(key, data), signature),
    );
  }
}

function signatureWith(key: EncryptionKey, data: Uint8Array): Buffer {
  return createHmac('sha256', key.signing).update(data).digest();
}

function fingerprintWith(key: EncryptionKey, text: string): string {
  return `${key.id}.${createHmac('sha256', key.fingerprinting).update(text).digest('base64url')}`;
}

/** JSON keeps `a` + `bc` apart from `ab` + `c`, which joining would not. */
function associatedData({ table, row, column }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([table, row, column]));
}

function parse(sealed: string, place: SealedPlace | undefined): SealedParts {
  const match = SEALED.exec(sealed);
  const [iv, ciphertext, tag] = (match?.slice(2) ?? []).map(decode);
  if (
    match?.[1] === undefined ||
    iv === undefined ||
    ciphertext === undefined ||
    tag === undefined
  ) {
    throw new SealedValueError(
      `${place === undefined ? 'A stored value' : describe(place)} is not a sealed value of this version. ` +
        'Restore it from a backup, or set the value anew.',
      undefined,
      place,
    );
  }
  return { keyId: match[1], iv, ciphertext, tag };
}

/** Undefined where the text is not the one way to write these bytes: spare bits could be altered unseen otherwise. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function describe({ table, row, column }: SealedPlace): string {
  return `The value in column ${column} of table ${table}, row ${row},`;
}
