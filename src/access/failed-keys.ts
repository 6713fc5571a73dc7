import { Injectable, Logger } from '@nestjs/common';
import {
  addressGroup,
  sourceAddress,
  type AddressedRequest,
} from '../observability/source-address.js';
import { Clock } from '../time/clock.js';
import { RefusalError, type RefusalReason } from './refusals.js';
import { RequestLimit, type Excess } from './request-limit.js';

const PER_MINUTE = 20;

/**
 * Slows down who tries keys out: so many unknown ones a minute from one address. Asked only once a key
 * has been found to be no good: a valid one is let through, whoever else is behind the same address,
 * and costs nothing here.
 */
@Injectable()
export class FailedKeys {
  private readonly logger = new Logger(FailedKeys.name);
  private readonly limit: RequestLimit;

  constructor(clock: Clock) {
    this.limit = new RequestLimit(PER_MINUTE, clock);
  }

  /**
   * Counts a request whose key is no good.
   * @param refused the ordinary answer
   * @returns how it is answered: so, or `rate_limited` once its address is past the limit
   */
  refusal(request: AddressedRequest, refused: RefusalError): RefusalError {
    const excess = this.count(request);
    return excess === undefined ? refused : tooManyFailedKeys(excess, refused.reason);
  }

  private count(request: AddressedRequest): Excess | undefined {
    const address = sourceAddress(request);
    const excess = this.limit.take(addressGroup(address));
    if (excess?.isFirst === true) {
      this.logger.warn({ event: 'failed_keys_limited', source_address: address });
    }
    return excess;
  }
}

function tooManyFailedKeys({ retryAfterSeconds }: Excess, reason: RefusalReason): RefusalError {
  return new RefusalError(
    'rate_limited',
    reason,
    `Too many keys from this address were unknown or no longer valid: ${PER_MINUTE} a minute are answered. Correct the key; a valid one is not held up.`,
    { retryAfterSeconds },
  );
}
