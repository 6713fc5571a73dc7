/** Environment variables by name; undefined and the empty string both mean "not set". */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's own variables. No other file of the service reads them. */
export function processEnvironment(): Environment {
  return process.env;
}
