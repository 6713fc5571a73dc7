/** What Node and its native modules need to start; everything else of the caller's environment stays out. */
const KEPT = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'TMP'];

/**
 * The start of a child's environment. It is not the caller's whole environment, since a DATABASE_URL or
 * an ADMIN_API_KEY of a real service must not reach the demonstration.
 */
export function childEnvironment(): Record<string, string> {
  return Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Colours are for a terminal whose user did not refuse them (https://no-color.org). */
export function wantsColours(stream: { readonly isTTY?: boolean }): boolean {
  const refusal = process.env.NO_COLOR;
  return stream.isTTY === true && (refusal === undefined || refusal === '');
}
