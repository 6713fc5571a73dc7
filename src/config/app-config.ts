/** The whole configuration, parsed and checked once at start. Times carry their unit in their name. */
export class AppConfig {
  readonly http!: {
    readonly host: string;
    readonly port: number;
    /** Both files or neither: native HTTPS. */
    readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
    /** CIDRs whose `X-Forwarded-For` counts. */
    readonly trustedProxies: readonly string[];
  };
  readonly database!: DatabaseTarget;
  readonly wechat!: {
    /** Origins without a trailing slash, tried in order. */
    readonly baseUrls: readonly string[];
    /** One attempt at one host, connect to last byte. */
    readonly timeoutMs: number;
    readonly httpsProxy: string | undefined;
    readonly noProxy: string | undefined;
  };
  /** The account that the environment names, if it names one. */
  readonly account!:
    | { readonly appId: string; readonly appSecret: string; readonly mode: TokenMode | undefined }
    | undefined;
  readonly keys!: { readonly admin: string; readonly client: string | undefined };
  readonly encryption!: { readonly current: Buffer; readonly previous: readonly Buffer[] };
  readonly dropInEnabled!: boolean;
  readonly gateway!: {
    readonly enabled: boolean;
    /** Of a request, and of an answer. */
    readonly maxBodyBytes: number;
    /** How long nothing may move, from the last byte of a request to the first of its answer, and within each. */
    readonly timeoutMs: number;
  };
  readonly historyRetentionDays!: number;
  readonly metrics!: { readonly host: string; readonly port: number | undefined };
  readonly log!: { readonly level: LogLevel; readonly format: 'json' | 'pretty' };
}

export type TokenMode = 'stable' | 'legacy';
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export type DatabaseTarget =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres' | 'mysql'; readonly url: string };
