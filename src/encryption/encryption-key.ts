import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * One configured key and what is derived from it. Each use has a label of its own, so that no derived value says
 * anything about another. Key objects keep the bytes out of whatever prints this.
 */
export interface EncryptionKey {
  /** 16 hexadecimal digits; safe to show. */
  readonly id: string;
  /** AES-256-GCM, for sealed values. */
  readonly sealing: KeyObject;
  /** HMAC-SHA-256, for fingerprints. */
  readonly fingerprinting: KeyObject;
  /** HMAC-SHA-256, for what is handed out and comes back, such as handles. */
  readonly signing: KeyObject;
}

/** @param bytes 32 bytes */
export function encryptionKey(bytes: Buffer): EncryptionKey {
  return {
    id: createHash('sha256')
      .update('wechat-token-center/key-id/v1\0')
      .update(bytes)
      .digest('hex')
      .slice(0, 16),
    sealing: createSecretKey(bytes),
    fingerprinting: derived(bytes, 'wechat-token-center/fingerprint/v1'),
    signing: derived(bytes, 'wechat-token-center/signature/v1'),
  };
}

function derived(bytes: Buffer, label: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), label, 32)));
}
