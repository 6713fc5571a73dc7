/** Where a sealed value stands. It is bound to that place and does not open at another. */
export interface SealedPlace {
  readonly table: string;
  /** The row's key as text. */
  readonly row: string;
  readonly column: string;
}

/** A sealed value cannot be opened. Names the key's id and the place, never the content or a key. */
export class SealedValueError extends Error {
  override readonly name = 'SealedValueError';

  constructor(
    message: string,
    /** The id that the value names; undefined where it is no sealed value at all. */
    readonly keyId: string | undefined,
    readonly place: SealedPlace | undefined,
  ) {
    super(message);
  }
}
