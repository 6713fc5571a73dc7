import { Injectable, Logger } from '@nestjs/common';
import { AddressGroups, sourceAddress, type AddressedRequest } from '../http/source-address.js';
import { Clock } from '../time/clock.js';
import { KeysInUse } from './keys-in-use.js';
import { RefusalError, type RefusalReason } from './refusals.js';
import { RequestLimit, type Excess } from './request-limit.js';

const PER_MINUTE = 20;

/**
 * Slows down guessing: so many failed authentications a minute from one address. Past that, the address
 * waits even with a valid key, unless that key is in use from there already: so the answer does not tell
 * who guessed right, and who reads from behind the same address goes on (docs/adr/0010).
 */
@Injectable()
export class FailedKeys {
  private readonly logger = new Logger(FailedKeys.name);
  private readonly limit: RequestLimit;
  private readonly groups = new AddressGroups();
  private readonly inUse = new KeysInUse();

  constructor(clock: Clock) {
    this.limit = new RequestLimit(PER_MINUTE, clock);
  }

  /**
   * For a key that is not valid; counts it.
   * @param refused the ordinary answer
   * @returns how it is answered: so, or `rate_limited` once its address is past the limit
   */
  refusal(request: AddressedRequest, refused: RefusalError): RefusalError {
    const excess = this.limit.take(this.groups.of(request));
    if (excess?.isFirst === true) {
      this.logger.warn({
        event: 'failed_keys_limited',
        source_address: sourceAddress(request),
      });
    }
    return excess === undefined ? refused : tooManyFailedKeys(excess, refused.reason);
  }

  /**
   * For a valid key of any kind, also where it is not enough for the request: 403 would tell that it exists.
   * On the path of every read, so it costs two look-ups.
   * @returns `rate_limited` where it has to wait; else undefined, and the key is in use from this address
   */
  heldUp(request: AddressedRequest, keyHash: string): RefusalError | undefined {
    const address = this.groups.of(request);
    if (this.inUse.has(keyHash, address)) {
      return undefined;
    }
    const excess = this.limit.reached(address);
    if (excess !== undefined) {
      return tooManyFailedKeys(excess, 'limited_address');
    }
    this.inUse.add(keyHash, address);
    return undefined;
  }
}

/** In the same words for a wrong key and a valid one. */
function tooManyFailedKeys(
  { retryAfterSeconds }: Pick<Excess, 'retryAfterSeconds'>,
  reason: RefusalReason,
): RefusalError {
  return new RefusalError(
    'rate_limited',
    reason,
    `Too many failed authentications from this IP address (limit: ${PER_MINUTE} per minute). Until Retry-After only keys that are already in use from this address are accepted. Check the key, then try again after Retry-After.`,
    { retryAfterSeconds },
  );
}
