import type { VariableName } from './variables.js';

/** The variables that say where a listener listens. */
export interface ListenVariables {
  readonly host: VariableName;
  readonly port: VariableName;
}

/** What to do when an address cannot be listened on, in words for an operator. */
export function listenAdvice(error: unknown, { host, port }: ListenVariables): string {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `another process listens there. Stop it, or choose another ${port}`,
    EACCES: `the system does not allow it. Ports below 1024 want privileges: choose another ${port}`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
    ENOTFOUND: `${host} has no address`,
  };
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `${advice[code] ?? `change ${host} or ${port}`} (${code})`;
}

export function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
