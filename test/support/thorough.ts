/** Whether this run is the long set of tests: jest.config.mjs says so. */
declare global {
  var TEST_THOROUGH: boolean | undefined;
}

/** How many random cases a test tries. */
export function cases(counts: { readonly usual: number; readonly thorough: number }): number {
  return globalThis.TEST_THOROUGH === true ? counts.thorough : counts.usual;
}
