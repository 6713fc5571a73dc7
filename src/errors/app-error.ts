/** Every error code that a client can meet. The status of each stands in http/error-status.ts. */
export type ErrorCode =
  | 'validation_failed'
  | 'unauthenticated'
  | 'forbidden'
  | 'gateway_refused'
  | 'account_not_found'
  | 'not_found'
  | 'method_not_allowed'
  | 'account_exists'
  | 'length_required'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'force_refresh_limited'
  | 'internal_error'
  | 'wechat_error'
  | 'wechat_unreachable'
  | 'token_unavailable'
  | 'database_unavailable'
  | 'wechat_timeout';

/** What WeChat said, and what an operator should do about it. Never holds a secret or a token. */
export interface UpstreamProblem {
  /** WeChat's errcode, or null where WeChat gave none (a time-out, an HTML page). */
  errcode: number | null;
  errmsg: string;
  advice: string;
}

export interface ValidationProblem {
  /** Dotted path into the request, such as `body.errcode`. */
  path: string;
  message: string;
}

export interface AppErrorDetails {
  upstream?: UpstreamProblem;
  errors?: ValidationProblem[];
  /** Sent as `Retry-After`; whole seconds, at least 1. */
  retryAfterSeconds?: number;
  /** The methods that the path knows; sent as `Allow` with a 405. */
  allow?: string[];
  /** Of a gateway call that failed: whether WeChat may have got it. */
  sent?: boolean;
  cause?: unknown;
  /** The cause that this error shares with others, as one object. It is logged once. */
  incident?: object;
}

/**
 * An error that a client may see: a code, and a `detail` that tells what to do next.
 * It knows no transport; http/problem.filter.ts turns it into problem+json.
 */
export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly upstream: UpstreamProblem | undefined;
  readonly errors: ValidationProblem[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly allow: string[] | undefined;
  readonly sent: boolean | undefined;
  private readonly sharedIncident: object | undefined;

  constructor(
    readonly code: ErrorCode,
    detail: string,
    details: AppErrorDetails = {},
  ) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.upstream = details.upstream;
    this.errors = details.errors;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.allow = details.allow;
    this.sent = details.sent;
    this.sharedIncident = details.incident;
  }

  /** The shared cause, or the error itself. A getter, since a field would make the error refer to itself in JSON. */
  get incident(): object {
    return this.sharedIncident ?? this;
  }
}
