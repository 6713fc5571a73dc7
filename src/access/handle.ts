/*
 * A handle stands for a key of a client and one account, where WeChat's APIs have an access_token:
 *
 *   wtch_ base64url( 1 | key id, 16 bytes | end, seconds since 1970, 4 bytes | AppID | HMAC-SHA-256, 32 bytes )
 *
 * It is stored nowhere: whoever has the encryption key can tell that it was made here, and the key's row says whether
 * it is still good.
 */

export interface Handle {
  /** A UUID. */
  readonly keyId: string;
  readonly appId: string;
  readonly expiresAtMs: number;
}

/** What signs a handle, and tells whether a signature is right. */
export interface HandleSigner {
  sign(data: Uint8Array): Buffer;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

const PREFIX = 'wtch_';
const VERSION = 1;
const ID_AT = 1;
const END_AT = ID_AT + 16;
const APP_ID_AT = END_AT + 4;
const SIGNATURE_BYTES = 32;

/** It begins like a handle; no access_token of WeChat's does. */
export function isHandle(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** At most 256 characters of `[A-Za-z0-9_-]`. */
export function packHandle({ keyId, appId, expiresAtMs }: Handle, signer: HandleSigner): string {
  const fixed = Buffer.alloc(APP_ID_AT);
  fixed.writeUInt8(VERSION, 0);
  fixed.write(keyId.replaceAll('-', ''), ID_AT, 'hex');
  fixed.writeUInt32BE(Math.ceil(expiresAtMs / 1_000), END_AT);
  const data = Buffer.concat([fixed, Buffer.from(appId, 'utf8')]);
  return PREFIX + Buffer.concat([data, signer.sign(data)]).toString('base64url');
}

/** @returns undefined where the signature is wrong. The caller checks whether the handle has expired. */
export function unpackHandle(text: string, signer: HandleSigner): Handle | undefined {
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64url');
  const data = bytes.subarray(0, -SIGNATURE_BYTES);
  const isWhole =
    isHandle(text) &&
    bytes.toString('base64url') === encoded &&
    data.length > APP_ID_AT &&
    data[0] === VERSION &&
    signer.verify(data, bytes.subarray(-SIGNATURE_BYTES));
  if (!isWhole) {
    return undefined;
  }
  return {
    keyId: uuidOf(data.toString('hex', ID_AT, END_AT)),
    appId: data.toString('utf8', APP_ID_AT),
    expiresAtMs: data.readUInt32BE(END_AT) * 1_000,
  };
}

function uuidOf(hex: string): string {
  const at = [0, 8, 12, 16, 20, 32];
  return at
    .slice(1)
    .map((end, index) => hex.slice(at[index], end))
    .join('-');
}
