/** The text of a credential's answer, ready but for the two numbers that change from read to read. */
export interface ResponseTemplate {
  /** Up to the seconds that are left. */
  readonly start: string;
  /** From there up to the seconds for which a client may keep it. */
  readonly middle: string;
  /** How many bytes more than characters they have: known once, it need not be counted at each read. */
  readonly extraBytes: number;
}

interface Prepared {
  readonly appId: string;
  /** The name of the value's field. */
  readonly kind: string;
  readonly value: string;
  readonly expiresAt: string;
  readonly version: number;
}

export function responseTemplate({
  appId,
  kind,
  value,
  expiresAt,
  version,
}: Prepared): ResponseTemplate {
  const start = JSON.stringify({ app_id: appId, [kind]: value });
  const middle = JSON.stringify({ expires_at: expiresAt, version });
  return {
    start: inOnePiece(`${start.slice(0, -1)},"expires_in":`),
    middle: inOnePiece(`,${middle.slice(1, -1)},"cache_for":`),
    extraBytes: Buffer.byteLength(start) - start.length,
  };
}

/** The whole answer. */
export function filled(
  { start, middle }: ResponseTemplate,
  expiresIn: number,
  cacheFor: number,
): string {
  return `${start}${expiresIn}${middle}${cacheFor}}`;
}

/**
 * The same text, stored as one: what was put together is a tree of its parts, which each read would walk again,
 * through memory that a thousand accounts have pushed out of the caches (bench/results/2026-11.md).
 */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}
